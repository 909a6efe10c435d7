// One row of a results file, judged. Pure: text in, a typed result or a refusal out.
//
// Thread-agnostic. Allocates only for the detail of a refusal.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "events/types.hpp"

namespace bestow::domain {

/// Columns a results file may have, in the order they are checked and shown.
enum class result_field : std::uint8_t {
  record,     ///< The row as a whole.
  target_id,  ///< voucher_target_id, point_target_id or target_id
  promotion_id,
  customer_uid,
  partition_key,
  process_status,
  transaction_key,
  error_message,
  attempt,
  at,
};
inline constexpr std::size_t result_field_count = 10;
[[nodiscard]] auto name_of(result_field f) -> std::string_view;

/// Why one row of a results file was refused, in the order of the checks.
enum class result_rejection : std::uint8_t {
  result_malformed,
  result_field_missing,
  result_number_invalid,
  result_status_unknown,
  result_text_invalid,
  result_time_malformed,
  result_promotion_differs,
  result_target_unknown,
  result_customer_differs,
  result_partition_differs,
  result_never_released,
};
struct result_rejection_row {
  result_rejection code;
  std::string_view name;
  std::string_view meaning;
  std::string_view remedy;
};
/// In enum order; a test compares them with the enum and with the docs.
[[nodiscard]] auto result_rejection_table() -> std::span<const result_rejection_row>;
[[nodiscard]] auto name_of(result_rejection r) -> std::string_view;

/// The column of that name in the files of that type; nullopt: there is none.
[[nodiscard]] auto result_field_of(std::string_view name, promotion_type type)
    -> std::optional<result_field>;

/// The text of each field as found; absent and empty mean the same.
struct raw_result {
  std::array<std::string_view, result_field_count> text{};
  [[nodiscard]] auto get(result_field f) const -> std::string_view {
    return text[static_cast<std::size_t>(f)];
  }
  void set(result_field f, std::string_view value) { text[static_cast<std::size_t>(f)] = value; }
};

/// A row whose fields are right; whether it fits the list is checked against the list. Texts point
/// into the raw row.
struct result_line {
  target_id id{};
  std::optional<promotion_id> promotion;
  std::optional<customer_uid> customer;
  std::optional<partition_no> partition;
  process_status status{process_status::success};
  std::string_view transaction_key;
  std::string_view error_message;  ///< May be longer than is kept.
  std::uint16_t attempt{0};        ///< 0 = not given.
  timestamp at{};                  ///< 0 = not given.
};
struct result_refusal {
  result_field field{};
  result_rejection code{};
  std::string detail;  ///< Value (cut to 64 code points) and what is allowed.
};

/// Fields are judged in the order of result_field; the first refusal is the answer.
[[nodiscard]] auto judge_result(const raw_result& raw) -> std::variant<result_line, result_refusal>;

}  // namespace bestow::domain
