// Three-way comparison of one promotion: the sealed list, the published stream as it is read back
// from JetStream, and what was paid (the results, or the payer's own ledger). In count and amount;
// every target that is missing, extra or different is named. The comparison itself is
// projections/reconcile; this fetches its sources.
//
// Threads: any; reads only. Time: one scan of the whole stream (about 3 s a million messages),
// because an extra message may stand anywhere in it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "apps/http/http_types.hpp"
#include "projections/reconcile.hpp"

namespace bestow::http {

/// A difference as it is shown.
struct shown_difference {
  std::uint64_t target{0};  ///< 0 = of no single target.
  std::string_view kind;    ///< Stable name, e.g. "missing_on_stream".
  std::string detail;
};

struct reconciliation {
  projections::balance_side sealed;
  projections::balance_side published;           ///< Distinct targets found on the stream.
  projections::balance_side published_expected;  ///< As the log says.
  projections::balance_side paid;
  projections::balance_side paid_expected;
  std::uint64_t messages{0};  ///< Of this promotion on the stream.
  std::uint64_t unreadable_messages{0};
  bool from_ledger{false};
  std::vector<shown_difference> differences;
  std::uint64_t difference_count{0};
  position as_of{};
};

/// One line of the payer's ledger.
struct ledger_line {
  std::uint64_t target{0};
  std::int64_t amount{0};  ///< Minor units.
};
/// Reads a ledger piece by piece: CSV with the header target_id,amount (voucher_target_id and
/// point_target_id too; other columns are ignored), amounts as on the wire.
class ledger_reader {
 public:
  ledger_reader(unsigned currency_exponent, std::uint64_t lines_max)
      : exponent_{currency_exponent}, lines_max_{lines_max} {}
  /// False: malformed; trouble() says where.
  auto feed(std::string_view piece) -> bool;
  auto finish() -> bool;
  [[nodiscard]] auto trouble() const -> const std::optional<problem>& { return trouble_; }
  [[nodiscard]] auto lines() const -> const std::vector<ledger_line>& { return lines_; }

 private:
  auto take_line(std::string_view line) -> bool;
  auto take_header(std::string_view line) -> bool;
  auto wrong(std::string detail) -> bool;

  unsigned exponent_;
  std::uint64_t lines_max_;
  std::string rest_;
  std::uint64_t line_{0};
  std::size_t id_column_{0};
  std::size_t amount_column_{0};
  std::vector<ledger_line> lines_;
  std::optional<problem> trouble_;
};

/// @param ledger  nullptr: compare with the recorded results.
[[nodiscard]] auto reconcile(const http_parts& parts, const projections::promotion_row& row,
                             const std::vector<ledger_line>* ledger)
    -> tl::expected<reconciliation, problem>;

}  // namespace bestow::http
