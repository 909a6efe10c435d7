// The real `bestow serve` as a child on a data directory, watched from outside over HTTP.
//
// Threads: the main thread only (the child ends with it); a session belongs to one thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "bus/child_process.hpp"

namespace bestow::bench {

struct reply {
  int status{0};  ///< 0: no answer.
  std::string body;
};

/// The number after `"name":`, in quotes or not. Ends the program when it is not there.
[[nodiscard]] auto number_in(std::string_view json, std::string_view name) -> std::uint64_t;

struct http_connection;  // An HTTP client; in service.cpp.

class service {
 public:
  /// One more connection, kept alive, for a client of its own. Ends before the service.
  class session {
   public:
    explicit session(int port);
    session(const session&) = delete;
    auto operator=(const session&) -> session& = delete;
    ~session();
    /// Ends the program unless the answer is a 2xx.
    void must_post(const std::string& path, const std::string& json);

   private:
    std::unique_ptr<http_connection> http_;
  };

  service(std::string binary, std::string data);
  service(const service&) = delete;
  auto operator=(const service&) -> service& = delete;
  ~service();
  /// Starts the process. @returns milliseconds from fork until GET /readyz answers 200
  [[nodiscard]] auto start() -> double;
  /// kill -9, and reaps it. Its nats-server dies with it.
  void kill();
  [[nodiscard]] auto get(const std::string& path) -> reply;
  [[nodiscard]] auto post(const std::string& path, const std::string& body,
                          const std::string& type = "application/json") -> reply;
  /// As get and post; ends the program unless the answer is a 2xx.
  [[nodiscard]] auto must_get(const std::string& path) -> std::string;
  auto must_post(const std::string& path, const std::string& body,
                 const std::string& type = "application/json") -> std::string;
  [[nodiscard]] auto open_session() const -> std::unique_ptr<session> {
    return std::make_unique<session>(port_);
  }
  [[nodiscard]] auto pid() const -> int { return child_ ? child_->identity().pid : 0; }
  [[nodiscard]] auto data() const -> const std::string& { return data_; }

 private:
  std::string binary_;
  std::string data_;
  int port_{0};
  bus::unique_fd output_;
  std::unique_ptr<bus::child_process> child_;
  std::unique_ptr<http_connection> http_;
};

/// Waits a little between two looks at something that gives no notice.
void pause_a_moment(int milliseconds);

}  // namespace bestow::bench
