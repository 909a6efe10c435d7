// An import that keeps nothing: what would be accepted, how much it is, how it spreads over the
// partitions, and which rows would be refused. No fact comes of it.
//
// Promise: against an unchanged promotion the counts, the sum and the refused rows are those of the
// import of the same bytes. Memory: as an import's; the tables of customers, ids and voucher
// numbers are files. Threads: one object belongs to one thread; its calls block on the engine.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "actors/engine.hpp"
#include "apps/import/dry_tables.hpp"
#include "apps/import/import_session.hpp"
#include "apps/import/rejects_file.hpp"
#include "store/event_log.hpp"

namespace bestow::importing {

struct dry_run_options {
  promotion_id promotion{};
  import_format format{import_format::csv};
  bool cp949{false};  ///< The input is CP949, not UTF-8.
  timestamp now{};
  std::string directory;  ///< For tables that live as long as the run; "" = memory.
};

struct partition_load {
  std::uint64_t count{0};
  money_minor amount{};
};

struct dry_run_answer {
  std::uint64_t rows{0};
  std::uint64_t accepted{0};
  std::uint64_t rejected{0};
  money_minor amount{};         ///< Of the accepted rows, the promotion's default included.
  std::string currency;
  bool amount_overflows{false};  ///< `amount` stopped short of 2^63.
  /// Accepted rows with neither a value of their own nor a default: seal would refuse.
  std::uint64_t without_amount{0};
  std::uint64_t without_reason{0};
  std::uint64_t without_expiry{0};
  /// Customers of this input with targets in more than one partition.
  std::uint64_t split_customers{0};
  std::vector<partition_load> partitions;  ///< Of each partition.
  std::uint64_t bytes{0};
  sha256_digest sha256{};
  std::vector<rejected_row> rejects;  ///< The first limits::rejects_in_answer_max, in file order.
};

class dry_run {
 public:
  /// `engine` and `log` (the engine's own) outlive it.
  dry_run(actors::engine& engine, const store::event_log& log, dry_run_options options);
  dry_run(const dry_run&) = delete;
  auto operator=(const dry_run&) -> dry_run& = delete;
  /// Takes the next piece of the input, of any size.
  /// @refuses promotion_not_found, list_already_sealed, input_*, ids_given_in_part,
  ///          too_many_targets. @fault what the engine answers, file_io_failed for a table.
  /// After a trouble every further call answers the same.
  [[nodiscard]] auto push(std::string_view bytes) -> actors::outcome<void>;
  /// The input is complete. Call once. Refuses and faults as push().
  [[nodiscard]] auto finish() -> actors::outcome<dry_run_answer>;

 private:
  [[nodiscard]] auto begin() -> actors::outcome<void>;
  [[nodiscard]] auto advance() -> actors::outcome<void>;
  [[nodiscard]] auto take(judged_chunk chunk) -> actors::outcome<void>;
  void count(const targets_imported& facts, std::size_t row);
  void report(const judged_chunk& chunk, std::vector<bad_row> bad_rows);

  actors::engine* engine_;
  const store::event_log* log_;
  dry_run_options options_;
  std::optional<actors::trouble> trouble_;
  promotion_created created_;
  std::optional<import_session> session_;
  bool started_{false};
  std::optional<dry_tables> tables_;
  dry_run_answer answer_;
};

}  // namespace bestow::importing
