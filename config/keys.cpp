#include "config/keys.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "config/values.hpp"

namespace bestow::config {
namespace {

using text_ref = std::function<std::string&(settings&)>;

struct key_name {
  std::string_view section;
  std::string_view name;
};

template <class Ref>
auto read(const Ref& ref, const settings& s) {
  auto copy = s;
  return ref(copy);
}

auto finish(key_binding b) -> key_binding {
  b.row.fallback = b.show(settings{});
  return b;
}

/// Text, checked by `wrong` ("" = good).
auto text_key(key_name key, std::string allowed, std::string meaning, text_ref ref,
              std::function<std::string(std::string_view)> wrong, bool secret = false)
    -> key_binding {
  key_binding b;
  b.row = {std::string{key.section}, std::string{key.name}, "text", "",
           std::move(allowed),       std::move(meaning),    secret};
  b.kind = key_kind::text;
  b.set = [ref, wrong](settings& s, std::string_view text) {
    auto problem = wrong(text);
    if (problem.empty()) ref(s) = std::string{text};
    return problem;
  };
  b.show = [ref](const settings& s) { return "\"" + read(ref, s) + "\""; };
  return finish(std::move(b));
}

struct bounds {
  std::uint64_t low;
  std::uint64_t high;
};

template <class Int>
auto number_key(key_name key, key_kind kind, bounds range, std::string meaning,
                std::function<Int&(settings&)> ref) -> key_binding {
  const bool size = kind == key_kind::size;
  const auto show = [size](std::uint64_t v) { return size ? show_size(v) : fmt::to_string(v); };
  const auto allowed = fmt::format("{}..{}", show(range.low), show(range.high));
  key_binding b;
  b.row = {std::string{key.section},
           std::string{key.name},
           size ? "size" : "integer",
           "",
           allowed,
           std::move(meaning),
           false};
  b.kind = kind;
  b.set = [=](settings& s, std::string_view text) -> std::string {
    const auto value = size ? parse_size(text) : parse_unsigned(text);
    if (!value || *value < range.low || *value > range.high) return "allowed is " + allowed;
    ref(s) = static_cast<Int>(*value);
    return "";
  };
  b.show = [ref, size](const settings& s) {
    const auto value = static_cast<std::uint64_t>(read(ref, s));
    return size ? "\"" + show_size(value) + "\"" : fmt::to_string(value);
  };
  return finish(std::move(b));
}

auto duration_key(key_name key, std::chrono::milliseconds low, std::chrono::milliseconds high,
                  std::string meaning, std::function<std::chrono::milliseconds&(settings&)> ref)
    -> key_binding {
  const auto allowed = show_duration(low) + ".." + show_duration(high);
  key_binding b;
  b.row = {std::string{key.section},
           std::string{key.name},
           "duration",
           "",
           allowed,
           std::move(meaning),
           false};
  b.kind = key_kind::duration;
  b.set = [=](settings& s, std::string_view text) -> std::string {
    const auto value = parse_duration(text);
    if (!value || *value < low || *value > high) return "allowed is " + allowed;
    ref(s) = *value;
    return "";
  };
  b.show = [ref](const settings& s) { return "\"" + show_duration(read(ref, s)) + "\""; };
  return finish(std::move(b));
}

auto boolean_key(key_name key, std::string meaning, std::function<bool&(settings&)> ref)
    -> key_binding {
  key_binding b;
  b.row = {std::string{key.section},
           std::string{key.name},
           "boolean",
           "",
           "true, false",
           std::move(meaning),
           false};
  b.kind = key_kind::boolean;
  b.set = [ref](settings& s, std::string_view text) -> std::string {
    const auto value = parse_boolean(text);
    if (!value) return "allowed are true, false";
    ref(s) = *value;
    return "";
  };
  b.show = [ref](const settings& s) { return std::string{read(ref, s) ? "true" : "false"}; };
  return finish(std::move(b));
}

/// One of a few words; `get` and `put` translate to the setting's own type.
auto choice_key(key_name key, std::vector<std::string> words, std::string meaning,
                std::function<void(settings&, std::size_t)> put,
                std::function<std::size_t(const settings&)> get) -> key_binding {
  const auto allowed = fmt::format("{}", fmt::join(words, ", "));
  key_binding b;
  b.row = {std::string{key.section},
           std::string{key.name},
           "choice",
           "",
           allowed,
           std::move(meaning),
           false};
  b.kind = key_kind::choice;
  b.set = [=](settings& s, std::string_view text) -> std::string {
    const auto it = std::find(words.begin(), words.end(), text);
    if (it == words.end()) return "allowed are " + allowed;
    put(s, static_cast<std::size_t>(it - words.begin()));
    return "";
  };
  b.show = [=](const settings& s) { return "\"" + words[get(s)] + "\""; };
  return finish(std::move(b));
}

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

void add_data_and_nats(std::vector<key_binding>& keys) {
  constexpr bounds map_range{1ULL << 20U, 1ULL << 46U};
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
  keys.push_back(text_key(
      {"nats", "credentials"}, "a file", "Credentials file (JWT and NKey) for mode external.",
      [](settings & s) -> auto& { return s.nats.credentials; }, anything));
  keys.push_back(text_key(
      {"nats", "server"}, "a program",
      "The nats-server program of mode embedded: a path, or a name in PATH.",
      [](settings & s) -> auto& { return s.nats.server; }, not_empty));
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
      "Messages a second over all promotions of a type; 0 is unlimited.",
      [](settings & s) -> auto& { return s.grants.rate_per_second; }));
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
