#include "store/target_list_file.hpp"

#include <xxhash.h>

#include <cstring>
#include <utility>
#include <vector>

#include "events/assert.hpp"
#include "events/limits.hpp"

namespace bestow::store {
namespace {

auto header_sum(const list_file_header& h) -> std::uint64_t {
  return XXH3_64bits(&h, offsetof(list_file_header, header_xxh3));
}

template <class Word>
auto load(const std::byte* at, std::uint64_t i) -> std::uint64_t {
  Word word{};
  std::memcpy(&word, at + i * sizeof(Word), sizeof(Word));
  return word;
}

class mapped_list final : public target_list {
 public:
  mapped_list(mapped_file file, const list_file_header& header)
      : file_{std::move(file)},
        partitions_{reinterpret_cast<const partition_entry*>(file_.data() + sizeof header)} {
    currency_.assign(header.currency.data(),
                     ::strnlen(header.currency.data(), header.currency.size()));
    totals_.total_count = header.total_count;
    totals_.total_amount = money_minor{header.total_amount};
    totals_.list_sha256 = header.list_sha256;
    totals_.split_customers = header.split_customers;
    partition_count_ = static_cast<std::uint32_t>(header.partition_count);
    std::vector<std::uint64_t> counts(partition_count_);
    std::vector<std::uint64_t> amounts(partition_count_);
    for (std::uint32_t k = 0; k < partition_count_; ++k) {
      counts[k] = partitions_[k].count;
      amounts[k] = static_cast<std::uint64_t>(partitions_[k].amount);
    }
    totals_.partition_counts = u64_column::of(std::move(counts));
    totals_.partition_amounts = u64_column::of(std::move(amounts));
    for (std::size_t t = 0; t < list_text_count; ++t)
      if (header.dictionaries[t] != 0) read_dictionary(header.dictionaries[t], dictionaries_[t]);
    for (std::size_t t = 0; t < list_text_count; ++t) in_heap_[t] = header.dictionaries[t] == 0;
  }

  auto totals() const -> const list_sealed& override { return totals_; }
  auto partition_count() const -> std::uint32_t override { return partition_count_; }
  auto currency() const -> std::string_view override { return currency_; }
  auto size(partition_no k) const -> std::uint32_t override {
    return static_cast<std::uint32_t>(entry(k).count);
  }
  auto row(partition_no k, target_ordinal ordinal) const -> list_row override {
    const auto& p = entry(k);
    const std::uint64_t i = ordinal.value;
    BESTOW_ASSERT(i < p.count);
    list_row row;
    row.id = target_id{value(p, list_column::id, i)};
    row.customer = customer_uid{value(p, list_column::customer, i)};
    row.partition = k;
    row.amount = money_minor{static_cast<std::int64_t>(value(p, list_column::amount, i))};
    row.expiry = timestamp{static_cast<std::int64_t>(value(p, list_column::expiry, i))};
    row.is_withdrawal = value(p, list_column::withdrawal, i) != 0;
    row.reason = text(p, list_column::reason, i);
    row.voucher_number = text(p, list_column::voucher_number, i);
    row.merchant_code = text(p, list_column::merchant_code, i);
    row.merchant_brand_code = text(p, list_column::merchant_brand_code, i);
    return row;
  }
  auto amount(partition_no k, target_ordinal ordinal) const -> money_minor override {
    const auto& p = entry(k);
    BESTOW_ASSERT(ordinal.value < p.count);
    return money_minor{static_cast<std::int64_t>(value(p, list_column::amount, ordinal.value))};
  }
  auto find(partition_no k, target_id id) const -> std::optional<target_ordinal> override {
    if (k.value >= partition_count_) return std::nullopt;
    const auto at = lower_bound(k, id);
    const auto& p = partitions_[k.value];
    if (at.value == p.count || value(p, list_column::id, at.value) != id.value) return std::nullopt;
    return at;
  }
  auto lower_bound(partition_no k, target_id id) const -> target_ordinal override {
    const auto& p = entry(k);
    std::uint64_t low = 0;
    for (std::uint64_t high = p.count; low < high;) {
      const auto middle = low + (high - low) / 2;
      if (value(p, list_column::id, middle) < id.value)
        low = middle + 1;
      else
        high = middle;
    }
    return target_ordinal{static_cast<std::uint32_t>(low)};
  }

 private:
  [[nodiscard]] auto entry(partition_no k) const -> const partition_entry& {
    BESTOW_ASSERT(k.value < partition_count_);
    return partitions_[k.value];
  }
  [[nodiscard]] auto value(const partition_entry& p, list_column c, std::uint64_t i) const
      -> std::uint64_t {
    const auto& column = p.columns[static_cast<std::size_t>(c)];
    const auto* const words = file_.data() + column.offset;
    switch (column.width) {
      case 0:
        return column.base + column.step * i;
      case 1:
        return column.base + load<std::uint8_t>(words, i);
      case 2:
        return column.base + load<std::uint16_t>(words, i);
      case 4:
        return column.base + load<std::uint32_t>(words, i);
      default:
        return column.base + load<std::uint64_t>(words, i);
    }
  }
  [[nodiscard]] auto text(const partition_entry& p, list_column c, std::uint64_t i) const
      -> std::string_view {
    const auto t = static_cast<std::size_t>(c) - list_text_first;
    const auto at = value(p, c, i);
    if (!in_heap_[t]) return dictionaries_[t][at];
    const auto begin = i == 0 ? 0 : value(p, c, i - 1);
    return {reinterpret_cast<const char*>(file_.data() + p.heaps[t] + begin), at - begin};
  }
  /// Count, then the exclusive ends, then the bytes.
  void read_dictionary(std::uint64_t offset, std::vector<std::string_view>& out) const {
    const auto* const words = file_.data() + offset;
    const auto count = load<std::uint64_t>(words, 0);
    const auto* const heap = reinterpret_cast<const char*>(words + 8 * (count + 1));
    out.reserve(count);
    for (std::uint64_t i = 0, begin = 0; i < count; ++i) {
      const auto end = load<std::uint64_t>(words, i + 1);
      out.emplace_back(heap + begin, end - begin);
      begin = end;
    }
  }

  mapped_file file_;
  const partition_entry* partitions_;
  std::uint32_t partition_count_{0};
  std::string currency_;
  list_sealed totals_;
  std::array<std::vector<std::string_view>, list_text_count> dictionaries_;
  std::array<bool, list_text_count> in_heap_{};
};

}  // namespace

void seal_list_bytes(std::span<std::byte> bytes) {
  list_file_header h;
  std::memcpy(&h, bytes.data(), sizeof h);
  h.body_xxh3 = XXH3_64bits(bytes.data() + sizeof h, bytes.size() - sizeof h);
  h.header_xxh3 = header_sum(h);
  std::memcpy(bytes.data(), &h, sizeof h);
}

auto open_list(mapped_file file, promotion_id promotion, bool trusted)
    -> result<std::shared_ptr<const target_list>> {
  const auto damaged = [&](std::string_view what) {
    return fail(fault_code::file_io_failed, "open list",
                to_string(stream_of(promotion)) + ": " + std::string{what});
  };
  if (file.size() < sizeof(list_file_header)) return damaged("shorter than its header");
  list_file_header h;
  std::memcpy(&h, file.data(), sizeof h);
  if (h.magic != list_file_header::magic_value) return damaged("not a list");
  if (h.header_xxh3 != header_sum(h) || h.file_bytes != file.size() ||
      h.partition_count > limits::partition_count_max)
    return damaged("header checksum is wrong");
  if (h.promotion != promotion.value) return damaged("list of another promotion");
  const auto body = file.bytes().subspan(sizeof h);
  if (!trusted && XXH3_64bits(body.data(), body.size()) != h.body_xxh3)
    return damaged("body checksum is wrong");
  return std::make_shared<const mapped_list>(std::move(file), h);
}

}  // namespace bestow::store
