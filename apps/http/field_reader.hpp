// Takes typed values out of a flat JSON object; the first thing wrong is remembered and answered.
//
// Ids and money come as strings of digits or as integers; never as fractions. null and an absent
// field mean the same. Not synchronised.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "apps/http/flat_json.hpp"
#include "domain/rejection.hpp"
#include "events/types.hpp"

namespace bestow::http {

/// Where a number begins. Left out, such a field means "none"; zero or less is therefore never
/// taken as that but refused by the domain's own name.
struct from_one {
  domain::rejection why;
};

class field_reader {
 public:
  explicit field_reader(flat_object fields) : fields_{std::move(fields)} {}

  /// "" when absent.
  [[nodiscard]] auto text(std::string_view name) -> std::string;
  /// Text, or a whole number's digits; "" when absent.
  [[nodiscard]] auto digits_or_text(std::string_view name) -> std::string;
  /// 0 when absent. `high` is the largest allowed value.
  [[nodiscard]] auto number(std::string_view name, std::uint64_t high,
                            std::optional<from_one> above_zero = {}) -> std::uint64_t;
  /// Minor units; 0 when absent.
  [[nodiscard]] auto money(std::string_view name, from_one above_zero) -> money_minor;
  [[nodiscard]] auto boolean(std::string_view name) -> bool;
  /// RFC 3339 or one of the Asia/Seoul forms; 0 when absent.
  [[nodiscard]] auto time(std::string_view name) -> timestamp;
  /// Ids as texts or whole numbers, 1..2^63-1; empty when absent.
  [[nodiscard]] auto ids(std::string_view name) -> std::vector<std::uint64_t>;
  [[nodiscard]] auto has(std::string_view name) const -> bool;
  /// One of `words`; nullopt when absent.
  [[nodiscard]] auto choice(std::string_view name, const std::vector<std::string>& words)
      -> std::optional<std::size_t>;
  void require(std::string_view name);

  /// Call last: what was wrong, or the first field that was never asked for.
  [[nodiscard]] auto finish() -> std::optional<problem>;

 private:
  auto find(std::string_view name) -> const json_field*;
  void wrong(request_error e, std::string_view name, std::string detail);
  void refuse(domain::rejection why, std::string_view name, std::string detail);
  /// The digits of a whole number, or nullptr when it is absent or no whole number.
  auto whole_number(std::string_view name, std::string_view wanted) -> const json_field*;
  /// Its value when it is allowed, else 0 and what is wrong is remembered.
  auto in_range(const json_field& f, std::string_view name, std::uint64_t high,
                const std::optional<from_one>& above_zero) -> std::uint64_t;

  flat_object fields_;
  std::vector<std::string> asked_;
  std::optional<problem> trouble_;
};

}  // namespace bestow::http
