// One fixed-size record for each target, in dense pages of LMDB's page size.
//
// A million targets as rows of a B-tree cost minutes in random order; as records in pages they cost
// one array write each, and a page is written once for each transaction that touched it, in key
// order. A missing page means: every record is zero (pending). Pages hold records as the CPU does.
// Private to projections/. Threads: target_pages belongs to one transaction's thread.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <type_traits>
#include <unordered_map>
#include <vector>

#include "events/result.hpp"
#include "events/types.hpp"
#include "projections/row_bytes.hpp"
#include "store/view_store.hpp"

namespace bestow::projections {

/// With its checksum a page fills one LMDB overflow page: 4,096 bytes less its 16-byte header.
inline constexpr std::size_t page_bytes = 4'096 - 16 - checksum_bytes;

/// Records of one page.
template <class Record>
inline constexpr std::uint32_t page_records = static_cast<std::uint32_t>(page_bytes /
                                                                         sizeof(Record));

/// One partition of one promotion.
struct partition_place {
  promotion_id promotion{};
  partition_no number{};
  auto operator<=>(const partition_place&) const = default;
};

/// Pages touched in one write transaction.
template <class Record>
class target_pages {
 public:
  static_assert(std::is_trivially_copyable_v<Record> && std::is_standard_layout_v<Record>);
  static constexpr std::uint32_t per_page = page_records<Record>;

  explicit target_pages(store::view_writer& rows) : rows_{&rows} {}

  /// The records of `page`, which has room for `per_page` targets of a partition with `size`
  /// targets. The page counts as changed. The pointer lives as long as this object.
  [[nodiscard]] auto page(const partition_place& place, std::uint32_t page, std::uint32_t size)
      -> result<Record*> {
    const page_id id{place, page};
    if (last_ != nullptr && id == last_id_) return last_->records.data();
    auto [it, fresh] = pages_.try_emplace(id);
    if (fresh) {
      it->second = std::make_unique<slot>();
      if (auto loaded = load(id, size, *it->second); !loaded) {
        pages_.erase(it);
        return tl::unexpected{loaded.error()};
      }
    }
    last_id_ = id;
    last_ = it->second.get();
    return last_->records.data();
  }

  /// Puts every page in key order. Called once.
  [[nodiscard]] auto write() -> result<void> {
    std::vector<std::pair<page_id, const slot*>> order;
    order.reserve(pages_.size());
    for (const auto& [id, s] : pages_) order.emplace_back(id, s.get());
    std::sort(order.begin(), order.end(),
              [](const auto& a, const auto& b) { return a.first < b.first; });
    for (const auto& [id, s] : order) {
      const auto key = page_key(id.place.promotion, id.place.number, id.page);
      std::array<char, page_bytes + checksum_bytes> value;
      const auto size = s->used * sizeof(Record);
      std::memcpy(value.data(), s->records.data(), size);
      const auto sum = row_checksum(key, {value.data(), size});
      std::memcpy(value.data() + size, &sum, checksum_bytes);
      if (auto done = rows_->put(key, {value.data(), size + checksum_bytes}); !done) return done;
    }
    return {};
  }

  [[nodiscard]] auto dirty() const -> std::size_t { return pages_.size(); }

 private:
  struct page_id {
    partition_place place;
    std::uint32_t page{0};
    auto operator<=>(const page_id&) const = default;
  };
  struct page_hash {
    auto operator()(const page_id& id) const noexcept -> std::size_t {
      const auto mixed = (id.place.promotion.value * 0x9E3779B97F4A7C15ULL) ^
                         (std::uint64_t{id.place.number.value} << 40U) ^ id.page;
      return static_cast<std::size_t>(mixed * 0xBF58476D1CE4E5B9ULL >> 16U);
    }
  };
  struct slot {
    std::array<Record, per_page> records{};
    std::uint32_t used{0};  ///< Records the partition has in this page.
  };

  auto load(const page_id& id, std::uint32_t size, slot& s) -> result<void> {
    s.used = std::min(per_page, size - id.page * per_page);
    const auto key = page_key(id.place.promotion, id.place.number, id.page);
    const auto found = get_row(*rows_, "pages", key);
    if (!found) return tl::unexpected{found.error()};
    if (!*found) return {};
    if ((*found)->size() != s.used * sizeof(Record)) return damaged_row("pages", key);
    std::memcpy(static_cast<void*>(s.records.data()), (*found)->data(), (*found)->size());
    return {};
  }

  store::view_writer* rows_;
  std::unordered_map<page_id, std::unique_ptr<slot>, page_hash> pages_;
  page_id last_id_;
  slot* last_{nullptr};
};

/// Reads records of one partition from a snapshot; keeps the last page's bytes at hand.
template <class Record>
class page_reader {
 public:
  static constexpr std::uint32_t per_page = page_records<Record>;

  page_reader(const store::view_reader& rows, partition_place place)
      : rows_{&rows}, place_{place} {}

  /// The bytes of a page: at most per_page records; "" = all zero. Live as long as the snapshot.
  [[nodiscard]] auto page(std::uint32_t number) -> result<std::string_view> {
    if (known_ && number == number_) return bytes_;
    auto found = get_row(*rows_, "pages", page_key(place_.promotion, place_.number, number));
    if (!found) return tl::unexpected{found.error()};
    known_ = true;
    number_ = number;
    bytes_ = found->value_or(std::string_view{});
    return bytes_;
  }
  /// The record at `index` of a page's bytes.
  [[nodiscard]] static auto at(std::string_view bytes, std::uint32_t index) -> Record {
    Record r{};
    if ((index + 1) * sizeof(Record) <= bytes.size())
      std::memcpy(static_cast<void*>(&r), bytes.data() + index * sizeof(Record), sizeof(Record));
    return r;
  }
  [[nodiscard]] auto record(target_ordinal ordinal) -> result<Record> {
    auto bytes = page(ordinal.value / per_page);
    if (!bytes) return tl::unexpected{bytes.error()};
    return at(*bytes, ordinal.value % per_page);
  }

 private:
  const store::view_reader* rows_;
  partition_place place_;
  bool known_{false};
  std::uint32_t number_{0};
  std::string_view bytes_;
};

}  // namespace bestow::projections
