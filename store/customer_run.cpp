#include "store/customer_run.hpp"

#include <xxhash.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdio>
#include <cstring>
#include <utility>
#include <vector>

#include "events/assert.hpp"

namespace bestow::store {
namespace {

constexpr std::uint64_t page = 4'096;
/// Entries of a block: as many as a page holds.
constexpr std::uint64_t per_block = page / (sizeof(std::uint64_t) + sizeof(std::uint32_t));

struct file_header {
  static constexpr std::array<char, 8> magic_value{'B', 'S', 'T', 'W', 'C', 'U', 'S', '1'};
  std::array<char, 8> magic{magic_value};
  std::uint64_t promotion{0};
  std::uint64_t sealed_at{0};  ///< Position of the list_sealed it belongs to.
  sha256_digest frame_hash{};  ///< Of the frame that holds it.
  sha256_digest list_sha256{};
  std::uint64_t count{0};
  std::uint64_t facts{0};
  std::uint64_t lowest{0};
  std::uint64_t highest{0};
  std::uint64_t tables_xxh3{0};  ///< Of index and facts; the index holds the blocks' checksums.
  std::uint64_t header_xxh3{0};  ///< Of every byte before it.
};
static_assert(sizeof(file_header) <= page);

constexpr auto blocks_for(std::uint64_t count) -> std::uint64_t {
  return (count + per_block - 1) / per_block;
}
constexpr auto tables_bytes(std::uint64_t count, std::uint64_t facts) -> std::uint64_t {
  return 16 * (blocks_for(count) + facts);
}
constexpr auto blocks_begin(std::uint64_t count, std::uint64_t facts) -> std::uint64_t {
  return page + (tables_bytes(count, facts) + page - 1) / page * page;
}
constexpr auto file_bytes(std::uint64_t count, std::uint64_t facts) -> std::uint64_t {
  return blocks_begin(count, facts) + blocks_for(count) * page;
}
auto header_sum(const file_header& h) -> std::uint64_t {
  return XXH3_64bits(&h, offsetof(file_header, header_xxh3));
}
auto tables_sum(const mapped_file& file, const file_header& h) -> std::uint64_t {
  return XXH3_64bits(file.data() + page, tables_bytes(h.count, h.facts));
}
auto damaged(const std::string& path, std::string_view what) -> tl::unexpected<fault> {
  return fail(fault_code::file_io_failed, "open customers", path + ": " + std::string{what});
}

struct entry {
  std::uint64_t uid{0};
  std::uint64_t ordinal{0};
};

/// Where a list's list_sealed stands, and in which history.
struct seal_place {
  position at{};
  sha256_digest frame_hash{};
};
auto find_seal(const event_log& log, promotion_id promotion) -> result<seal_place> {
  seal_place out;
  const auto seen = log.read_stream(stream_of(promotion), {}, {{event_type::list_sealed}},
                                    [&](const stored_event& e) {
                                      out.at = e.at;
                                      return true;
                                    });
  if (!seen) return tl::unexpected{seen.error()};
  const auto hash = log.frame_hash_at(out.at);
  if (!hash) return tl::unexpected{hash.error()};
  out.frame_hash = *hash;
  return out;
}

}  // namespace

struct customer_run::block {
  std::array<std::uint64_t, per_block> uids;
  std::array<std::uint32_t, per_block> ordinals;
  std::uint32_t unused;
};

auto customer_run::adopt(mapped_file file) -> std::shared_ptr<customer_run> {
  static_assert(sizeof(block) == page);
  file_header h;
  std::memcpy(&h, file.data(), sizeof h);
  auto out = std::make_shared<customer_run>();
  out->list_sha256_ = h.list_sha256;
  out->count_ = h.count;
  out->block_count_ = blocks_for(h.count);
  out->fact_count_ = h.facts;
  out->lowest_ = customer_uid{h.lowest};
  out->highest_ = customer_uid{h.highest};
  out->digest_ = h.tables_xxh3;
  const auto* at = file.data() + page;
  out->index_ = reinterpret_cast<const block_entry*>(at);
  out->facts_ = reinterpret_cast<const fact_entry*>(at + 16 * out->block_count_);
  out->blocks_ = reinterpret_cast<const block*>(file.data() + blocks_begin(h.count, h.facts));
  out->file_ = std::move(file);
  return out;
}

auto customer_run::open(const std::string& path, promotion_id promotion)
    -> result<std::shared_ptr<const customer_run>> {
  auto file = mapped_file::open(path, mapped_file::access::read_only);
  if (!file) return tl::unexpected{std::move(file).error()};
  if (file->size() < page) return damaged(path, "cut off");
  file_header h;
  std::memcpy(&h, file->data(), sizeof h);
  if (h.magic != file_header::magic_value || h.header_xxh3 != header_sum(h))
    return damaged(path, "its header is damaged");
  if (h.promotion != promotion.value) return damaged(path, "it belongs to another promotion");
  if (file->size() != file_bytes(h.count, h.facts)) return damaged(path, "cut off");
  if (h.tables_xxh3 != tables_sum(*file, h)) return damaged(path, "its index is damaged");
  auto out = adopt(std::move(*file));
  out->path_ = path;
  return out;
}

auto customer_run::block_at(std::uint64_t index) const -> result<const block*> {
  if (XXH3_64bits(blocks_ + index, page) != index_[index].xxh3)
    return damaged(path_, "block " + std::to_string(index) + " is damaged");
  return blocks_ + index;
}

auto customer_run::place_of(std::uint32_t ordinal) const -> import_place {
  const auto* const after =
      std::upper_bound(facts_, facts_ + fact_count_, ordinal,
                       [](std::uint64_t wanted, const fact_entry& f) {
                         return wanted < f.first_ordinal;
                       });
  BESTOW_ASSERT(after != facts_);
  const auto& fact = *(after - 1);
  return {position{fact.at}, static_cast<std::uint32_t>(ordinal - fact.first_ordinal)};
}

auto customer_run::find(customer_uid customer,
                        const std::function<bool(const import_place&)>& visit) const
    -> result<void> {
  const auto uid = customer.value;
  const auto* const after =
      std::lower_bound(index_, index_ + block_count_, uid,
                       [](const block_entry& b, std::uint64_t wanted) {
                         return b.first_uid < wanted;
                       });
  // The customer may begin in the block before the first that begins with it.
  const auto found = static_cast<std::uint64_t>(after - index_);
  for (auto b = found == 0 ? 0 : found - 1; b < block_count_ && index_[b].first_uid <= uid; ++b) {
    const auto loaded = block_at(b);
    if (!loaded) return tl::unexpected{loaded.error()};
    const auto& uids = (*loaded)->uids;
    const auto end = uids.begin() + static_cast<std::ptrdiff_t>(
                                        std::min(per_block, count_ - b * per_block));
    for (auto at = std::lower_bound(uids.begin(), end, uid); at != end && *at == uid; ++at)
      if (!visit(place_of((*loaded)->ordinals[static_cast<std::size_t>(at - uids.begin())])))
        return {};
  }
  return {};
}

auto customer_run::visit(
    std::uint64_t from,
    const std::function<bool(customer_uid, const import_place&)>& visitor) const -> result<void> {
  while (from < count_) {
    const auto b = from / per_block;
    const auto loaded = block_at(b);
    if (!loaded) return tl::unexpected{loaded.error()};
    for (const auto end = std::min(count_, (b + 1) * per_block); from < end; ++from) {
      const auto i = static_cast<std::size_t>(from % per_block);
      if (!visitor(customer_uid{(*loaded)->uids[i]}, place_of((*loaded)->ordinals[i]))) return {};
    }
  }
  return {};
}

/// Gathers the entries of one list, sorts them and writes the file.
class customer_run::writer {
 public:
  [[nodiscard]] auto gather(const event_log& log, const list_scope& scope, const std::string& path)
      -> result<void> {
    const auto count = scope.sealed->total_count;
    const auto beside = path.empty() ? std::string{} : path + ".sort";
    auto scratch = mapped_file::create(beside, std::max<std::uint64_t>(1, count * sizeof(entry)));
    if (!scratch) return tl::unexpected{std::move(scratch).error()};
    if (!beside.empty()) std::remove(beside.c_str());  // It vanishes with its mapping.
    scratch_ = std::move(*scratch);
    auto* const entries = reinterpret_cast<entry*>(scratch_.data());
    auto read = visit_list_facts(
        log, scope, [&](const stored_event& e, const targets_imported& f) -> result<void> {
          const auto rows = f.customer_uids.size();
          if (rows > count - taken_) return other_count(scope);
          if (rows > 0) facts_.push_back({taken_, e.at.value});
          for (std::size_t i = 0; i < rows; ++i, ++taken_)
            entries[taken_] = {f.customer_uids[i], taken_};
          return {};
        });
    if (!read) return read;
    if (taken_ != count) return other_count(scope);
    const auto by_uid = [](const entry& a, const entry& b) {
      return a.uid != b.uid ? a.uid < b.uid : a.ordinal < b.ordinal;
    };
    if (!std::is_sorted(entries, entries + count, by_uid))
      std::sort(entries, entries + count, by_uid);
    return {};
  }

  [[nodiscard]] auto write(const list_scope& scope, const seal_place& sealed,
                           const std::string& path) -> result<std::shared_ptr<customer_run>> {
    file_header h;
    h.promotion = scope.created.promotion.value;
    h.sealed_at = sealed.at.value;
    h.frame_hash = sealed.frame_hash;
    h.list_sha256 = scope.sealed->list_sha256;
    h.count = taken_;
    h.facts = facts_.size();
    const auto* const entries = reinterpret_cast<const entry*>(scratch_.data());
    if (taken_ > 0) {
      h.lowest = entries[0].uid;
      h.highest = entries[taken_ - 1].uid;
    }
    const auto beside = path.empty() ? std::string{} : path + ".tmp";
    auto file = mapped_file::create(beside, file_bytes(h.count, h.facts));
    if (!file) return tl::unexpected{std::move(file).error()};
    auto* const index = reinterpret_cast<block_entry*>(file->data() + page);
    auto* const blocks = reinterpret_cast<block*>(file->data() + blocks_begin(h.count, h.facts));
    for (std::uint64_t i = 0; i < taken_; ++i) {
      auto& b = blocks[i / per_block];
      b.uids[i % per_block] = entries[i].uid;
      b.ordinals[i % per_block] = static_cast<std::uint32_t>(entries[i].ordinal);
    }
    for (std::uint64_t b = 0; b < blocks_for(taken_); ++b)
      index[b] = {blocks[b].uids[0], XXH3_64bits(blocks + b, page)};
    std::copy(facts_.begin(), facts_.end(),
              reinterpret_cast<fact_entry*>(index + blocks_for(taken_)));
    h.tables_xxh3 = tables_sum(*file, h);
    h.header_xxh3 = header_sum(h);
    std::memcpy(file->data(), &h, sizeof h);
    if (!beside.empty() && std::rename(beside.c_str(), path.c_str()) != 0) {
      std::remove(beside.c_str());
      return fail(fault_code::file_io_failed, "rename", path);
    }
    return adopt(std::move(*file));
  }

 private:
  [[nodiscard]] static auto other_count(const list_scope& scope) -> tl::unexpected<fault> {
    return fail(fault_code::log_corrupt, "write customers",
                to_string(stream_of(scope.created.promotion)) +
                    ": closed batches hold another count of targets than was sealed");
  }

  mapped_file scratch_;
  std::vector<fact_entry> facts_;
  std::uint64_t taken_{0};
};

auto customer_run::build(const event_log& log, const list_scope& scope, const std::string& path)
    -> result<std::shared_ptr<const customer_run>> {
  if (!scope.sealed)
    return fail(fault_code::log_corrupt, "write customers",
                to_string(stream_of(scope.created.promotion)) + " is not sealed");
  const auto sealed = find_seal(log, scope.created.promotion);
  if (!sealed) return tl::unexpected{sealed.error()};
  writer w;
  if (auto done = w.gather(log, scope, path); !done) return tl::unexpected{std::move(done).error()};
  auto written = w.write(scope, *sealed, path);
  if (!written) return tl::unexpected{std::move(written).error()};
  (*written)->path_ = path;
  return std::move(*written);
}

}  // namespace bestow::store
