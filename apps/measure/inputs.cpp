#include "apps/measure/inputs.hpp"

#include <fmt/compile.h>
#include <fmt/format.h>

#include <array>
#include <iterator>

namespace bestow::measure {
namespace {

constexpr std::uint64_t uid_mask = (1ULL << 40U) - 1;

/// SplitMix64 of (seed, row): any row can be made without the ones before it.
auto mixed(std::uint64_t seed, std::uint64_t row) -> std::uint64_t {
  std::uint64_t z = seed * 0xD1342543DE82EF95ULL + (row + 1) * 0x9E3779B97F4A7C15ULL;
  z = (z ^ (z >> 30U)) * 0xBF58476D1CE4E5B9ULL;
  z = (z ^ (z >> 27U)) * 0x94D049BB133111EBULL;
  return z ^ (z >> 31U);
}

void append_row(std::string& out, promotion_type type, std::uint64_t seed, std::uint64_t row) {
  const auto r = mixed(seed, row);
  const auto amount = amount_of(seed, row);
  const auto to = std::back_inserter(out);
  fmt::format_to(to, FMT_COMPILE("{},{},"), row + 1, customer_of(seed, row));
  if (type == promotion_type::voucher)
    fmt::format_to(to, FMT_COMPILE("BV{:08X}{:010},MUSINSA,STANDARD,{},"), seed & 0xFFFFFFFFU,
                   row + 1, (r >> 24U) % 4 == 0 ? "true" : "false");
  if (amount != 0) fmt::format_to(to, FMT_COMPILE("{}"), amount);
  out += (r >> 16U) % 10 == 0 ? ",새해맞이 이벤트 포인트 지급\n" : ",\n";
}

}  // namespace

auto customer_of(std::uint64_t seed, std::uint64_t row) -> std::uint64_t {
  // An odd factor modulo 2^40 never gives two rows one customer, and never customer 0.
  const std::uint64_t factor = (mixed(seed, ~0ULL) & uid_mask) | 1U;
  return ((row + 1) * factor) & uid_mask;
}

auto amount_of(std::uint64_t seed, std::uint64_t row) -> std::uint64_t {
  static constexpr std::array<std::uint64_t, 4> round{1'000, 5'000, 10'000, 50'000};
  const auto r = mixed(seed, row);
  if (r % 100 >= 95) return 1 + (r >> 32U) % 99'999;
  return r % 100 >= 70 ? round[(r >> 8U) % round.size()] : 0;
}

auto make_input(promotion_type type, std::uint64_t count, std::uint64_t seed) -> target_input {
  target_input in;
  const bool voucher = type == promotion_type::voucher;
  in.csv = voucher ? "voucher_target_id,customer_uid,voucher_number,merchant_code,"
                     "merchant_brand_code,is_withdrawal,amount,reason\n"
                   : "point_target_id,customer_uid,amount,reason\n";
  in.csv.reserve(count * (voucher ? 80 : 40));
  in.count = count;
  for (std::uint64_t row = 0; row < count; ++row) {
    append_row(in.csv, type, seed, row);
    const auto amount = amount_of(seed, row);
    in.amount += amount != 0 ? amount : default_amount;
  }
  return in;
}

auto make_promotion(promotion_type type, std::uint32_t partitions) -> promotion_created {
  promotion_created p;
  p.type = type;
  p.currency = "KRW";
  p.partition_count = partitions;
  p.default_reason = "새해맞이 이벤트 지급";
  p.default_amount = money_minor{static_cast<std::int64_t>(default_amount)};
  p.default_expiry_at = timestamp{4'102'412'399'000};  // 2099-12-31T23:59:59+09:00
  p.created_by = "bench";
  return p;
}

}  // namespace bestow::measure
