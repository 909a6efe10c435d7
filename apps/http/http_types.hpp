// What a handler sees of HTTP: a request, a response and the parts it answers from. No httplib
// here, so that handlers are plain functions and tests need no socket.
//
// Threads: handlers run on any of limits::http_threads threads at once; http_parts is shared and
// everything in it is thread-safe. A request belongs to its thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <tl/expected.hpp>

#include "actors/engine.hpp"
#include "apps/http/dead_letters.hpp"
#include "apps/http/problem.hpp"
#include "bus/bus.hpp"
#include "config/settings.hpp"
#include "events/clock.hpp"
#include "projections/past_views.hpp"
#include "projections/queries.hpp"
#include "projections/view_set.hpp"
#include "store/event_log.hpp"
#include "store/target_list.hpp"

namespace bestow::http {

/// Receives a piece of a body; false = stop.
using body_sink = std::function<bool(std::string_view)>;

struct request {
  std::string method;
  std::string path;
  std::vector<std::string> params;  ///< Of the route's pattern, in order.
  std::vector<std::pair<std::string, std::string>> query;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;  ///< Read already, for routes that take JSON.
  /// Streams the body of an import. False: it broke off, or the sink said stop.
  std::function<bool(const body_sink&)> read_body;
  bool has_body{false};
  std::string principal{"local"};
  /// Whether the principal was told from others by a token.
  bool named{false};
  /// Set where the caller's place gives no rights (NATS): what a request without a token may do.
  std::optional<config::command_role> without_token;

  /// "" when absent. Header names match in any case.
  [[nodiscard]] auto header(std::string_view name) const -> std::string_view;
  [[nodiscard]] auto query_value(std::string_view name) const -> std::string_view;
  [[nodiscard]] auto has_query(std::string_view name) const -> bool;
};

struct response {
  std::uint16_t status{200};
  std::string code;  ///< Of the problem; "" = done.
  std::string content_type{"application/json"};
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers;
  /// When set, the body is produced by calling it until it returns false. It may block for
  /// half a second at most and must then return to let the server look around.
  std::function<bool(const body_sink&)> stream;
  /// Of a stream that must be whole: true once it cannot be finished. The connection then breaks
  /// off, so that the client knows; it does so too when the server stops first.
  std::shared_ptr<std::atomic<bool>> broken;
};
using answer = tl::expected<response, problem>;

/// Counters of the commands over NATS.
struct command_counters {
  std::atomic<std::uint64_t> requests{0};    ///< Answered.
  std::atomic<std::uint64_t> refused{0};     ///< 4xx
  std::atomic<std::uint64_t> failed{0};      ///< 5xx
  std::atomic<std::uint64_t> overloaded{0};  ///< Answered without being looked at; in failed.
  std::atomic<std::uint64_t> ignored{0};     ///< Without a reply subject below _INBOX: not executed.
};

/// Counters of the HTTP surface itself.
struct http_state {
  std::atomic<std::uint64_t> requests{0};
  std::atomic<std::uint64_t> refused{0};  ///< 4xx
  std::atomic<std::uint64_t> failed{0};   ///< 5xx
  std::atomic<std::uint64_t> viewers{0};
  std::atomic<std::uint64_t> imported_bytes{0};
  std::atomic<bool> verifying{false};
  std::atomic<bool> reconciling{false};
  std::atomic<std::size_t> exports{0};  ///< Under way.
  std::atomic<bool> backing_up{false};
  std::atomic<bool> stopping{false};
  std::atomic<bool> broker_alive{true};
  dead_letters dead;
  command_counters commands;
};

/// Everything handlers answer from; all outlive the server. `messages` may be null.
struct http_parts {
  actors::engine* engine{nullptr};
  const projections::queries* answers{nullptr};
  const projections::view_set* views{nullptr};
  projections::past_views* past{nullptr};
  const store::event_log* log{nullptr};
  store::target_lists* lists{nullptr};
  bus::message_bus* messages{nullptr};
  bestow::clock* time{nullptr};
  const config::settings* settings{nullptr};
  http_state* state{nullptr};
  std::string version;
  /// The program's newest log lines, oldest first. May be empty. Any thread.
  std::function<std::vector<std::string>()> recent_lines;
};

/// 200 with JSON.
[[nodiscard]] auto json_response(std::string body, std::uint16_t status = 200) -> response;
[[nodiscard]] auto problem_response(const problem& p) -> response;

}  // namespace bestow::http
