#include "tests/apps/http_fixture.hpp"

#include <cstdlib>
#include <filesystem>

#include <algorithm>
#include <stdexcept>

#include <openssl/sha.h>

#include "apps/http/route.hpp"
#include "bus/grant_wire.hpp"
#include "store/view_store.hpp"

namespace bestow::testing {
namespace {

constexpr std::int64_t amount_of_one = 100;

auto must(bool good, const char* what) -> void {
  if (!good) throw std::runtime_error{what};
}

auto query_of(const std::string& text) -> header_list {
  header_list out;
  std::size_t from = 0;
  while (from < text.size()) {
    const auto end = std::min(text.find('&', from), text.size());
    const auto item = text.substr(from, end - from);
    const auto equals = item.find('=');
    out.emplace_back(item.substr(0, equals),
                     equals == std::string::npos ? "" : item.substr(equals + 1));
    from = end + 1;
  }
  return out;
}

auto imported(std::uint64_t count) -> targets_imported {
  targets_imported t;
  t.batch = "b1";
  t.first_row = 1;
  t.row_count = static_cast<std::uint32_t>(count);
  t.target_ids = u64_column::arithmetic(1, 1, count);
  t.ids_given = true;
  t.customer_uids = u64_column::arithmetic(1'001, 1, count);
  t.partitions = u64_column::constant(0, count);
  t.amounts = u64_column::constant(amount_of_one, count);
  t.expiries = u64_column::constant(1'800'000'000'000, count);
  t.reasons = string_column::constant("새해", count);
  return t;
}

auto created_points(std::uint64_t id) -> promotion_created {
  promotion_created c;
  c.promotion = {id};
  c.type = promotion_type::point;
  c.currency = "KRW";
  c.created_by = "ann";
  return c;
}

auto released(std::uint64_t id, std::uint64_t count) -> targets_released {
  targets_released r;
  r.promotion = {id};
  r.type = promotion_type::point;
  r.run = {1};
  r.ordinals.append(0, static_cast<std::uint32_t>(count));
  r.message_count = static_cast<std::uint32_t>(count);
  r.topic = "prepay.campaign.point.publish";
  r.sent_at = {1'768'959'000'000};
  return r;
}

}  // namespace

auto http_answer::header(const std::string& name) const -> std::string {
  for (const auto& [key, value] : headers)
    if (key == name) return value;
  return "";
}

http_fixture::http_fixture() : broker{std::make_shared<bus::memory_broker>()} {
  auto made = store::make_target_lists("");
  must(made.has_value(), "lists");
  lists = std::move(*made);
  stores = store::make_memory_view_stores();
  auto opened = projections::open_views(*stores, log, *lists);
  must(opened.has_value(), "views");
  views = std::move(*opened);
  std::string folder = (std::filesystem::temp_directory_path() / "bestow-http-XXXXXX").string();
  must(mkdtemp(folder.data()) != nullptr, "mkdtemp");
  settings.data.dir = folder;
  answers = std::make_unique<projections::queries>(*views, log, *lists);
  past = std::make_unique<projections::past_views>(
      log, *lists, []() -> result<std::unique_ptr<store::view_store_factory>> {
        return store::make_memory_view_stores();
      });
  messages = std::make_unique<bus::memory_bus>(broker);
  parts.engine = &engine;
  parts.answers = answers.get();
  parts.views = views.get();
  parts.past = past.get();
  parts.log = &log;
  parts.lists = lists.get();
  parts.messages = messages.get();
  parts.time = &time;
  parts.settings = &settings;
  parts.state = &state;
  parts.version = "9.9.9";
}

http_fixture::~http_fixture() {
  std::error_code ignored;
  std::filesystem::remove_all(settings.data.dir, ignored);
}

auto http_fixture::call(const std::string& method, const std::string& path,
                        const std::optional<std::string>& body, header_list headers,
                        std::size_t piece) -> http_answer {
  http::request in;
  in.method = method;
  const auto mark = path.find('?');
  in.path = path.substr(0, mark);
  if (mark != std::string::npos) in.query = query_of(path.substr(mark + 1));
  in.headers = std::move(headers);
  in.has_body = body && !body->empty();
  in.read_body = [&](const http::body_sink& sink) {
    for (std::size_t at = 0; body && at < body->size(); at += piece)
      if (!sink(std::string_view{*body}.substr(at, piece))) return false;
    return true;
  };
  auto out = http::dispatch(parts, in);
  http_answer answer{out.status, out.content_type, out.body, out.headers};
  if (out.stream && out.content_type != "text/event-stream")
    while (out.stream([&](std::string_view text) {
      answer.body += text;
      return true;
    })) {
    }
  return answer;
}

auto http_fixture::post(const std::string& path, const std::string& body, header_list headers)
    -> http_answer {
  headers.emplace_back("Content-Type", "application/json");
  return call("POST", path, body, std::move(headers));
}

void http_fixture::append(const stream_id& stream, std::vector<encoded_event> events) {
  const auto version = log.version_of(stream);
  must(version.has_value(), "version_of");
  const store::append_batch batch{stream, *version, std::move(events)};
  const auto done = log.append_group({&batch, 1}, time.wall());
  must(done.has_value() && done->front().has_value(), "append");
}

void http_fixture::project() {
  for (const auto& name : views->names())
    for (;;) {
      const auto step = views->step(name);
      must(step.has_value(), "step");
      if (step->caught_up) break;
    }
}

void http_fixture::sealed_points(std::uint64_t id, std::uint64_t count) {
  const auto stream = stream_of(promotion_id{id});
  batch_closed closed;
  closed.batch = "b1";
  closed.rows = closed.accepted = count;
  append(stream, {encode_event(created_points(id), {"ann", "", 0}),
                  encode_event(batch_opened{"b1", import_format::csv, {1}}),
                  encode_event(imported(count)), encode_event(closed)});
  const auto built = lists->build(log, {id});
  must(built.has_value(), "build");
  facts(stream, built->totals);
}

void http_fixture::completed_points(std::uint64_t id, std::uint64_t count, std::uint64_t success) {
  sealed_points(id, count);
  const auto stream = stream_of(promotion_id{id});
  run_started run;
  run.run = {1};
  run.run_date = 20'260'121;
  run.topic = "prepay.campaign.point.publish";
  facts(stream, promotion_approved{"bob"}, run);

  const auto part = stream_of(promotion_id{id}, partition_no{0});
  append(part, {encode_event(released(id, count))});
  grants_published published;
  published.released_at = log.head().last;
  published.message_count = static_cast<std::uint32_t>(count);
  published.first_stream_seq = 1;
  results_recorded results;
  std::vector<std::uint64_t> ordinals;
  std::vector<std::uint64_t> statuses;
  for (std::uint64_t i = 0; i < count; ++i) {
    ordinals.push_back(i);
    const bool good = i < success;
    statuses.push_back(
        static_cast<std::uint64_t>(good ? process_status::success : process_status::failed));
    results.transaction_keys.push_back(good ? "tx-" + std::to_string(i + 1) : "");
    results.error_messages.push_back(good ? "" : "account closed");
  }
  results.ordinals = u64_column::of(std::move(ordinals));
  results.statuses = u64_column::of(std::move(statuses));
  results.attempts = u64_column::constant(1, count);
  results.at = u64_column::constant(1'768'959'001'000, count);
  append(part, {encode_event(published), encode_event(results)});
  promotion_completed done;
  done.run = {1};
  done.success_count = success;
  done.fail_count = count - success;
  done.success_amount = {static_cast<std::int64_t>(success) * amount_of_one};
  facts(stream, done);
}

void http_fixture::publish_points(std::uint64_t id, std::uint64_t count,
                                  std::vector<std::uint64_t> missing, std::int64_t amount) {
  bus::stream_config config;
  config.name = "GRANTS_POINT";
  config.subjects = {"prepay.campaign.point.publish.*"};
  must(broker->ensure_stream(config).has_value(), "ensure_stream");
  const bus::grant_encoder encoder{released(id, count)};
  for (std::uint64_t target = 1; target <= count; ++target) {
    if (std::find(missing.begin(), missing.end(), target) != missing.end()) continue;
    bus::grant_fields fields;
    fields.id = {target};
    fields.customer = {1'000 + target};
    fields.amount = {amount};
    fields.expiry = {1'800'000'000'000};
    fields.reason = "새해";
    std::string text;
    encoder.append(text, fields);
    must(broker->store(encoder.subject(), text, std::nullopt, {}).error_code == 0, "store");
  }
}

auto token_of(const std::string& name, config::access_role role, const std::string& text)
    -> config::access_token {
  config::access_token token{name, role, {}};
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(),
         reinterpret_cast<unsigned char*>(token.sha256.data()));
  return token;
}

}  // namespace bestow::testing
