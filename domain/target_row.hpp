// One row of an import, judged. Pure: text in, a typed row or a refusal out.
//
// Thread-agnostic. Allocates only for the detail of a refusal.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "domain/rejection.hpp"
#include "events/types.hpp"

namespace bestow::domain {

/// The text of each field as found; nullopt = the column is absent or JSON null; "" = empty,
/// which means the same. Indexed by row_field. JSON numbers arrive as their source text.
struct raw_row {
  std::array<std::optional<std::string_view>, 14> text{};
  [[nodiscard]] auto get(row_field f) const -> std::optional<std::string_view> {
    const auto& t = text[static_cast<std::size_t>(f)];
    return t && !t->empty() ? t : std::nullopt;
  }
  void set(row_field f, std::string_view value) { text[static_cast<std::size_t>(f)] = value; }
};

/// What a row is judged against.
struct row_rules {
  promotion_id promotion{};
  promotion_type type{promotion_type::point};
  std::uint32_t partition_count{1};
  unsigned currency_exponent{0};
  timestamp now{};  ///< The batch's opened_at.
};

/// A good row. 0 / "" = take the promotion's default at seal. Text views point into the raw row.
struct target_row {
  std::optional<target_id> id;
  customer_uid customer{};
  partition_no partition{};
  money_minor amount{};
  timestamp expiry{};
  std::string_view reason;
  std::string_view voucher_number;
  std::string_view merchant_code;
  std::string_view merchant_brand_code;
  bool is_withdrawal{false};
};

struct row_refusal {
  row_field field{};
  row_rejection code{};
  std::string detail;  ///< Value (cut to 64 code points) and what is allowed.
};

/// Fields are judged in the order of row_field; the first refusal is the answer.
[[nodiscard]] auto judge_row(const raw_row& raw, const row_rules& rules)
    -> std::variant<target_row, row_refusal>;

/// XXH3-64, seed 0, of the uid's 8 big-endian bytes, mod partition_count.
[[nodiscard]] auto default_partition(customer_uid customer, std::uint32_t partition_count)
    -> partition_no;

/// ISO 4217 exponent of a supported currency; nullopt = unknown code.
[[nodiscard]] auto currency_exponent(std::string_view code) -> std::optional<unsigned>;

/// "10000", "10000.00" (KRW), "12.34" (USD): digits with an optional fraction. No sign, separator
/// or exponent. The code names what is wrong.
[[nodiscard]] auto parse_amount(std::string_view text, unsigned exponent)
    -> std::variant<money_minor, row_rejection>;

/// RFC 3339 with offset, or yyyyMMddHHmmss, yyyy-MM-dd HH:mm:ss, yyyy-MM-ddTHH:mm:ss meaning
/// Asia/Seoul (UTC+9, no daylight saving time). nullopt = not one of these, or no such day.
[[nodiscard]] auto parse_time(std::string_view text) -> std::optional<timestamp>;
/// yyyyMMddHHmmss in Asia/Seoul (validUntil, expiryAt). 14 characters, years 0000..9999.
void append_seoul_compact(std::string& out, timestamp t);
/// yyyy-MM-ddTHH:mm:ss in Asia/Seoul (sentAt).
void append_seoul_iso(std::string& out, timestamp t);
/// yyyymmdd of the instant in Asia/Seoul. Years 0000..9999.
[[nodiscard]] auto seoul_date(timestamp t) -> std::uint32_t;
/// 2026-01-21T01:30:00.000Z, for people and for JSON.
using bestow::to_rfc3339;

/// Code points of valid UTF-8; nullopt when it is not valid UTF-8.
[[nodiscard]] auto utf8_length(std::string_view text) -> std::optional<std::size_t>;
/// The first `chars` code points of valid UTF-8.
[[nodiscard]] auto utf8_prefix(std::string_view text, std::size_t chars) -> std::string_view;

}  // namespace bestow::domain
