// bestow nats ...
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "apps/cli/commands.hpp"

namespace bestow::cli {
namespace {

using nlohmann::ordered_json;
using namespace std::chrono_literals;

/// Looking through a stream takes some 10 us a message.
constexpr std::chrono::seconds look_within = 3'600s;

struct stream_verb {
  std::string_view verb;
  std::string_view question;  ///< {} stands for the streams.
  std::string_view fault;     ///< Only streams with this trouble, when none is named; "" = any.
  std::string_view none;      ///< Said when there is none.
};
constexpr stream_verb rebuild_verb{
    "rebuild",
    "Delete stream {} with its consumers, make it anew and publish everything again?", "",
    "stream_is_sound: every stream publishes. Name one to have it looked through."};
constexpr stream_verb adopt_verb{
    "adopt", "Take every grant of {} that the log does not know into the log?",
    "broker_stream_ahead", "stream_is_not_ahead: the log knows every message of its streams."};

/// The stream that was named, or every one the verb is for.
auto wanted_streams(const context& ctx, api_client& api, const stream_verb& v,
                    const std::string& name) -> std::pair<exit_code, std::vector<std::string>> {
  if (!name.empty()) return {exit_code::done, {name}};
  const auto listed = api.get("/api/v1/streams");
  if (!listed.good()) return {show_reply(ctx, listed), {}};
  std::vector<std::string> names;
  const auto json = ordered_json::parse(listed.body, nullptr, false);
  for (const auto& s : json.value("streams", ordered_json::array())) {
    const bool troubled = s.value("state", "") != "ready";
    const auto code = s.contains("code") && s["code"].is_string() ? s["code"].get<std::string>()
                                                                 : std::string{};
    if (troubled && (v.fault.empty() || v.fault == code)) names.push_back(s.value("name", ""));
  }
  if (!names.empty()) return {exit_code::done, std::move(names)};
  ctx.complain(v.none);
  return {exit_code::refused, {}};
}

auto order(const context& ctx, const stream_verb& v, const std::string& name) -> exit_code {
  api_client api{ctx};
  const auto [code, names] = wanted_streams(ctx, api, v, name);
  if (code != exit_code::done) return code;
  if (!ctx.confirmed(fmt::format(fmt::runtime(v.question), fmt::join(names, " and "))))
    return exit_code::usage;
  api.wait_at_most(look_within);
  auto worst = exit_code::done;
  for (const auto& stream : names) {
    const auto path = fmt::format("/api/v1/streams/{}/{}", url_escape(stream), v.verb);
    if (const auto done = show_reply(ctx, api.post(path, "{}")); done != exit_code::done)
      worst = done;
  }
  return worst;
}

void add_verb(CLI::App& noun, context& ctx, const stream_verb& v, const std::string& text) {
  auto* command = noun.add_subcommand(std::string{v.verb}, text);
  auto name = std::make_shared<std::string>();
  command->add_option("stream", *name, "Stream; without it, every one that needs it");
  command->callback(
      [&ctx, &v, name] { ctx.action = [&ctx, &v, name] { return order(ctx, v, *name); }; });
}

}  // namespace

void add_nats(CLI::App& app, context& ctx) {
  auto* noun = app.add_subcommand("nats", "The broker's streams");
  noun->require_subcommand(1);
  static const std::vector<column> columns{
      {"name", "STREAM", false},        {"state", "STATE", false}, {"generation", "GEN", true},
      {"planned_seq", "PLANNED", true}, {"acked_seq", "STORED", true},
      {"code", "CODE", false},          {"detail", "DETAIL", false}};
  auto* list = noun->add_subcommand("list", "The streams that grants and facts are published to");
  list->callback([&ctx] {
    ctx.action = [&ctx] {
      api_client api{ctx};
      return show_page(ctx, api.get("/api/v1/streams"), "streams", columns,
                       fields_of("Stream"));
    };
  });
  add_verb(*noun, ctx, rebuild_verb,
           "Make a damaged stream anew and publish everything planned again; also the event stream");
  add_verb(*noun, ctx, adopt_verb,
           "Take grants into the log that the stream holds and the log has lost");
}

}  // namespace bestow::cli
