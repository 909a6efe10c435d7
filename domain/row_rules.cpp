#define XXH_INLINE_ALL
#include <fmt/format.h>
#include <xxhash.h>

#include <array>

#include "domain/target_row.hpp"
#include "domain/text.hpp"
#include "events/limits.hpp"

namespace bestow::domain {
namespace {

/// nullopt: the field is good and stands in the row.
using verdict = std::optional<row_refusal>;
constexpr auto good = std::nullopt;

constexpr std::size_t shown_chars_max = 64;

/// Judges one raw row field by field; each function fills its part of the row or says why not.
class judge {
 public:
  judge(const raw_row& raw, const row_rules& rules) : raw_{raw}, rules_{rules} {}

  auto run() -> std::variant<target_row, row_refusal> {
    using step = verdict (judge::*)();
    // The order of row_field.
    static constexpr auto steps = std::to_array<step>(
        {&judge::id, &judge::promotion, &judge::customer, &judge::voucher_number,
         &judge::merchant_code, &judge::merchant_brand_code, &judge::amount, &judge::withdrawal,
         &judge::expiry, &judge::reason, &judge::partition, &judge::publish_status});
    for (const auto s : steps)
      if (auto no = (this->*s)()) return *std::move(no);
    return row_;
  }

 private:
  [[nodiscard]] auto is_voucher() const -> bool { return rules_.type == promotion_type::voucher; }

  [[nodiscard]] auto refuse(row_field field, row_rejection code, std::string_view value,
                            std::string_view allowed) const -> row_refusal {
    return {field, code,
            fmt::format("{} is '{}'; {}", name_of(field, is_voucher()),
                        utf8_prefix(value, shown_chars_max), allowed)};
  }
  [[nodiscard]] auto missing(row_field field) const -> row_refusal {
    return {field, row_rejection::field_missing,
            fmt::format("{} is missing or empty", name_of(field, is_voucher()))};
  }

  /// A number 1..high.
  [[nodiscard]] auto number(row_field field, std::string_view text,
                            std::uint64_t high = limits::id_max) const
      -> std::variant<std::uint64_t, row_refusal> {
    const auto allowed = [high] { return fmt::format("a whole number 1..{}", high); };
    const bool negative = text.starts_with('-');
    if (!is_digits(negative ? text.substr(1) : text))
      return refuse(field, row_rejection::not_a_number, text, allowed());
    if (negative) return refuse(field, row_rejection::number_not_positive, text, allowed());
    const auto value = digits_value(text, high);
    if (!value) return refuse(field, row_rejection::number_out_of_range, text, allowed());
    if (*value == 0) return refuse(field, row_rejection::number_not_positive, text, allowed());
    return *value;
  }

  [[nodiscard]] auto check_text(row_field field, std::string_view text, std::size_t chars_max) const
      -> verdict {
    const auto chars = utf8_length(text);
    if (!chars)
      return row_refusal{field, row_rejection::text_not_utf8,
                         fmt::format("{} is not valid UTF-8", name_of(field, is_voucher()))};
    if (*chars > chars_max)
      return refuse(field, row_rejection::text_too_long, text,
                    fmt::format("it has {} characters, at most {} are allowed", *chars, chars_max));
    if (has_control_character(text))
      return row_refusal{field, row_rejection::text_has_control_character,
                         fmt::format("{} holds a control character", name_of(field, is_voucher()))};
    return good;
  }

  /// A text only vouchers have, and must have.
  auto voucher_text(row_field field, std::size_t chars_max, std::string_view& slot) -> verdict {
    if (!is_voucher()) return good;
    const auto text = raw_.get(field);
    if (!text) return missing(field);
    slot = *text;
    return check_text(field, *text, chars_max);
  }

  auto id() -> verdict {
    const auto text = raw_.get(row_field::target_id);
    if (!text) return good;
    auto value = number(row_field::target_id, *text);
    if (auto* no = std::get_if<row_refusal>(&value)) return std::move(*no);
    row_.id = target_id{std::get<std::uint64_t>(value)};
    return good;
  }

  auto promotion() -> verdict {
    const auto text = raw_.get(row_field::promotion_id);
    if (!text) return good;
    auto value = number(row_field::promotion_id, *text);
    if (auto* no = std::get_if<row_refusal>(&value)) return std::move(*no);
    if (std::get<std::uint64_t>(value) == rules_.promotion.value) return good;
    return refuse(row_field::promotion_id, row_rejection::promotion_differs, *text,
                  fmt::format("{} or empty", rules_.promotion.value));
  }

  auto customer() -> verdict {
    const auto text = raw_.get(row_field::customer_uid);
    if (!text) return missing(row_field::customer_uid);
    auto value = number(row_field::customer_uid, *text, limits::customer_uid_max);
    if (auto* no = std::get_if<row_refusal>(&value)) return std::move(*no);
    row_.customer = customer_uid{std::get<std::uint64_t>(value)};
    return good;
  }

  auto voucher_number() -> verdict {
    return voucher_text(row_field::voucher_number, limits::voucher_number_chars_max,
                        row_.voucher_number);
  }
  auto merchant_code() -> verdict {
    return voucher_text(row_field::merchant_code, limits::merchant_code_chars_max,
                        row_.merchant_code);
  }
  auto merchant_brand_code() -> verdict {
    return voucher_text(row_field::merchant_brand_code, limits::merchant_brand_code_chars_max,
                        row_.merchant_brand_code);
  }

  auto amount() -> verdict {
    const auto text = raw_.get(row_field::amount);
    if (!text) return good;
    const auto value = parse_amount(*text, rules_.currency_exponent);
    if (const auto* code = std::get_if<row_rejection>(&value))
      return refuse(row_field::amount, *code, *text,
                    rules_.currency_exponent == 0
                        ? "digits only, above 0, such as 10000"
                        : "digits with at most the currency's fraction, above 0, such as 12.34");
    row_.amount = std::get<money_minor>(value);
    return good;
  }

  auto withdrawal() -> verdict {
    if (!is_voucher()) return good;
    const auto text = raw_.get(row_field::is_withdrawal);
    if (!text) return missing(row_field::is_withdrawal);
    row_.is_withdrawal = *text == "true" || *text == "1";
    if (row_.is_withdrawal || *text == "false" || *text == "0") return good;
    return refuse(row_field::is_withdrawal, row_rejection::boolean_malformed, *text,
                  "true, false, 1 or 0");
  }

  auto expiry() -> verdict {
    const auto text = raw_.get(row_field::expiry);
    if (!text) return good;
    const auto at = parse_time(*text);
    if (!at)
      return refuse(row_field::expiry, row_rejection::time_malformed, *text,
                    "RFC 3339, yyyyMMddHHmmss, yyyy-MM-dd HH:mm:ss or yyyy-MM-ddTHH:mm:ss");
    if (*at <= rules_.now)
      return refuse(row_field::expiry, row_rejection::time_in_past, *text,
                    fmt::format("later than {}", to_rfc3339(rules_.now)));
    row_.expiry = *at;
    return good;
  }

  auto reason() -> verdict {
    const auto text = raw_.get(row_field::reason);
    if (!text) return good;
    row_.reason = *text;
    return check_text(row_field::reason, *text, limits::reason_chars_max);
  }

  auto partition() -> verdict {
    const auto text = raw_.get(row_field::partition_key);
    if (!text) {
      row_.partition = default_partition(row_.customer, rules_.partition_count);
      return good;
    }
    const bool negative = text->starts_with('-');
    const auto allowed = [&] { return fmt::format("0..{} or empty", rules_.partition_count - 1); };
    if (!is_digits(negative ? text->substr(1) : *text))
      return refuse(row_field::partition_key, row_rejection::not_a_number, *text, allowed());
    // digits_value() needs digits: a minus sign is out of range already.
    const auto value = negative ? std::nullopt : digits_value(*text, rules_.partition_count - 1);
    if (!value)
      return refuse(row_field::partition_key, row_rejection::partition_out_of_range, *text,
                    allowed());
    row_.partition = partition_no{static_cast<std::uint16_t>(*value)};
    return good;
  }

  auto publish_status() -> verdict {
    const auto text = raw_.get(row_field::publish_status);
    if (!text || *text == "PENDING") return good;
    return refuse(row_field::publish_status, row_rejection::publish_status_not_pending, *text,
                  "PENDING or empty");
  }

  const raw_row& raw_;
  const row_rules& rules_;
  target_row row_;
};

}  // namespace

auto judge_row(const raw_row& raw, const row_rules& rules)
    -> std::variant<target_row, row_refusal> {
  return judge{raw, rules}.run();
}

auto default_partition(customer_uid customer, std::uint32_t partition_count) -> partition_no {
  std::array<unsigned char, 8> big_endian{};
  for (std::size_t i = 0; i < 8; ++i)
    big_endian[i] = static_cast<unsigned char>(customer.value >> (56 - 8 * i));
  return {static_cast<std::uint16_t>(XXH3_64bits(big_endian.data(), big_endian.size()) %
                                     partition_count)};
}

}  // namespace bestow::domain
