#include "store/uniqueness.hpp"

#include <cstdio>
#include <utility>

#include "events/assert.hpp"
#include "events/limits.hpp"
#include "store/slot_table.hpp"

namespace bestow::store {
namespace {

struct u64_slot {
  std::uint64_t value{0};
  [[nodiscard]] auto empty() const -> bool { return value == 0; }
  [[nodiscard]] auto hash() const -> std::uint64_t { return spread_bits(value); }
};

class mapped_u64_set final : public u64_set {
 public:
  mapped_u64_set(slot_table<u64_slot> table, std::string path)
      : table_{std::move(table)}, path_{std::move(path)} {}
  ~mapped_u64_set() override {
    if (!path_.empty()) std::remove(path_.c_str());
  }

  auto insert(std::uint64_t value) -> result<bool> override {
    if (value == 0) return !std::exchange(has_zero_, true);
    auto at = find(value);
    if (!table_[at].empty()) return false;
    const auto capacity = table_.capacity();
    if (auto room = table_.reserve_one(); !room) return tl::unexpected{std::move(room).error()};
    if (table_.capacity() != capacity) at = find(value);
    table_.put(at, u64_slot{value});
    return true;
  }
  auto contains(std::uint64_t value) const -> bool override {
    return value == 0 ? has_zero_ : !table_[find(value)].empty();
  }
  auto erase(std::uint64_t value) -> bool override {
    if (value == 0) return std::exchange(has_zero_, false);
    const auto at = find(value);
    if (table_[at].empty()) return false;
    table_.erase(at);
    return true;
  }
  auto size() const -> std::uint64_t override { return table_.size() + (has_zero_ ? 1 : 0); }
  void clear() override {
    table_.clear();
    has_zero_ = false;
  }

 private:
  [[nodiscard]] auto find(std::uint64_t value) const -> std::uint64_t {
    return table_.locate(spread_bits(value),
                         [value](const u64_slot& slot) { return slot.value == value; });
  }

  slot_table<u64_slot> table_;
  std::string path_;
  bool has_zero_{false};  // 0 marks an empty slot, so the value 0 is kept here.
};

/// Row and position in one word, plus one so that no claim looks like an empty slot.
struct voucher_slot {
  static constexpr unsigned row_bits = 20;
  static_assert(limits::column_values_max == std::size_t{1} << row_bits);

  std::uint64_t voucher{0};
  std::uint64_t packed{0};
  [[nodiscard]] auto empty() const -> bool { return packed == 0; }
  [[nodiscard]] auto hash() const -> std::uint64_t { return spread_bits(voucher); }
  [[nodiscard]] auto claim() const -> voucher_claim {
    const auto both = packed - 1;
    return {position{both >> row_bits},
            static_cast<std::uint32_t>(both & ((std::uint64_t{1} << row_bits) - 1))};
  }
  [[nodiscard]] static auto of(std::uint64_t hash, voucher_claim claim) -> voucher_slot {
    BESTOW_ASSERT(claim.row < limits::column_values_max);
    BESTOW_ASSERT(claim.fact.value < std::uint64_t{1} << 43U);
    return {hash, ((claim.fact.value << row_bits) | claim.row) + 1};
  }
};

class mapped_voucher_table final : public voucher_table {
 public:
  mapped_voucher_table(slot_table<voucher_slot> table, std::string path)
      : table_{std::move(table)}, path_{std::move(path)} {}
  ~mapped_voucher_table() override {
    if (!path_.empty()) std::remove(path_.c_str());
  }

  void prefetch(std::uint64_t tag) const override { table_.prefetch(spread_bits(tag)); }
  void find(std::uint64_t tag,
            const std::function<bool(const voucher_claim&)>& visit) const override {
    (void)table_.locate(spread_bits(tag), [&](const voucher_slot& slot) {
      return slot.voucher == tag && !visit(slot.claim());
    });
  }
  auto insert(std::uint64_t tag, voucher_claim claim) -> result<void> override {
    if (auto room = table_.reserve_one(); !room) return room;
    const auto at = table_.locate(spread_bits(tag), [](const voucher_slot&) { return false; });
    table_.put(at, voucher_slot::of(tag, claim));
    return {};
  }
  auto erase(std::uint64_t tag, voucher_claim claim) -> bool override {
    const auto wanted = voucher_slot::of(tag, claim);
    const auto at = table_.locate(spread_bits(tag), [&](const voucher_slot& slot) {
      return slot.voucher == tag && slot.packed == wanted.packed;
    });
    if (table_[at].empty()) return false;
    table_.erase(at);
    return true;
  }
  auto size() const -> std::uint64_t override { return table_.size(); }

 private:
  slot_table<voucher_slot> table_;
  std::string path_;
};

}  // namespace

auto make_u64_set(std::string path) -> result<std::unique_ptr<u64_set>> {
  if (auto made = make_parent_directories(path); !made) return tl::unexpected{made.error()};
  auto table = slot_table<u64_slot>::create(path, slot_table<u64_slot>::capacity_min);
  if (!table) return tl::unexpected{std::move(table).error()};
  return std::make_unique<mapped_u64_set>(std::move(*table), std::move(path));
}

auto make_voucher_table(std::string path) -> result<std::unique_ptr<voucher_table>> {
  if (auto made = make_parent_directories(path); !made) return tl::unexpected{made.error()};
  auto table = slot_table<voucher_slot>::create(path, slot_table<voucher_slot>::capacity_min);
  if (!table) return tl::unexpected{std::move(table).error()};
  return std::make_unique<mapped_voucher_table>(std::move(*table), std::move(path));
}

}  // namespace bestow::store
