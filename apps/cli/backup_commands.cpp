// bestow backup ...
#include <filesystem>
#include <memory>
#include <optional>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "apps/cli/commands.hpp"
#include "apps/cli/offline.hpp"
#include "apps/cli/progress.hpp"
#include "apps/evidence/backup.hpp"
#include "apps/http/render.hpp"
#include "apps/system/data_layout.hpp"
#include "apps/system/system_clock.hpp"
#include "events/limits.hpp"

namespace bestow::cli {
namespace {

using nlohmann::ordered_json;

/// One bar after the other, as the work goes from step to step.
class step_bars {
 public:
  explicit step_bars(const context& ctx) : ctx_{ctx} {}
  void operator()(std::string_view step, std::uint64_t done) {
    if (step != shown_) {
      shown_ = step;
      const bool facts = step.starts_with("verifying");
      bar_.emplace(ctx_, shown_, 0, facts ? "facts" : "B");
    }
    bar_->update(done);
  }

 private:
  const context& ctx_;
  std::string shown_;
  std::optional<progress> bar_;
};

auto absolute(const std::string& path) -> std::string {
  std::error_code error;
  auto out = std::filesystem::absolute(path, error).lexically_normal().string();
  while (out.size() > 1 && out.ends_with('/')) out.pop_back();
  return error ? path : out;
}

auto create_here(const context& ctx, const std::string& data, const std::string& directory)
    -> exit_code {
  if (const auto opened = open_offline(ctx, data); !opened.log) return opened.code;
  const apps::system_clock clock;
  step_bars bars{ctx};
  const auto made = evidence::create_backup({data, directory, version(), clock.wall()},
                                            [&](std::string_view step, std::uint64_t done) {
                                              bars(step, done);
                                            });
  if (!made) return report_fault(ctx, made.error());
  return show_reply(ctx, {201, http::backup_json(directory, *made), ""});
}

auto create(const context& ctx, const std::string& data, const std::string& wanted) -> exit_code {
  const auto directory = absolute(wanted);
  if (const auto why = data.empty() ? "" : evidence::why_no_backup(data, directory);
      !why.empty()) {
    ctx.complain(fmt::format("backup_directory_taken: {}", why));
    return exit_code::refused;
  }
  if (!data.empty()) return create_here(ctx, data, directory);
  api_client api{ctx};
  api.wait_at_most(std::chrono::duration_cast<std::chrono::seconds>(limits::cli_backup_within));
  const ordered_json body{{"directory", directory}};
  return show_reply(ctx, api.post("/api/v1/backups", body.dump()));
}

void say_next(const context& ctx, const std::string& data, const evidence::restored& r) {
  ctx.note(fmt::format(
      "restored: log {} up to position {}, as incarnation {}.\n"
      "Next:\n"
      "  1. Make sure that the old data directory is never served again.\n"
      "  2. With the embedded broker: move its store, the old directory's nats/, to {}/nats;\n"
      "     without it the grant streams are missing and nothing is published until you rebuild them;\n"
      "     answers of the payer that were not read are lost with it.\n"
      "  3. bestow serve --data {}\n"
      "  4. bestow nats list: a stream that is ahead of the log needs `bestow nats adopt`, one that\n"
      "     is missing or an event stream that differs needs `bestow nats rebuild`.\n"
      "  5. bestow promotion reconcile ID --ledger FILE for every promotion that was running.",
      r.from.log_id, r.from.head.value, r.incarnation, data, data));
}

auto restore(const context& ctx, const std::string& from, const std::string& to) -> exit_code {
  const auto data = absolute(to);
  if (const auto why = evidence::why_not_into(data); !why.empty()) {
    ctx.complain(fmt::format("backup_directory_taken: {}", why));
    return exit_code::refused;
  }
  std::error_code error;
  if (!std::filesystem::is_directory(from, error)) {
    ctx.complain(fmt::format("{}: there is no such directory", from));
    return exit_code::not_found;
  }
  step_bars bars{ctx};
  const auto done = evidence::restore_backup(
      from, data, [&](std::string_view step, std::uint64_t n) { bars(step, n); });
  if (!done) return report_fault(ctx, done.error());
  const ordered_json document{{"directory", data},
                              {"log_id", done->from.log_id},
                              {"incarnation", done->incarnation},
                              {"head_position", done->from.head.value},
                              {"head_hash", to_hex(done->from.head_hash)},
                              {"frames", done->from.frames},
                              {"backup_made_at", to_rfc3339(done->from.made_at)}};
  const auto code = show_reply(ctx, {200, document.dump(), ""});
  say_next(ctx, data, *done);
  return code;
}

}  // namespace

void add_backup(CLI::App& app, context& ctx) {
  auto* noun = app.add_subcommand("backup", "Verified copies of the log");
  noun->require_subcommand(1);
  auto* c = noun->add_subcommand("create", "Copy the log and the refused rows, and verify the copy");
  auto directory = std::make_shared<std::string>();
  auto data = std::make_shared<std::string>();
  c->add_option("directory", *directory,
                "A new directory, on the server's machine: nothing is overwritten")
      ->required();
  c->add_option("--data", *data, "Copy a data directory instead of asking a server");
  c->callback([&ctx, directory, data] {
    ctx.action = [&ctx, directory, data] { return create(ctx, *data, *directory); };
  });
  auto* r = noun->add_subcommand("restore", "Make a data directory out of a backup");
  auto from = std::make_shared<std::string>();
  auto to = std::make_shared<std::string>();
  r->add_option("directory", *from, "The backup")->required();
  r->add_option("--data", *to, "The new data directory: nothing is overwritten")->required();
  r->callback([&ctx, from, to] {
    ctx.action = [&ctx, from, to] { return restore(ctx, *from, *to); };
  });
}

}  // namespace bestow::cli
