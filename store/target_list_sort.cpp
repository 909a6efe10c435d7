#include "store/target_list_sort.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>
#include <utility>

#include "store/target_list_survey.hpp"

namespace bestow::store {
namespace {

/// A row at rest: its texts stand end to end in the text file, from text_begin on.
struct resting_row {
  std::uint64_t id{0};
  std::uint64_t customer{0};
  std::int64_t amount{0};
  std::int64_t expiry{0};
  std::uint64_t text_begin{0};
  std::array<std::uint32_t, list_text_count> text_bytes{};
  std::uint16_t partition{0};
  bool is_withdrawal{false};
};

struct id_and_place {
  std::uint64_t id{0};
  std::uint64_t place{0};
};
struct customer_and_partition {
  std::uint64_t customer{0};
  std::uint64_t partition{0};
  auto operator<=>(const customer_and_partition&) const = default;
};

template <class T>
auto elements(const mapped_file& file) -> T* {
  return reinterpret_cast<T*>(file.data());
}

/// A mapped file that vanishes with its mapping.
auto nameless(const std::string& path, std::uint64_t bytes) -> result<mapped_file> {
  auto file = mapped_file::create(path, bytes);
  if (file && !path.empty()) std::remove(path.c_str());
  return file;
}

auto changed_meanwhile() -> tl::unexpected<fault> {
  return fail(fault_code::log_corrupt, "order list", "closed batches changed between two reads");
}

}  // namespace

auto sorted_rows::of(const list_row_source& source, std::uint64_t count, std::uint64_t text_bytes,
                     const std::string& scratch_path) -> result<sorted_rows> {
  sorted_rows made;
  for (const auto& [file, bytes] :
       {std::pair{&made.rows_, count * sizeof(resting_row)}, std::pair{&made.texts_, text_bytes},
        std::pair{&made.order_, count * sizeof(id_and_place)}}) {
    auto mapped = nameless(scratch_path, bytes);
    if (!mapped) return tl::unexpected{std::move(mapped).error()};
    *file = std::move(*mapped);
  }
  auto* const rows = elements<resting_row>(made.rows_);
  auto* const texts = elements<char>(made.texts_);
  auto* const order = elements<id_and_place>(made.order_);
  std::uint64_t text_used = 0;
  bool fits = true;
  auto shown = source([&](const list_row& row) {
    resting_row r{row.id.value, row.customer.value,  row.amount.value, row.expiry.value, text_used,
                  {},           row.partition.value, row.is_withdrawal};
    std::uint64_t bytes = 0;
    for (std::size_t t = 0; t < list_text_count; ++t) bytes += text_of(row, t).size();
    fits = fits && made.count_ < count && text_used + bytes <= text_bytes;
    if (!fits) return;
    for (std::size_t t = 0; t < list_text_count; ++t) {
      const auto text = text_of(row, t);
      if (!text.empty()) std::memcpy(texts + text_used, text.data(), text.size());
      text_used += text.size();
      r.text_bytes[t] = static_cast<std::uint32_t>(text.size());
    }
    order[made.count_] = {r.id, made.count_};
    rows[made.count_++] = r;
  });
  if (!shown) return tl::unexpected{std::move(shown).error()};
  if (!fits || made.count_ != count) return changed_meanwhile();
  std::sort(order, order + count,
            [](const id_and_place& a, const id_and_place& b) { return a.id < b.id; });
  const auto* const twice =
      std::adjacent_find(order, order + count,
                         [](const id_and_place& a, const id_and_place& b) { return a.id == b.id; });
  if (twice != order + count)
    return fail(fault_code::log_corrupt, "order list",
                "target " + std::to_string(twice->id) + " stands twice in the log");
  return made;
}

void sorted_rows::visit(const list_row_visitor& visitor) const {
  const auto* const rows = elements<resting_row>(rows_);
  const auto* const order = elements<id_and_place>(order_);
  for (std::uint64_t i = 0; i < count_; ++i) {
    const auto& r = rows[order[i].place];
    const char* at = elements<char>(texts_) + r.text_begin;
    const auto take = [&](std::size_t t) {
      return std::string_view{std::exchange(at, at + r.text_bytes[t]), r.text_bytes[t]};
    };
    list_row row;
    row.id = target_id{r.id};
    row.customer = customer_uid{r.customer};
    row.partition = partition_no{r.partition};
    row.amount = money_minor{r.amount};
    row.expiry = timestamp{r.expiry};
    row.reason = take(0);
    row.voucher_number = take(1);
    row.merchant_code = take(2);
    row.merchant_brand_code = take(3);
    row.is_withdrawal = r.is_withdrawal;
    visitor(row);
  }
}

auto count_split_customers(const list_row_source& source, std::uint64_t count,
                           const std::string& scratch_path) -> result<std::uint64_t> {
  auto file = nameless(scratch_path, count * sizeof(customer_and_partition));
  if (!file) return tl::unexpected{std::move(file).error()};
  auto* const pairs = elements<customer_and_partition>(*file);
  std::uint64_t used = 0;
  auto shown = source([&](const list_row& row) {
    if (used < count) pairs[used] = {row.customer.value, row.partition.value};
    ++used;
  });
  if (!shown) return tl::unexpected{std::move(shown).error()};
  if (used != count) return changed_meanwhile();
  std::sort(pairs, pairs + count);
  std::uint64_t split = 0;
  for (std::uint64_t i = 0; i < count;) {
    auto last = i;
    while (last + 1 < count && pairs[last + 1].customer == pairs[i].customer) ++last;
    if (pairs[last].partition != pairs[i].partition) ++split;
    i = last + 1;
  }
  return split;
}

}  // namespace bestow::store
