#include "config/keys.hpp"

#include <algorithm>
#include <array>
#include <fstream>

#include <fmt/format.h>

#include "config/key_kinds.hpp"
#include "config/values.hpp"

namespace bestow::config {
namespace {

auto wrong_subject(std::string_view text) -> std::string {
  constexpr std::size_t subject_chars_max = 200;
  const bool tokens = !text.empty() && text.front() != '.' && text.back() != '.' &&
                      text.find("..") == std::string_view::npos;
  const bool letters = std::all_of(text.begin(), text.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '.' || c == '-' || c == '_';
  });
  if (tokens && letters && text.size() <= subject_chars_max) return "";
  return "allowed are letters, digits, '-', '_' in tokens separated by '.', without a wildcard";
}
auto wrong_stream(std::string_view text) -> std::string {
  constexpr std::size_t stream_chars_max = 64;
  const bool letters = std::all_of(text.begin(), text.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '-' || c == '_';
  });
  if (!text.empty() && letters && text.size() <= stream_chars_max) return "";
  return "allowed are 1..64 letters, digits, '-', '_'";
}
auto not_empty(std::string_view text) -> std::string {
  return text.empty() ? "it must not be empty" : "";
}
auto anything(std::string_view) -> std::string {
  return "";
}
/// A path that cannot be read is told at the start, not at the first connect.
auto unreadable_file(std::string_view text) -> std::string {
  if (text.empty() || std::ifstream{std::string{text}}.good()) return "";
  return "there is no readable file at this path";
}
auto wrong_listen(std::string_view text) -> std::string {
  listen_address address;
  return parse_listen(text, address) ? "" : "allowed is HOST:PORT with port 0..65535";
}
auto wrong_url(std::string_view text) -> std::string {
  const bool known = text.starts_with("nats://") || text.starts_with("tls://");
  return known && text.size() > 7 ? "" : "allowed is nats://HOST:PORT or tls://HOST:PORT";
}

auto tokens_key() -> key_binding {
  key_binding b;
  b.row = {"http",
           "tokens",
           "tokens",
           "",
           "a table for each: name, role (viewer, operator, approver, admin), sha256",
           "Named tokens. With any, every request but /healthz and /readyz needs one. Only the "
           "SHA-256 of a token stands here (`bestow token new NAME ROLE` makes one). As an override: "
           "name:role:sha256 separated by commas.",
           true};
  b.kind = key_kind::tokens;
  b.set = [](settings& s, std::string_view text) -> std::string {
    std::vector<access_token> tokens;
    while (!text.empty()) {
      const auto comma = text.find(',');
      const auto item = text.substr(0, comma);
      text = comma == std::string_view::npos ? "" : text.substr(comma + 1);
      const auto first = item.find(':');
      const auto second = first == std::string_view::npos ? first : item.find(':', first + 1);
      if (second == std::string_view::npos) return "allowed is name:role:sha256,...";
      access_token token;
      auto problem = make_token(item.substr(0, first), item.substr(first + 1, second - first - 1),
                                item.substr(second + 1), token);
      if (!problem.empty()) return problem;
      tokens.push_back(std::move(token));
    }
    s.http.tokens = std::move(tokens);
    return "";
  };
  b.show = [](const settings& s) { return s.http.tokens.empty() ? "[]" : "(hidden)"; };
  return finish(std::move(b));
}

/// How an external server is spoken to, and what is asked of either.
void add_broker(std::vector<key_binding>& keys) {
  struct file {
    std::string_view name;
    std::string_view meaning;
    std::string nats_settings::*member;
  };
  static constexpr std::array<file, 5> files{{
      {"credentials", "Credentials file (JWT and NKey) for mode external.",
       &nats_settings::credentials},
      {"nkey", "File with a user's NKey seed (SU...) for mode external.", &nats_settings::nkey},
      {"tls_ca",
       "PEM file of the authorities that may sign the server's certificate. Turns TLS on; the "
       "system's authorities when only the URL is tls://.",
       &nats_settings::tls_ca},
      {"tls_cert", "PEM file of the client's certificate chain, with tls_key.",
       &nats_settings::tls_cert},
      {"tls_key", "PEM file of the client's key, with tls_cert.", &nats_settings::tls_key},
  }};
  for (const auto& f : files) {
    keys.push_back(text_key(
        {"nats", f.name}, "a readable file", std::string{f.meaning},
        [member = f.member](settings& s) -> std::string& { return s.nats.*member; },
        unreadable_file));
  }
  keys.push_back(choice_key(
      {"nats", "fence"}, {"automatic", "writer", "none"},
      "writer: every grant names its writer and the one before it, so that a second Bestow with "
      "another log cannot write between. automatic is writer for mode external, none for embedded.",
      [](settings& s, std::size_t i) { s.nats.fence = static_cast<fence_mode>(i); },
      [](const settings& s) { return static_cast<std::size_t>(s.nats.fence); }));
  keys.push_back(number_key<std::uint64_t>(
      {"nats", "replicas"}, key_kind::integer, {1, 5},
      "Replicas of each grant stream. More than 1 needs a cluster of 2.10.23 or newer with "
      "sync_interval: always.",
      [](settings & s) -> auto& { return s.nats.replicas; }));
  keys.push_back(number_key<std::uint64_t>(
      {"nats", "stream_max_bytes"}, key_kind::size, {0, 1ULL << 50U},
      "Room of each grant stream when it is created; 0 is unlimited. A full stream pauses "
      "publishing and loses nothing.",
      [](settings & s) -> auto& { return s.nats.stream_max_bytes; }));
}

/// What is answered over NATS.
void add_commands(std::vector<key_binding>& keys) {
  keys.push_back(boolean_key(
      {"nats", "commands"}, "Answer commands on command_prefix, and $SRV requests.",
      [](settings & s) -> auto& { return s.nats.commands; }));
  keys.push_back(text_key(
      {"nats", "command_prefix"}, "a NATS subject without wildcards",
      "Commands come on <command_prefix>.<noun>.<verb>. Two Bestows with different logs on one "
      "broker need different ones.",
      [](settings & s) -> auto& { return s.nats.command_prefix; }, wrong_subject));
  keys.push_back(choice_key(
      {"nats", "command_role"}, {"none", "viewer", "operator", "approver", "admin"},
      "What a command without an Authorization header may do; none: nothing. With http.tokens at "
      "most operator.",
      [](settings& s, std::size_t i) { s.nats.role = static_cast<command_role>(i); },
      [](const settings& s) { return static_cast<std::size_t>(s.nats.role); }));
}

void add_data_and_nats(std::vector<key_binding>& keys) {
  constexpr bounds map_range{1ULL << 20U, 1ULL << 46U};
  constexpr bounds segment_range{64ULL << 10U, 1ULL << 46U};
  keys.push_back(text_key(
      {"data", "dir"}, "a directory",
      "Where everything lives: the log, views, snapshots, the embedded broker.",
      [](settings & s) -> auto& { return s.data.dir; }, not_empty));
  keys.push_back(number_key<std::uint64_t>(
      {"data", "map_size"}, key_kind::size, map_range,
      "Address space reserved for the log; the file grows only as used.",
      [](settings & s) -> auto& { return s.data.map_size; }));
  keys.push_back(number_key<std::uint64_t>(
      {"data", "view_map_size"}, key_kind::size, map_range, "Address space reserved for each view.",
      [](settings & s) -> auto& { return s.data.view_map_size; }));
  keys.push_back(number_key<std::uint64_t>(
      {"data", "segment_size"}, key_kind::size, segment_range,
      "A file of the log that has grown to this is sealed: it never changes again, and the next "
      "one is begun. With a map_size below it the log is full first.",
      [](settings & s) -> auto& { return s.data.segment_size; }));
  keys.push_back(boolean_key(
      {"data", "segment_monthly"},
      "Also seal the log's file before the first fact of each calendar month (UTC).",
      [](settings & s) -> auto& { return s.data.segment_monthly; }));
  keys.push_back(choice_key(
      {"nats", "mode"}, {"embedded", "external"},
      "embedded starts a nats-server with JetStream as a child on loopback; external uses yours.",
      [](settings& s, std::size_t i) { s.nats.mode = static_cast<nats_mode>(i); },
      [](const settings& s) { return static_cast<std::size_t>(s.nats.mode); }));
  keys.push_back(text_key(
      {"nats", "url"}, "nats://HOST:PORT or tls://HOST:PORT", "The server of mode external.",
      [](settings & s) -> auto& { return s.nats.url; }, wrong_url));
  keys.push_back(text_key(
      {"nats", "user"}, "any text", "User name for mode external.",
      [](settings & s) -> auto& { return s.nats.user; }, anything));
  keys.push_back(text_key(
      {"nats", "password"}, "any text",
      "Password for mode external; better given as BESTOW_NATS_PASSWORD.",
      [](settings & s) -> auto& { return s.nats.password; }, anything, true));
  add_broker(keys);
  keys.push_back(text_key(
      {"nats", "server"}, "a program",
      "The nats-server program of mode embedded: a path, or a name in PATH.",
      [](settings & s) -> auto& { return s.nats.server; }, not_empty));
  add_commands(keys);
}

void add_http(std::vector<key_binding>& keys) {
  using namespace std::chrono_literals;
  keys.push_back(text_key(
      {"http", "listen"}, "HOST:PORT; port 0 takes a free one",
      "Where HTTP is served. Anything but loopback needs tokens.",
      [](settings & s) -> auto& { return s.http.listen; }, wrong_listen));
  keys.push_back(tokens_key());
  keys.push_back(number_key<std::uint64_t>(
      {"http", "body_max"}, key_kind::size, {1'024, 64ULL << 20U},
      "Largest JSON body. Imported files are streamed and have no limit.",
      [](settings & s) -> auto& { return s.http.body_max; }));
  keys.push_back(duration_key(
      {"http", "read_timeout"}, 1s, 10min,
      "How long a request may stay silent before it is given up.",
      [](settings & s) -> auto& { return s.http.read_timeout; }));
  keys.push_back(duration_key(
      {"http", "write_timeout"}, 1s, 10min,
      "How long a client may not take its answer before it is given up.",
      [](settings & s) -> auto& { return s.http.write_timeout; }));
  keys.push_back(number_key<std::uint64_t>(
      {"http", "stream_viewers"}, key_kind::integer, {1, limits::http_stream_viewers_max},
      "Viewers of /api/v1/stream at once; each holds a thread.",
      [](settings & s) -> auto& { return s.http.stream_viewers; }));
}

void add_topics(std::vector<key_binding>& keys) {
  struct topic {
    std::string_view name;
    std::string_view meaning;
    std::string actors::grant_settings::*member;
    bool subject;
  };
  using g = actors::grant_settings;
  static constexpr std::array<topic, 10> topics{{
      {"campaign_voucher_publish", "Subject of voucher grants.", &g::voucher_topic, true},
      {"campaign_point_publish", "Subject of point grants.", &g::point_topic, true},
      {"campaign_voucher_result", "Subject of voucher results.", &g::voucher_result_topic, true},
      {"campaign_point_result", "Subject of point results.", &g::point_result_topic, true},
      {"voucher_stream", "JetStream stream of voucher grants.", &g::voucher_stream, false},
      {"point_stream", "JetStream stream of point grants.", &g::point_stream, false},
      {"result_stream", "JetStream stream of results.", &g::result_stream, false},
      {"dead_stream", "JetStream stream of results that cannot be used.", &g::dead_stream, false},
      {"event_stream", "JetStream stream of every fact.", &g::event_stream, false},
      {"event_prefix", "Subjects of facts begin with it.", &g::event_prefix, true},
  }};
  for (const auto& t : topics) {
    keys.push_back(text_key(
        {"grants", t.name}, t.subject ? "a NATS subject without wildcards" : "a stream name",
        std::string{t.meaning},
        [member = t.member](settings& s) -> std::string& { return s.grants.*member; },
        t.subject ? wrong_subject : wrong_stream));
  }
}

void add_grants(std::vector<key_binding>& keys) {
  keys.push_back(number_key<std::uint32_t>(
      {"grants", "chunk"}, key_kind::integer, {1, limits::release_chunk_max},
      "Targets released by one fact and acknowledged together.",
      [](settings & s) -> auto& { return s.grants.chunk; }));
  keys.push_back(number_key<std::uint64_t>(
      {"grants", "rate"}, key_kind::integer, {0, 100'000'000},
      "Grants a second over all promotions of a type; 0 is unlimited.",
      [](settings & s) -> auto& { return s.grants.rate_per_second; }));
  keys.push_back(choice_key(
      {"grants", "wire"}, {"single", "batch"},
      "single: one grant in a message. batch: up to batch_size grants of one partition in a "
      "message. Acts on the next run.",
      [](settings& s, std::size_t i) {
        s.grants.wire = i == 1 ? grant_wire::batch : grant_wire::single;
      },
      [](const settings& s) -> std::size_t { return s.grants.wire == grant_wire::batch ? 1 : 0; }));
  keys.push_back(number_key<std::uint32_t>(
      {"grants", "batch_size"}, key_kind::integer, {1, limits::batch_grants_max},
      "Grants of one message of the batch wire at most; fewer where the broker's max_payload or "
      "the end of a chunk says so.",
      [](settings & s) -> auto& { return s.grants.batch_size; }));
  keys.push_back(choice_key(
      {"grants", "batch_format"}, {"json", "msgpack"},
      "How messages of the batch wire are written: JSON, or compact msgpack.",
      [](settings& s, std::size_t i) {
        s.grants.batch_format = i == 1 ? grant_format::msgpack : grant_format::json;
      },
      [](const settings& s) -> std::size_t {
        return s.grants.batch_format == grant_format::msgpack ? 1 : 0;
      }));
  keys.push_back(choice_key(
      {"grants", "completion"}, {"results", "published"},
      "results: completed when every target has its final answer. published: when all is on the "
      "stream, for payers that send no results.",
      [](settings& s, std::size_t i) { s.grants.complete_when_published = i == 1; },
      [](const settings& s) -> std::size_t { return s.grants.complete_when_published ? 1 : 0; }));
  keys.push_back(duration_key(
      {"grants", "result_deadline"}, std::chrono::milliseconds{100}, std::chrono::hours{24 * 366},
      "A published target without a final answer for this long becomes unknown. Not used with "
      "completion = published.",
      [](settings & s) -> auto& { return s.grants.result_deadline; }));
  keys.push_back(boolean_key(
      {"grants", "extra_fields"}, "Send idempotencyKey and attempt after the original fields.",
      [](settings & s) -> auto& { return s.grants.extra_fields; }));
  keys.push_back(boolean_key(
      {"grants", "publish_events"}, "Publish every fact of the log on event_stream.",
      [](settings & s) -> auto& { return s.grants.publish_events; }));
  keys.push_back(boolean_key(
      {"grants", "partition_token"}, "End the subject in the partition's number.",
      [](settings & s) -> auto& { return s.grants.partition_token; }));
  add_topics(keys);
}

void add_process_and_log(std::vector<key_binding>& keys) {
  keys.push_back(number_key<std::uint64_t>(
      {"process", "worker_threads"}, key_kind::integer, {1, 256}, "Threads that run actors.",
      [](settings & s) -> auto& { return s.process.worker_threads; }));
  static const std::vector<std::string> levels{"trace", "debug", "info", "warn", "error"};
  keys.push_back(choice_key(
      {"log", "level"}, levels, "How much is written to stderr.",
      [](settings& s, std::size_t i) { s.log.level = levels[i]; },
      [](const settings& s) {
        const auto it = std::find(levels.begin(), levels.end(), s.log.level);
        return static_cast<std::size_t>(it - levels.begin());
      }));
  keys.push_back(choice_key(
      {"log", "format"}, {"text", "json"},
      "text for people, json (one object a line) for machines.",
      [](settings& s, std::size_t i) { s.log.format = static_cast<log_format>(i); },
      [](const settings& s) { return static_cast<std::size_t>(s.log.format); }));
}

auto make_bindings() -> std::vector<key_binding> {
  std::vector<key_binding> keys;
  add_data_and_nats(keys);
  add_http(keys);
  add_grants(keys);
  add_process_and_log(keys);
  return keys;
}

}  // namespace

auto key_bindings() -> const std::vector<key_binding>& {
  static const std::vector<key_binding> keys = make_bindings();
  return keys;
}

auto find_key(std::string_view section, std::string_view name) -> const key_binding* {
  for (const auto& key : key_bindings())
    if (key.row.section == section && key.row.name == name) return &key;
  return nullptr;
}

auto section_names() -> std::vector<std::string> {
  std::vector<std::string> names;
  for (const auto& key : key_bindings())
    if (names.empty() || names.back() != key.row.section) names.push_back(key.row.section);
  return names;
}

}  // namespace bestow::config
