// The HTTP surface over a spied engine, a memory log, real views and a memory broker.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "apps/http/http_types.hpp"
#include "bus/memory_broker.hpp"
#include "bus/memory_bus.hpp"
#include "store/memory_log.hpp"
#include "tests/apps/spy_engine.hpp"

namespace bestow::testing {

using nlohmann::json;
using header_list = std::vector<std::pair<std::string, std::string>>;

struct http_answer {
  int status{0};
  std::string type;
  std::string body;
  header_list headers;
  [[nodiscard]] auto doc() const -> json { return json::parse(body); }
  [[nodiscard]] auto code() const -> std::string { return doc().value("code", ""); }
  [[nodiscard]] auto detail() const -> std::string { return doc().value("detail", ""); }
  [[nodiscard]] auto header(const std::string& name) const -> std::string;
};

class http_fixture {
 public:
  http_fixture();
  http_fixture(const http_fixture&) = delete;
  auto operator=(const http_fixture&) -> http_fixture& = delete;
  /// Removes the data directory.
  virtual ~http_fixture();

  /// One request through dispatch(), with ?query in the path. A body goes in pieces of `piece`.
  auto call(const std::string& method, const std::string& path,
            const std::optional<std::string>& body = std::nullopt, header_list headers = {},
            std::size_t piece = 7) -> http_answer;
  auto get(const std::string& path) -> http_answer { return call("GET", path); }
  auto post(const std::string& path, const std::string& body, header_list headers = {})
      -> http_answer;

  /// Appends facts to one stream and lets every view catch up.
  template <class... Events>
  void facts(const stream_id& stream, const Events&... events) {
    append(stream, {encode_event(events)...});
    project();
  }
  void append(const stream_id& stream, std::vector<encoded_event> events);
  void project();
  /// A point promotion of `count` targets with ids 1.., 100 each, in one partition, sealed.
  void sealed_points(std::uint64_t id, std::uint64_t count);
  /// As sealed_points, then run: all published; the first `success` answered SUCCESS.
  void completed_points(std::uint64_t id, std::uint64_t count, std::uint64_t success);
  /// Puts the messages of completed_points on the stream, without the targets in `missing`.
  void publish_points(std::uint64_t id, std::uint64_t count,
                      std::vector<std::uint64_t> missing = {}, std::int64_t amount = 100);

  store::memory_log log{7};
  spy_engine engine;
  manual_clock time{timestamp{1'768'959'000'000}};
  config::settings settings;
  http::http_state state;
  std::unique_ptr<store::target_lists> lists;
  std::unique_ptr<store::view_store_factory> stores;
  std::unique_ptr<projections::view_set> views;
  std::unique_ptr<projections::queries> answers;
  std::unique_ptr<projections::past_views> past;
  std::shared_ptr<bus::memory_broker> broker;
  std::unique_ptr<bus::memory_bus> messages;
  http::http_parts parts;
};

/// The token's text as the configuration holds it.
[[nodiscard]] auto token_of(const std::string& name, config::access_role role,
                            const std::string& text) -> config::access_token;

}  // namespace bestow::testing
