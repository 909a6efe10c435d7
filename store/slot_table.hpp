// Open addressing in a mapped file: the table under u64_set and voucher_table.
//
// A slot's home is hash * capacity / 2^64, so homes ascend with the hash: growing copies from one
// table to the next almost sequentially, and a capacity need not be a power of two (growing by half
// keeps a value under 16 bytes, doubling could not). Linear probing with backward-shift deletion.
// `Slot` is trivially copyable, all-zero when empty, and has `empty()` and `hash()`.
// Threads: not synchronised.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <string>
#include <type_traits>
#include <utility>

#include "store/mapped_file.hpp"

namespace bestow::store {

/// Spreads any pattern of keys over 64 bits; a bijection (two multiplications, two xor-shifts).
[[nodiscard]] constexpr auto spread_bits(std::uint64_t x) -> std::uint64_t {
  x *= 0x9E3779B97F4A7C15ULL;
  x ^= x >> 32U;
  x *= 0xD6E8FEB86659FD93ULL;
  return x ^ (x >> 29U);
}

template <class Slot>
class slot_table {
  static_assert(std::is_trivially_copyable_v<Slot>);

 public:
  static constexpr std::uint64_t capacity_min = 512;

  /// An empty table in a new file at `path` ("" = anonymous memory). @fault file_io_failed.
  [[nodiscard]] static auto create(const std::string& path, std::uint64_t capacity)
      -> result<slot_table> {
    auto file = mapped_file::create(path, capacity * sizeof(Slot));
    if (!file) return tl::unexpected{std::move(file).error()};
    return slot_table{std::move(*file), path, capacity, 0};
  }
  slot_table() = default;

  [[nodiscard]] auto size() const -> std::uint64_t { return size_; }
  [[nodiscard]] auto capacity() const -> std::uint64_t { return capacity_; }

  /// Index of the first slot of `hash`'s cluster for which `wanted(slot)`, else of the empty slot
  /// that ends the cluster.
  template <class Wanted>
  [[nodiscard]] auto locate(std::uint64_t hash, Wanted&& wanted) const -> std::uint64_t {
    const Slot* const slots = begin();
    auto i = home_of(hash, capacity_);
    while (!slots[i].empty() && !wanted(slots[i])) i = next(i, capacity_);
    return i;
  }
  [[nodiscard]] auto operator[](std::uint64_t i) const -> const Slot& { return begin()[i]; }

  void prefetch(std::uint64_t hash) const {
    __builtin_prefetch(begin() + home_of(hash, capacity_));
  }

  /// Makes room for one more slot. Indexes found before are void after it.
  /// @fault file_io_failed  no room on the disk; the table is as before.
  [[nodiscard]] auto reserve_one() -> result<void> {
    if ((size_ + 1) * 4 <= capacity_ * 3) return {};
    return grow();
  }
  /// Precondition: `i` is the empty slot locate() gave, after reserve_one().
  void put(std::uint64_t i, const Slot& slot) {
    begin()[i] = slot;
    ++size_;
  }
  /// Precondition: slot `i` is taken. Later slots of the cluster move up to close the gap.
  void erase(std::uint64_t i) {
    Slot* const slots = begin();
    for (auto j = next(i, capacity_); !slots[j].empty(); j = next(j, capacity_)) {
      const auto home = home_of(slots[j].hash(), capacity_);
      // Slot j may fill the gap only when its home is not between the gap (exclusive) and j.
      const bool home_after_gap = i <= j ? (i < home && home <= j) : (i < home || home <= j);
      if (home_after_gap) continue;
      slots[i] = slots[j];
      i = j;
    }
    slots[i] = Slot{};
    --size_;
  }
  void clear() {
    std::memset(file_.data(), 0, file_.size());
    size_ = 0;
  }

 private:
  slot_table(mapped_file file, std::string path, std::uint64_t capacity, std::uint64_t size)
      : file_{std::move(file)}, path_{std::move(path)}, capacity_{capacity}, size_{size} {}

  [[nodiscard]] auto begin() const -> Slot* {
    return reinterpret_cast<Slot*>(file_.data());
  }
  [[nodiscard]] static auto home_of(std::uint64_t hash, std::uint64_t capacity) -> std::uint64_t {
    __extension__ using wide = unsigned __int128;
    return static_cast<std::uint64_t>((wide{hash} * capacity) >> 64U);
  }
  [[nodiscard]] static auto next(std::uint64_t i, std::uint64_t capacity) -> std::uint64_t {
    return ++i == capacity ? 0 : i;
  }

  [[nodiscard]] auto grow() -> result<void> {
    const auto beside = path_.empty() ? std::string{} : path_ + ".grow";
    auto made = create(beside, capacity_ + capacity_ / 2);
    if (!made) return tl::unexpected{std::move(made).error()};
    const auto* const from = begin();
    for (std::uint64_t i = 0; i < capacity_; ++i) {
      if (from[i].empty()) continue;
      made->put(made->locate(from[i].hash(), [](const Slot&) { return false; }), from[i]);
    }
    if (!path_.empty() && std::rename(beside.c_str(), path_.c_str()) != 0) {
      std::remove(beside.c_str());
      return fail(fault_code::file_io_failed, "rename", path_);
    }
    made->path_ = path_;
    *this = std::move(*made);
    return {};
  }

  mapped_file file_;
  std::string path_;
  std::uint64_t capacity_{0};
  std::uint64_t size_{0};
};

}  // namespace bestow::store
