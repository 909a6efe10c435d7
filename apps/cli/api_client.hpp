// HTTP from the command's side. Private to apps/cli; one client belongs to one thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "apps/cli/context.hpp"

namespace bestow::cli {

struct reply {
  int status{0};  ///< 0: no answer.
  std::string body;
  std::string error;  ///< Why there is no answer, or why a download broke off.
  std::vector<std::pair<std::string, std::string>> headers{};  ///< Of a download.
  [[nodiscard]] auto good() const -> bool { return status >= 200 && status < 300; }
  /// "" when there is none.
  [[nodiscard]] auto header(std::string_view name) const -> std::string;
};

struct server_event {
  std::string id;
  std::string type;
  std::string data;
};

class api_client {
 public:
  explicit api_client(const context& ctx);
  ~api_client();
  api_client(const api_client&) = delete;
  auto operator=(const api_client&) -> api_client& = delete;

  [[nodiscard]] auto get(const std::string& path) -> reply;
  [[nodiscard]] auto post(const std::string& path, const std::string& json,
                          const std::string& idempotency_key = {}) -> reply;
  [[nodiscard]] auto remove(const std::string& path) -> reply;
  /// Sends a body piece by piece. `next` fills the piece; false = the end. `size` 0 = not known.
  [[nodiscard]] auto upload(const std::string& path, const std::string& type, std::uint64_t size,
                            const std::function<bool(std::string& piece)>& next) -> reply;
  /// Takes an answer's body piece by piece; the sink returns false to stop. A body that breaks off
  /// has an `error` beside its good status.
  [[nodiscard]] auto download(const std::string& path,
                              const std::function<bool(std::string_view)>& sink) -> reply;
  /// Follows the event stream until `take` returns false or the connection ends. While nothing
  /// happens `take` is called every few seconds with an event of type "heartbeat".
  [[nodiscard]] auto follow(const std::string& path, const std::string& last_id,
                            const std::function<bool(const server_event&)>& take) -> reply;
  /// How long an answer may take.
  void wait_at_most(std::chrono::seconds within);

 private:
  struct connection;
  std::unique_ptr<connection> to_;
};

/// For one segment of a path or a query value.
[[nodiscard]] auto url_escape(std::string_view text) -> std::string;
/// Prints what went wrong with its remedy and gives the exit code. For a reply that is not good.
/// `place` ("FILE:LINE:COLUMN: ") comes before the code.
[[nodiscard]] auto report(const context& ctx, const reply& r, std::string_view place = {})
    -> exit_code;

}  // namespace bestow::cli
