// The program's settings as one typed value, complete and validated once at the start.
//
// Promise: a settings value that load() returned needs no further check anywhere. Every key stands
// once in the key table, which drives parsing, overrides, the reference page and the tests.
// Threads: plain values; load() touches only its arguments and the file it is told to read.
#pragma once

#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "actors/engine.hpp"
#include "events/limits.hpp"
#include "events/result.hpp"
#include "events/types.hpp"

namespace bestow::config {

/// What the bearer of a token may do. viewer reads; operator does all work but approving;
/// approver approves; admin does everything.
enum class access_role : std::uint8_t { viewer, operate, approver, admin };
/// viewer, operator, approver, admin.
[[nodiscard]] auto name_of(access_role r) -> std::string_view;
/// Whether a bearer of `has` may do what asks for `needs`.
[[nodiscard]] auto allows(access_role has, access_role needs) -> bool;

/// One named token. Only its hash is ever held.
struct access_token {
  std::string name;  ///< The principal in the facts.
  access_role role{access_role::viewer};
  sha256_digest sha256{};
};

/// Fills `out` from its parts as they are written. "" = done, else what is wrong.
[[nodiscard]] auto make_token(std::string_view name, std::string_view role, std::string_view sha256,
                              access_token& out) -> std::string;

enum class nats_mode : std::uint8_t { embedded, external };
/// Who else could write to the grant streams: automatic is writer for mode external.
enum class fence_mode : std::uint8_t { automatic, writer, none };
enum class log_format : std::uint8_t { text, json };
/// What a command over NATS without a token may do; none: it is refused.
enum class command_role : std::uint8_t { none, viewer, operate, approver, admin };

struct data_settings {
  std::string dir{"bestow-data"};
  std::uint64_t map_size{limits::log_map_bytes_default};        ///< Bytes of address space.
  std::uint64_t view_map_size{limits::view_map_bytes_default};  ///< Bytes, of each view.
  std::uint64_t segment_size{limits::log_segment_bytes_default};  ///< Bytes of a sealed log file.
  bool segment_monthly{false};  ///< Also a new log file at the first fact of a month (UTC).
};
struct nats_settings {
  nats_mode mode{nats_mode::embedded};
  std::string url{"nats://127.0.0.1:4222"};
  std::string user;
  std::string password;
  std::string credentials;  ///< File with a JWT and an NKey.
  std::string nkey;         ///< File with an NKey seed.
  std::string tls_ca;
  std::string tls_cert;
  std::string tls_key;
  fence_mode fence{fence_mode::automatic};
  std::uint64_t replicas{1};
  std::uint64_t stream_max_bytes{0};  ///< 0 = unlimited.
  /// Whether messages name their writer: as `fence` says, or, left open, for an external server.
  [[nodiscard]] auto fenced() const -> bool {
    return fence == fence_mode::writer ||
           (fence == fence_mode::automatic && mode == nats_mode::external);
  }
  std::string server{"nats-server"};
  bool commands{true};                        ///< Answer commands and $SRV.
  std::string command_prefix{"bestow.cmd"};   ///< Commands come on <prefix>.<noun>.<verb>.
  command_role role{command_role::viewer};    ///< Of a command without a token.
};
struct http_settings {
  std::string listen{"127.0.0.1:8480"};
  std::vector<access_token> tokens;
  std::uint64_t body_max{limits::http_body_bytes_max};  ///< Bytes; imports are streamed.
  std::chrono::milliseconds read_timeout{10'000};
  std::chrono::milliseconds write_timeout{10'000};
  std::uint64_t stream_viewers{limits::http_stream_viewers_max};
};
struct process_settings {
  std::uint64_t worker_threads{2};
};
struct log_settings {
  std::string level{"info"};
  log_format format{log_format::text};
};

struct settings {
  data_settings data;
  nats_settings nats;
  http_settings http;
  actors::grant_settings grants;
  process_settings process;
  log_settings log;
};

/// One row of docs/reference/config.md.
struct key_row {
  std::string section;
  std::string name;
  std::string type;      ///< text, integer, size, duration, boolean, choice, tokens
  std::string fallback;  ///< The value without any configuration, as it is written in the file.
  std::string allowed;
  std::string meaning;
  bool secret{false};  ///< Never printed with its value.
};
/// Every key there is, by section, in the order of the example file.
[[nodiscard]] auto key_table() -> std::span<const key_row>;
/// docs/reference/config.md, whole.
[[nodiscard]] auto key_table_markdown() -> std::string;
/// The value of `section.name` as it is written in the file; "" for an unknown key.
[[nodiscard]] auto value_of(const settings& s, std::string_view section, std::string_view name)
    -> std::string;

/// `section.key = value` from outside the file, with where it came from, for the messages.
struct override_value {
  std::string key;  ///< "http.listen"
  std::string value;
  std::string origin;  ///< "--listen", "BESTOW_HTTP_LISTEN"
};
struct load_request {
  std::string path;  ///< "" = no file.
  /// Environment as name, value. Names BESTOW_<SECTION>_<KEY> override the file.
  std::vector<std::pair<std::string, std::string>> environment;
  std::vector<override_value> overrides;  ///< Strongest.
};
/// Reads and validates. Nothing is done when anything is wrong.
/// @fault bad_config  one line for each problem: place, key, value, what is allowed.
[[nodiscard]] auto load(const load_request& request) -> result<settings>;
/// As load() with the file's text; `name` stands in messages.
[[nodiscard]] auto load_text(std::string_view text, std::string_view name,
                             const load_request& request) -> result<settings>;

/// "127.0.0.1:8480" or "[::1]:8480" as host and port.
struct listen_address {
  std::string host;
  std::uint16_t port{0};
};
/// False: not HOST:PORT; `out` is untouched.
[[nodiscard]] auto parse_listen(std::string_view text, listen_address& out) -> bool;
/// 127.0.0.0/8, ::1, localhost.
[[nodiscard]] auto is_loopback(std::string_view host) -> bool;

}  // namespace bestow::config
