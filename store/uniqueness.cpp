#include "store/uniqueness.hpp"

#include <xxhash.h>

#include <array>
#include <cstdio>
#include <cstring>
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

/// First bytes of a voucher table's file. `clean` is 1 only between save_checkpoint and the next
/// change; it reaches the disk before that change can.
struct voucher_header {
  static constexpr std::array<char, 8> magic_value{'B', 'S', 'T', 'W', 'V', 'C', 'H', '1'};
  std::array<char, 8> magic{magic_value};
  std::uint64_t capacity{0};
  std::uint64_t size{0};
  std::uint64_t checkpoint{0};
  sha256_digest checkpoint_hash{};
  std::uint64_t slots_xxh3{0};
  std::uint64_t clean{0};
  std::uint64_t header_xxh3{0};  ///< Of every byte before it.
};
static_assert(sizeof(voucher_header) <= slot_table<voucher_slot>::header_bytes);

auto header_sum(const voucher_header& h) -> std::uint64_t {
  return XXH3_64bits(&h, offsetof(voucher_header, header_xxh3));
}
auto slots_sum(const mapped_file& file) -> std::uint64_t {
  constexpr auto skip = slot_table<voucher_slot>::header_bytes;
  return XXH3_64bits(file.data() + skip, file.size() - skip);
}

class mapped_voucher_table final : public voucher_table {
 public:
  mapped_voucher_table(slot_table<voucher_slot> table, position at, const sha256_digest& hash,
                       bool clean)
      : table_{std::move(table)}, checkpoint_{at}, checkpoint_hash_{hash}, clean_{clean} {}

  void find(std::uint64_t hash,
            const std::function<bool(const voucher_claim&)>& visit) const override {
    (void)table_.locate(spread_bits(hash), [&](const voucher_slot& slot) {
      return slot.voucher == hash && !visit(slot.claim());
    });
  }
  auto insert(std::uint64_t hash, voucher_claim claim) -> result<void> override {
    if (auto marked = mark_changed(); !marked) return marked;
    if (auto room = table_.reserve_one(); !room) return room;
    const auto at = table_.locate(spread_bits(hash), [](const voucher_slot&) { return false; });
    table_.put(at, voucher_slot::of(hash, claim));
    return {};
  }
  auto erase(std::uint64_t hash, voucher_claim claim) -> bool override {
    const auto wanted = voucher_slot::of(hash, claim);
    const auto at = table_.locate(spread_bits(hash), [&](const voucher_slot& slot) {
      return slot.voucher == hash && slot.packed == wanted.packed;
    });
    if (table_[at].empty()) return false;
    // A file that cannot be marked is worthless to the next start either way: its mark is void.
    (void)mark_changed();
    table_.erase(at);
    return true;
  }
  auto size() const -> std::uint64_t override { return table_.size(); }
  void clear() override {
    (void)mark_changed();
    table_.clear();
    checkpoint_ = {};
    checkpoint_hash_ = {};
  }
  auto checkpoint() const -> position override { return checkpoint_; }
  auto checkpoint_hash() const -> sha256_digest override { return checkpoint_hash_; }

  auto save_checkpoint(position at, const sha256_digest& hash) -> result<void> override {
    voucher_header h;
    h.capacity = table_.capacity();
    h.size = table_.size();
    h.checkpoint = at.value;
    h.checkpoint_hash = hash;
    h.slots_xxh3 = slots_sum(table_.file());
    h.clean = 1;
    h.header_xxh3 = header_sum(h);
    // The slots first: a header that calls itself clean must never be older than they are.
    if (auto synced = table_.file().sync(table_.file().size()); !synced) return synced;
    std::memcpy(table_.header(), &h, sizeof h);
    if (auto synced = table_.file().sync(sizeof h); !synced) return synced;
    checkpoint_ = at;
    checkpoint_hash_ = hash;
    clean_ = true;
    return {};
  }

 private:
  /// Voids the saved checkpoint on disk before the first change after it.
  auto mark_changed() -> result<void> {
    if (!clean_) return {};
    clean_ = false;
    std::memset(table_.header(), 0, sizeof(voucher_header));
    return table_.file().sync(sizeof(voucher_header));
  }

  slot_table<voucher_slot> table_;
  position checkpoint_;
  sha256_digest checkpoint_hash_;
  bool clean_{false};
};

/// The table in the file at `path` when it was saved whole; nullptr when it must be made anew.
auto reopen_saved(const std::string& path) -> std::unique_ptr<voucher_table> {
  auto file = mapped_file::open(path, mapped_file::access::read_write);
  if (!file || file->size() < slot_table<voucher_slot>::header_bytes) return nullptr;
  voucher_header h;
  std::memcpy(&h, file->data(), sizeof h);
  const auto slot_bytes = file->size() - slot_table<voucher_slot>::header_bytes;
  if (h.magic != voucher_header::magic_value || h.clean != 1 || h.header_xxh3 != header_sum(h) ||
      h.capacity < slot_table<voucher_slot>::capacity_min ||
      slot_bytes / sizeof(voucher_slot) != h.capacity || slot_bytes % sizeof(voucher_slot) != 0 ||
      h.size * 4 > h.capacity * 3 || slots_sum(*file) != h.slots_xxh3)
    return nullptr;
  auto table = slot_table<voucher_slot>::adopt(std::move(*file), path, h.capacity, h.size);
  return std::make_unique<mapped_voucher_table>(std::move(table), position{h.checkpoint},
                                                h.checkpoint_hash, true);
}

}  // namespace

auto make_u64_set(std::string path) -> result<std::unique_ptr<u64_set>> {
  if (auto made = make_parent_directories(path); !made) return tl::unexpected{made.error()};
  auto table = slot_table<u64_slot>::create(path, slot_table<u64_slot>::capacity_min);
  if (!table) return tl::unexpected{std::move(table).error()};
  return std::make_unique<mapped_u64_set>(std::move(*table), std::move(path));
}

auto open_voucher_table(std::string path) -> result<std::unique_ptr<voucher_table>> {
  if (auto made = make_parent_directories(path); !made) return tl::unexpected{made.error()};
  if (!path.empty())
    if (auto saved = reopen_saved(path)) return saved;
  auto table = slot_table<voucher_slot>::create(path, slot_table<voucher_slot>::capacity_min);
  if (!table) return tl::unexpected{std::move(table).error()};
  return std::make_unique<mapped_voucher_table>(std::move(*table), position{}, sha256_digest{},
                                                false);
}

}  // namespace bestow::store
