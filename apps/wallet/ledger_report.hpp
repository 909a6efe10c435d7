// `bestow-wallet ledger`: what the payer's books say of one promotion.
#pragma once

#include <cstdio>
#include <string>

#include "apps/wallet/ledger.hpp"
#include "events/result.hpp"

namespace bestow::wallet {

enum class report_format : std::uint8_t { table, json, csv };

/// table and json: count and sum (minor units). csv: one line per payment, for
/// `bestow promotion reconcile --ledger`. Written to `out`.
[[nodiscard]] auto write_report(ledger& book, promotion_id promotion, report_format format,
                                std::FILE* out) -> result<void>;

}  // namespace bestow::wallet
