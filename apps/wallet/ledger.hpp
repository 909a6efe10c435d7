// The wallet's ledger: who was paid what, once.
//
// Promise: an idempotency key is paid at most once, whatever is delivered how often; what record()
// returned as credited survives kill -9 and power loss. Results that must be sent later are kept in
// the same transaction, so they are sent even when the process dies in between.
// Threads: one writer (the wallet's worker); any number of read-only openings beside it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "events/result.hpp"
#include "events/types.hpp"

namespace bestow::wallet {

/// One payment.
struct ledger_entry {
  promotion_id promotion{};
  target_id target{};
  customer_uid customer{};
  money_minor amount{};
  unsigned currency_exponent{0};
  std::string transaction_key;
};

enum class credit : std::uint8_t {
  credited,      ///< Paid now.
  repeated,      ///< Was paid before, with the same content: the first answer holds.
  contradicted,  ///< Was paid before to someone else or with another amount: refused.
};

/// One payment taken back.
struct recall_entry {
  promotion_id promotion{};
  target_id target{};
  recall_no recall{};
  money_minor amount{};
};

enum class take_back : std::uint8_t {
  taken,     ///< Taken back now.
  repeated,  ///< Was taken back before.
  refused,   ///< Never paid, or with another amount.
};

/// A result to be sent at or after `due`.
struct held_result {
  std::uint64_t id{0};  ///< Given by the ledger.
  timestamp due{};
  std::string subject;
  std::string payload;
};

struct ledger_totals {
  std::uint64_t count{0};
  std::string sum{"0"};  ///< Minor units; may exceed 64 bits.
  std::uint64_t recalled_count{0};  ///< Of the payments: taken back.
  std::string recalled_sum{"0"};
};

class ledger {
 public:
  enum class mode : std::uint8_t { write, read };
  /// Opens `<directory>/ledger.db`; mode write creates it and takes `<directory>/LOCK`.
  /// @fault log_locked      another wallet writes here
  /// @fault file_io_failed  it cannot be opened, or does not exist (mode read)
  [[nodiscard]] static auto open(const std::string& directory, mode how)
      -> result<std::unique_ptr<ledger>>;

  ledger(const ledger&) = delete;
  auto operator=(const ledger&) -> ledger& = delete;
  ~ledger();

  /// Pays and remembers, all or nothing; durable when it returns (one fsync).
  /// @returns what became of each entry
  /// @fault file_io_failed  nothing was recorded
  [[nodiscard]] auto record(std::span<const ledger_entry> entries,
                            std::span<const held_result> held) -> result<std::vector<credit>>;
  /// Takes payments back, all or nothing; durable when it returns (one fsync).
  /// @fault file_io_failed  nothing was recorded
  [[nodiscard]] auto take(std::span<const recall_entry> recalls) -> result<std::vector<take_back>>;
  /// Held results that are due, oldest first, at most `count`.
  [[nodiscard]] auto due(timestamp now, std::size_t count) -> result<std::vector<held_result>>;
  /// When the next held result is due; nullopt: none is held.
  [[nodiscard]] auto next_due() -> result<std::optional<timestamp>>;
  /// They were sent.
  [[nodiscard]] auto forget(std::span<const held_result> sent) -> result<void>;

  [[nodiscard]] auto totals(promotion_id promotion) -> result<ledger_totals>;
  /// Visits the payments of a promotion by ascending target.
  [[nodiscard]] auto visit(promotion_id promotion,
                           const std::function<void(const ledger_entry&)>& visitor) -> result<void>;

  struct storage;
  explicit ledger(std::unique_ptr<storage> opened);

 private:
  std::unique_ptr<storage> storage_;
};

/// `10.50`: the amount as the grant said it.
[[nodiscard]] auto decimal_of(const ledger_entry& e) -> std::string;

}  // namespace bestow::wallet
