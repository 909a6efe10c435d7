#include "projections/customer_grants.hpp"

#include <algorithm>
#include <limits>

#include "projections/row_bytes.hpp"

namespace bestow::projections {

namespace {

auto encode(const customer_grants_row& row) -> std::string {
  byte_writer out;
  out.number(row.sealed_at);
  out.number(row.count);
  out.blob(std::as_bytes(std::span{row.list_sha256}));
  out.number(row.run_digest);
  out.number(row.lowest);
  out.number(row.highest);
  return out.take();
}

auto decode(std::string_view key, std::string_view value) -> result<customer_grants_row> {
  const auto bytes = checked_row(key, value);
  byte_reader in{bytes.value_or(std::string_view{})};
  customer_grants_row row;
  row.promotion = {key_number<std::uint64_t>(key, 1)};
  row.sealed_at = in.strong_number<position>();
  row.count = in.number<std::uint64_t>();
  const auto hash = in.text();
  row.run_digest = in.number<std::uint64_t>();
  row.lowest = in.strong_number<customer_uid>();
  row.highest = in.strong_number<customer_uid>();
  if (!in.complete() || hash.size() != row.list_sha256.size())
    return damaged_row(customer_grants::name, key);
  std::memcpy(row.list_sha256.data(), hash.data(), hash.size());
  return row;
}

}  // namespace

auto customer_grants::fold::apply(const fact_head& head, const list_sealed& e) -> result<void> {
  customer_grants_row row;
  row.promotion = {head.stream.id};
  row.sealed_at = head.at;
  row.count = e.total_count;
  row.list_sha256 = e.list_sha256;
  auto run = context_.past ? context_.lists->customers(*context_.log, row.promotion, e.list_sha256)
                           : context_.lists->build_customers(*context_.log, row.promotion);
  if (!run && run.error().code == fault_code::log_corrupt)
    return poison(head, e.name, run.error().detail);
  if (!run) return tl::unexpected{run.error()};
  if ((*run)->size() != e.total_count || (*run)->list_sha256() != e.list_sha256)
    return poison(head, e.name, "its customers are not those of the sealed list");
  row.run_digest = (*run)->digest();
  row.lowest = (*run)->lowest();
  row.highest = (*run)->highest();
  targets_ += e.total_count;
  return put_row(*rows_, promotion_key(table::row, row.promotion), encode(row));
}

auto customer_grants::visit(const store::view_reader& rows, promotion_id after,
                            const std::function<bool(const customer_grants_row&)>& visitor)
    -> result<void> {
  if (after.value == std::numeric_limits<std::uint64_t>::max()) return {};
  result<void> decoded;
  const auto from = promotion_key(table::row, promotion_id{after.value + 1});
  const auto done = rows.scan(from, [&](std::string_view key, std::string_view value) {
    if (key.size() != from.size() || key.front() != from.front()) return false;
    const auto row = decode(key, value);
    if (!row) decoded = tl::unexpected{row.error()};
    return row && visitor(*row);
  });
  if (!done) return done;
  return decoded;
}

}  // namespace bestow::projections
