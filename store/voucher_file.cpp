#include "store/voucher_file.hpp"

#include <xxhash.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdio>
#include <cstring>
#include <queue>
#include <utility>
#include <vector>

#include "events/assert.hpp"
#include "events/limits.hpp"
#include "store/slot_table.hpp"

namespace bestow::store {
namespace {

struct file_header {
  static constexpr std::array<char, 8> magic_value{'B', 'S', 'T', 'W', 'V', 'T', 'G', '1'};
  std::array<char, 8> magic{magic_value};
  std::uint64_t promotion{0};
  std::uint64_t seed{0};
  std::uint64_t covers{0};
  sha256_digest frame_hash{};
  std::uint64_t resume{0};
  std::uint64_t count{0};
  std::uint64_t facts{0};
  std::uint64_t filter_blocks{0};
  std::uint64_t body_xxh3{0};
  std::uint64_t header_xxh3{0};  ///< Of every byte before it.
};
constexpr std::uint64_t header_bytes = 4096;
static_assert(sizeof(file_header) <= header_bytes);

/// A filter block is half a cache line: eight words, one bit of each.
constexpr std::uint64_t block_words = 8;
constexpr std::uint64_t block_bytes = block_words * sizeof(std::uint32_t);
/// Entries sorted at once: some hundred milliseconds, then a stop is looked for.
constexpr std::uint64_t run_entries = 1ULL << 22U;

auto blocks_for(std::uint64_t count) -> std::uint64_t {
  return std::max<std::uint64_t>(
      1, (count * limits::voucher_filter_bits + 8 * block_bytes - 1) / (8 * block_bytes));
}
auto file_bytes(std::uint64_t count, std::uint64_t facts) -> std::uint64_t {
  constexpr std::uint64_t fact_bytes = 16;
  return header_bytes + blocks_for(count) * block_bytes + count * sizeof(std::uint64_t) +
         facts * fact_bytes + count * sizeof(std::uint32_t);
}
auto header_sum(const file_header& h) -> std::uint64_t {
  return XXH3_64bits(&h, offsetof(file_header, header_xxh3));
}
auto body_sum(const mapped_file& file) -> std::uint64_t {
  return XXH3_64bits(file.data() + header_bytes, file.size() - header_bytes);
}

auto block_of(std::uint64_t tag, std::uint64_t blocks) -> std::uint64_t {
  __extension__ using wide = unsigned __int128;
  return static_cast<std::uint64_t>((wide{spread_bits(tag)} * blocks) >> 64U);
}
/// One bit in each word of a block, chosen by the tag's low half.
auto masks_of(std::uint64_t tag) -> std::array<std::uint32_t, block_words> {
  static constexpr std::array<std::uint32_t, block_words> odd = {
      0x47b6137bU, 0x44974d91U, 0x8824ad5bU, 0xa2b7289dU,
      0x705495c7U, 0x2df1424bU, 0x9efc4947U, 0x5c6bfb31U};
  std::array<std::uint32_t, block_words> masks{};
  const auto low = static_cast<std::uint32_t>(tag);
  for (std::size_t i = 0; i < block_words; ++i) masks[i] = 1U << ((low * odd[i]) >> 27U);
  return masks;
}

auto damaged(const std::string& path, std::string_view what) -> tl::unexpected<fault> {
  return fail(fault_code::file_io_failed, "open voucher tags", path + ": " + std::string{what});
}

auto cancelled() -> tl::unexpected<fault> {
  return fail(fault_code::shutting_down, "write voucher tags", "");
}

}  // namespace

auto voucher_tag(std::string_view number, std::uint64_t seed) -> std::uint64_t {
  return XXH3_64bits_withSeed(number.data(), number.size(), seed);
}

auto voucher_file::adopt(mapped_file file) -> voucher_file {
  file_header h;
  std::memcpy(&h, file.data(), sizeof h);
  voucher_file out;
  out.cover_ = {h.promotion, h.seed, position{h.covers}, h.frame_hash, stream_version{h.resume}};
  out.count_ = h.count;
  out.fact_count_ = h.facts;
  out.filter_blocks_ = h.filter_blocks;
  const auto* at = file.data() + header_bytes;
  out.filter_ = reinterpret_cast<const std::uint32_t*>(at);
  at += h.filter_blocks * block_bytes;
  out.tags_ = reinterpret_cast<const std::uint64_t*>(at);
  at += h.count * sizeof(std::uint64_t);
  out.facts_ = reinterpret_cast<const fact_place*>(at);
  at += h.facts * sizeof(fact_place);
  out.ordinals_ = reinterpret_cast<const std::uint32_t*>(at);
  out.file_ = std::move(file);
  return out;
}

auto voucher_file::open(const std::string& path, std::uint64_t promotion, std::uint64_t seed)
    -> result<voucher_file> {
  auto file = mapped_file::open(path, mapped_file::access::read_only);
  if (!file) return tl::unexpected{std::move(file).error()};
  if (file->size() < header_bytes) return damaged(path, "cut off");
  file_header h;
  std::memcpy(&h, file->data(), sizeof h);
  if (h.magic != file_header::magic_value || h.header_xxh3 != header_sum(h))
    return damaged(path, "its header is damaged");
  if (h.promotion != promotion || h.seed != seed)
    return damaged(path, "it belongs to another promotion or installation");
  if (h.filter_blocks != blocks_for(h.count) || file->size() != file_bytes(h.count, h.facts))
    return damaged(path, "cut off");
  if (h.body_xxh3 != body_sum(*file)) return damaged(path, "its content is damaged");
  return adopt(std::move(*file));
}

auto voucher_file::may_hold(std::uint64_t tag) const -> bool {
  const auto* const block = filter_ + block_of(tag, filter_blocks_) * block_words;
  const auto masks = masks_of(tag);
  std::uint32_t missing = 0;
  for (std::size_t i = 0; i < block_words; ++i) missing |= masks[i] & ~block[i];
  return missing == 0;
}

void voucher_file::prefetch(std::uint64_t tag) const {
  __builtin_prefetch(filter_ + block_of(tag, filter_blocks_) * block_words);
}

/// Tags are spread evenly, so a tag's place is guessed from its value and the guess is narrowed.
auto voucher_file::lower_bound(std::uint64_t tag) const -> std::uint64_t {
  __extension__ using wide = unsigned __int128;
  std::uint64_t low = 0;
  std::uint64_t high = count_;
  for (int guesses = 0; guesses < 4 && high - low > 64; ++guesses) {
    const auto first = tags_[low];
    const auto last = tags_[high - 1];
    if (tag <= first || tag > last) break;
    const auto span = wide{last - first} + 1;
    const auto guess = low + static_cast<std::uint64_t>(wide{tag - first} * (high - low) / span);
    // A margin of a few standard deviations around the guess; outside it the half is dropped.
    std::uint64_t margin = 32;
    while (margin * margin < high - low) margin *= 2;
    const auto from = guess > low + margin ? guess - margin : low;
    const auto to = std::min(high, guess + margin);
    if (tags_[from] >= tag)
      high = from + 1;
    else if (tags_[to - 1] < tag)
      low = to;
    else
      low = from, high = to;
  }
  return static_cast<std::uint64_t>(std::lower_bound(tags_ + low, tags_ + high, tag) - tags_);
}

void voucher_file::find(std::uint64_t tag,
                        const std::function<bool(const voucher_claim&)>& visit) const {
  if (count_ == 0 || !may_hold(tag)) return;
  for (auto i = lower_bound(tag); i < count_ && tags_[i] == tag; ++i)
    if (!visit(claim_of(ordinals_[i]))) return;
}

auto voucher_file::claim_of(std::uint32_t ordinal) const -> voucher_claim {
  const auto* const end = facts_ + fact_count_;
  const auto* const after =
      std::upper_bound(facts_, end, ordinal, [](std::uint64_t wanted, const fact_place& f) {
        return wanted < f.first_ordinal;
      });
  BESTOW_ASSERT(after != facts_);
  const auto& fact = *(after - 1);
  return {position{fact.at}, static_cast<std::uint32_t>(ordinal - fact.first_ordinal)};
}

auto voucher_file_writer::create(const std::string& path, const voucher_file* older,
                                 std::uint64_t added, std::uint64_t facts)
    -> result<voucher_file_writer> {
  voucher_file_writer w;
  w.path_ = path;
  w.older_ = older;
  w.announced_ = added;
  w.announced_facts_ = facts;
  const auto beside = path.empty() ? std::string{} : path + ".sort";
  for (const auto& [file, bytes] :
       {std::pair{&w.scratch_, added * sizeof(entry)},
        std::pair{&w.fact_scratch_, facts * sizeof(voucher_file::fact_place)}}) {
    auto made = mapped_file::create(beside, std::max<std::uint64_t>(bytes, 1));
    if (!made) return tl::unexpected{std::move(made).error()};
    if (!beside.empty()) std::remove(beside.c_str());  // It vanishes with its mapping.
    *file = std::move(*made);
  }
  return w;
}

void voucher_file_writer::begin_fact(position at) {
  if (added_facts_ < announced_facts_)
    new_facts()[added_facts_] = {(older_ != nullptr ? older_->size() : 0) + added_, at.value};
  ++added_facts_;
}

auto voucher_file_writer::add(std::uint64_t tag) -> bool {
  if (added_ == announced_ || added_facts_ > announced_facts_) return false;
  entries()[added_] = {tag, (older_ != nullptr ? older_->size() : 0) + added_};
  ++added_;
  return true;
}

auto voucher_file_writer::sort_runs(const std::function<bool()>& go_on) -> bool {
  for (std::uint64_t from = 0; from < added_; from += run_entries) {
    if (!go_on()) return false;
    auto* const end = entries() + std::min(added_, from + run_entries);
    std::sort(entries() + from, end, [](const entry& a, const entry& b) {
      return std::pair{a.tag, a.ordinal} < std::pair{b.tag, b.ordinal};
    });
  }
  return true;
}

/// The older file and the sorted runs, entry by entry in order of tags.
auto voucher_file_writer::merge(voucher_file& out, const std::function<bool()>& go_on) -> bool {
  struct cursor {
    entry now;
    std::uint64_t next{0};
    std::uint64_t end{0};
    bool older{false};
    auto operator<(const cursor& o) const -> bool {  // The queue gives the largest first.
      return std::pair{o.now.tag, o.now.ordinal} < std::pair{now.tag, now.ordinal};
    }
  };
  const auto read = [this](cursor& c) {
    if (c.next == c.end) return false;
    c.now = c.older ? entry{older_->tag(c.next), older_->ordinal(c.next)} : entries()[c.next];
    ++c.next;
    return true;
  };
  std::priority_queue<cursor> queue;
  if (cursor c{{}, 0, older_ != nullptr ? older_->size() : 0, true}; read(c)) queue.push(c);
  for (std::uint64_t from = 0; from < added_; from += run_entries)
    if (cursor c{{}, from, std::min(added_, from + run_entries), false}; read(c)) queue.push(c);
  auto* const filter = const_cast<std::uint32_t*>(out.filter_);
  auto* const tags = const_cast<std::uint64_t*>(out.tags_);
  auto* const ordinals = const_cast<std::uint32_t*>(out.ordinals_);
  for (std::uint64_t i = 0; !queue.empty(); ++i) {
    if (i % run_entries == 0 && !go_on()) return false;
    auto c = queue.top();
    queue.pop();
    tags[i] = c.now.tag;
    ordinals[i] = static_cast<std::uint32_t>(c.now.ordinal);
    const auto masks = masks_of(c.now.tag);
    auto* const block = filter + block_of(c.now.tag, out.filter_blocks_) * block_words;
    for (std::size_t w = 0; w < block_words; ++w) block[w] |= masks[w];
    if (read(c)) queue.push(c);
  }
  return true;
}

auto voucher_file_writer::finish(const voucher_cover& cover, const std::function<bool()>& go_on)
    -> result<voucher_file> {
  if (added_ != announced_ || added_facts_ > announced_facts_)
    return fail(fault_code::log_corrupt, "write voucher tags",
                path_ + ": closed batches hold another count of numbers than they say");
  if (!sort_runs(go_on)) return cancelled();
  const auto old_count = older_ != nullptr ? older_->size() : 0;
  const auto old_facts = older_ != nullptr ? older_->fact_count() : 0;
  file_header h;
  h.promotion = cover.promotion;
  h.seed = cover.seed;
  h.covers = cover.covers.value;
  h.frame_hash = cover.frame_hash;
  h.resume = cover.resume.value;
  h.count = old_count + added_;
  h.facts = old_facts + added_facts_;
  h.filter_blocks = blocks_for(h.count);
  const auto beside = path_.empty() ? std::string{} : path_ + ".tmp";
  auto file = mapped_file::create(beside, file_bytes(h.count, h.facts));
  if (!file) return tl::unexpected{std::move(file).error()};
  std::memcpy(file->data(), &h, sizeof h);
  auto out = voucher_file::adopt(std::move(*file));
  auto* const facts = const_cast<voucher_file::fact_place*>(out.facts_);
  if (old_facts > 0) std::copy_n(older_->facts_, old_facts, facts);
  std::copy_n(new_facts(), added_facts_, facts + old_facts);
  if (!merge(out, go_on)) {
    if (!beside.empty()) std::remove(beside.c_str());
    return cancelled();
  }
  h.body_xxh3 = body_sum(out.file_);
  h.header_xxh3 = header_sum(h);
  std::memcpy(out.file_.data(), &h, sizeof h);
  if (!beside.empty() && std::rename(beside.c_str(), path_.c_str()) != 0) {
    std::remove(beside.c_str());
    return fail(fault_code::file_io_failed, "rename", path_);
  }
  return out;
}

}  // namespace bestow::store
