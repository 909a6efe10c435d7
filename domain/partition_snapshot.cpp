// A partition as bytes: a fold version, numbers as little-endian u64, then the flat arrays as they
// lie in memory. Private to one machine's snapshot files; never the truth.
#include <bit>
#include <cstring>

#include "domain/partition.hpp"
#include "domain/partition_rules.hpp"

namespace bestow::domain {
namespace {

static_assert(std::endian::native == std::endian::little, "the arrays are copied as they lie");

class writer {
 public:
  explicit writer(std::size_t bytes) { out_.reserve(bytes); }
  void number(std::uint64_t value) { raw(&value, sizeof value); }
  template <class T>
  void array(const std::vector<T>& values) {
    raw(values.data(), values.size() * sizeof(T));
  }
  void ranges(const ordinal_ranges& ordinals) {
    number(ordinals.ranges().size());
    for (const auto& r : ordinals.ranges()) {
      number(r.first);
      number(r.count);
    }
  }
  auto take() && -> std::vector<std::byte> { return std::move(out_); }

 private:
  void raw(const void* data, std::size_t bytes) {
    const auto* begin = static_cast<const std::byte*>(data);
    out_.insert(out_.end(), begin, begin + bytes);
  }
  std::vector<std::byte> out_;
};

/// Reads what writer wrote. After the first lack of bytes every read yields zero and ok() is false.
class reader {
 public:
  explicit reader(std::span<const std::byte> in) : in_{in} {}
  auto number() -> std::uint64_t {
    std::uint64_t value = 0;
    raw(&value, sizeof value);
    return value;
  }
  /// A count of things of at least `bytes_each`: never more than the input could hold.
  auto count(std::size_t bytes_each) -> std::size_t {
    const auto n = number();
    if (n > in_.size() / bytes_each) ok_ = false;
    return ok_ ? static_cast<std::size_t>(n) : 0;
  }
  template <class T>
  auto array(std::size_t n) -> std::vector<T> {
    if (n > in_.size() / sizeof(T)) ok_ = false;
    std::vector<T> values(ok_ ? n : 0);
    raw(values.data(), values.size() * sizeof(T));
    return values;
  }
  auto ranges(std::uint64_t end) -> ordinal_ranges {
    ordinal_ranges ordinals;
    std::uint64_t from = 0;
    for (auto n = count(2 * sizeof(std::uint64_t)); n > 0 && ok_; --n) {
      const auto first = number();
      const auto length = number();
      if (first < from || length == 0 || first > end || length > end - first) ok_ = false;
      if (!ok_) break;
      ordinals.append(static_cast<std::uint32_t>(first), static_cast<std::uint32_t>(length));
      from = first + length;
    }
    return ordinals;
  }
  [[nodiscard]] auto ok() const -> bool { return ok_; }
  [[nodiscard]] auto at_end() const -> bool { return in_.empty(); }

 private:
  void raw(void* to, std::size_t bytes) {
    if (bytes > in_.size()) ok_ = false;
    if (!ok_ || bytes == 0) return;
    std::memcpy(to, in_.data(), bytes);
    in_ = in_.subspan(bytes);
  }
  std::span<const std::byte> in_;
  bool ok_{true};
};

constexpr std::size_t bytes_per_target =
    2 * sizeof(std::uint8_t) + sizeof(std::uint16_t) + sizeof(std::uint64_t);

void write_counts(writer& w, const target_counts& c) {
  for (const auto n : {c.total, c.published, c.publish_failed, c.success, c.retry_success, c.fail,
                       c.retrying, c.unknown, c.abandoned, c.recalling, c.recalled,
                       c.recall_failed})
    w.number(n);
  w.number(static_cast<std::uint64_t>(c.success_amount.value));
  w.number(static_cast<std::uint64_t>(c.recalled_amount.value));
}

auto read_counts(reader& r) -> target_counts {
  target_counts c;
  for (auto* n : {&c.total, &c.published, &c.publish_failed, &c.success, &c.retry_success, &c.fail,
                  &c.retrying, &c.unknown, &c.abandoned, &c.recalling, &c.recalled,
                  &c.recall_failed})
    *n = r.number();
  c.success_amount.value = static_cast<std::int64_t>(r.number());
  c.recalled_amount.value = static_cast<std::int64_t>(r.number());
  return c;
}

auto states_are_known(const std::vector<std::uint8_t>& states) -> bool {
  for (const auto byte : states)
    if (state_in(byte) > target_state::unknown_after_retrying) return false;
  return true;
}

void write_open(writer& w, const partition& p) {
  w.number(p.open.size());
  for (const auto& open : p.open) {
    w.number(open.at.value);
    w.ranges(open.ordinals);
    w.number(open.message_count);
    w.number(open.attempt.value);
    w.number(static_cast<std::uint64_t>(open.kind));
  }
}

void read_open(reader& r, partition& p) {
  for (auto n = r.count(5 * sizeof(std::uint64_t)); n > 0 && r.ok(); --n) {
    open_release open;
    open.at.value = r.number();
    open.ordinals = r.ranges(p.states.size());
    open.message_count = static_cast<std::uint32_t>(r.number());
    open.attempt.value = static_cast<std::uint16_t>(r.number());
    open.kind = static_cast<release_kind>(r.number());
    p.open.push_back(std::move(open));
  }
}

void write_awaited(writer& w, const partition& p) {
  w.number(p.awaited.size());
  for (const auto& chunk : p.awaited) {
    w.number(static_cast<std::uint64_t>(chunk.published_at.value));
    w.ranges(chunk.ordinals);
    w.number(chunk.attempt.value);
  }
}

void read_awaited(reader& r, partition& p) {
  for (auto n = r.count(3 * sizeof(std::uint64_t)); n > 0 && r.ok(); --n) {
    awaited_chunk chunk;
    chunk.published_at.value = static_cast<std::int64_t>(r.number());
    chunk.ordinals = r.ranges(p.states.size());
    chunk.attempt.value = static_cast<std::uint16_t>(r.number());
    p.awaited.push_back(std::move(chunk));
  }
}

void write_again(writer& w, const partition& p) {
  for (const auto n :
       {std::uint64_t{p.retry_run.value}, std::uint64_t{p.retry_next}, p.retry_count,
        std::uint64_t{p.retry_done.value}, std::uint64_t{p.recall.value},
        std::uint64_t{p.recall_next}, p.recall_count,
        static_cast<std::uint64_t>(p.recall_amount.value), std::uint64_t{p.recall_done.value}})
    w.number(n);
  w.number(p.recalls.size());
  w.array(p.recalls);
}

void read_again(reader& r, partition& p) {
  p.retry_run.value = static_cast<std::uint32_t>(r.number());
  p.retry_next = static_cast<std::uint32_t>(r.number());
  p.retry_count = r.number();
  p.retry_done.value = static_cast<std::uint32_t>(r.number());
  p.recall.value = static_cast<std::uint32_t>(r.number());
  p.recall_next = static_cast<std::uint32_t>(r.number());
  p.recall_count = r.number();
  p.recall_amount.value = static_cast<std::int64_t>(r.number());
  p.recall_done.value = static_cast<std::uint32_t>(r.number());
  p.recalls = r.array<std::uint16_t>(r.count(sizeof(std::uint16_t)));
}

}  // namespace

auto to_snapshot(const partition& p) -> std::vector<std::byte> {
  writer w{p.states.size() * bytes_per_target + 1'024};
  w.number(partition_fold_version);
  for (const auto n :
       {p.promotion.value, std::uint64_t{p.number.value}, static_cast<std::uint64_t>(p.type),
        std::uint64_t{p.next}, std::uint64_t{p.run.value}, p.release_count, p.done_at_release,
        p.duplicates, p.ignored, p.double_grants, p.version.value})
    w.number(n);
  write_counts(w, p.counts);
  w.number(p.states.size());
  w.array(p.states);
  w.array(p.attempts);
  w.array(p.key_hashes);
  w.array(p.seen);
  write_open(w, p);
  write_awaited(w, p);
  write_again(w, p);
  w.number(p.double_keys.size());
  for (const auto& [ordinal, hash] : p.double_keys) {
    w.number(ordinal);
    w.number(hash);
  }
  return std::move(w).take();
}

auto from_snapshot(std::span<const std::byte> bytes, partition& out) -> bool {
  reader r{bytes};
  if (r.number() != partition_fold_version) return false;
  partition p;
  p.promotion.value = r.number();
  p.number.value = static_cast<std::uint16_t>(r.number());
  p.type = static_cast<promotion_type>(r.number());
  p.next = static_cast<std::uint32_t>(r.number());
  p.run.value = static_cast<std::uint32_t>(r.number());
  for (auto* n : {&p.release_count, &p.done_at_release, &p.duplicates, &p.ignored, &p.double_grants,
                  &p.version.value})
    *n = r.number();
  p.counts = read_counts(r);
  const auto targets = r.count(bytes_per_target);
  p.states = r.array<std::uint8_t>(targets);
  p.attempts = r.array<std::uint16_t>(targets);
  p.key_hashes = r.array<std::uint64_t>(targets);
  p.seen = r.array<std::uint8_t>(targets);
  read_open(r, p);
  read_awaited(r, p);
  read_again(r, p);
  for (auto n = r.count(2 * sizeof(std::uint64_t)); n > 0 && r.ok(); --n) {
    const auto ordinal = static_cast<std::uint32_t>(r.number());
    const auto hash = r.number();
    p.double_keys.emplace(ordinal, hash);
  }
  const bool sound = r.ok() && r.at_end() && p.counts.total == targets && p.next <= targets &&
                     (p.recalls.empty() || p.recalls.size() == targets) &&
                     states_are_known(p.states);
  if (sound) out = std::move(p);
  return sound;
}

}  // namespace bestow::domain
