#include "apps/wallet/ledger_report.hpp"

#include <fmt/format.h>

namespace bestow::wallet {
namespace {

[[nodiscard]] auto write_csv(ledger& book, promotion_id promotion, std::FILE* out) -> result<void> {
  std::fputs("target_id,customer_uid,amount,transaction_key\n", out);
  return book.visit(promotion, [out](const ledger_entry& e) {
    fmt::print(out, "{},{},{},{}\n", e.target.value, e.customer.value, decimal_of(e),
               e.transaction_key);
  });
}

}  // namespace

auto write_report(ledger& book, promotion_id promotion, report_format format, std::FILE* out)
    -> result<void> {
  if (format == report_format::csv) return write_csv(book, promotion, out);
  auto totals = book.totals(promotion);
  if (!totals) return tl::unexpected<fault>{std::move(totals.error())};
  if (format == report_format::json) {
    fmt::print(out,
               R"({{"promotion_id":"{}","count":{},"sum":"{}","recalled_count":{},)"
               R"("recalled_sum":"{}"}})"
               "\n",
               promotion.value, totals->count, totals->sum, totals->recalled_count,
               totals->recalled_sum);
  } else {
    fmt::print(out, "promotion  {}\ncount      {}\nsum        {}\n", promotion.value, totals->count,
               totals->sum);
    if (totals->recalled_count > 0)
      fmt::print(out, "recalled   {} of them, {}\n", totals->recalled_count, totals->recalled_sum);
  }
  return {};
}

}  // namespace bestow::wallet
