// bestow-wallet as a service: durable consumers of both grant streams, a ledger, results.
//
// Promise: a grant is acknowledged only after its payment is durable and its results are stored by
// the broker (or kept for later). Killed at any moment and started again, the ledger is the same.
// Threads: run() blocks its thread and does all the work on it; stop() and counts() from any
// thread.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "apps/wallet/behaviour.hpp"
#include "apps/wallet/payer.hpp"
#include "bus/bus.hpp"
#include "events/clock.hpp"
#include "events/result.hpp"

namespace bestow::wallet {

struct service_options {
  bus::nats_options nats;
  std::string data_directory;
  behaviour conduct;
  std::string voucher_stream{"GRANTS_VOUCHER"};
  std::string point_stream{"GRANTS_POINT"};
  std::size_t batch_max{2'000};
  /// Ends by itself when nothing has come for this long; 0 = never.
  std::chrono::milliseconds exit_when_idle{0};
  /// Told why the broker cannot be reached, at once and then every ten seconds, on run()'s thread.
  std::function<void(const fault&)> on_waiting;
};

class service {
 public:
  service() = default;
  service(const service&) = delete;
  auto operator=(const service&) -> service& = delete;
  virtual ~service() = default;
  /// Works until stop() or idleness. Waits for the broker and for streams that are not there yet.
  /// @fault file_io_failed  the ledger cannot be written; nothing unpaid was acknowledged
  /// @fault broker_unavailable  the end came before the broker was ever reached
  [[nodiscard]] virtual auto run() -> result<void> = 0;
  virtual void stop() = 0;
  [[nodiscard]] virtual auto counts() const -> payer_counts = 0;
};

/// Opens the ledger. @fault log_locked, file_io_failed
[[nodiscard]] auto open_service(service_options options, const clock& time)
    -> result<std::unique_ptr<service>>;

}  // namespace bestow::wallet
