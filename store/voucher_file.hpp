// The voucher numbers of one promotion's closed batches, in a file: their 64-bit keyed tags in
// ascending order, each with its ordinal, behind a Bloom filter. It answers "where might this number
// stand?" for 10^8 numbers with one cache line when it stands nowhere.
//
// Promise: immutable; rebuilt from the log and never the truth. A tag that is found must be compared
// with the text in the log: two numbers may share a tag. 13.5 bytes a number.
// Threads: reading from any thread. Anonymous memory: none (with an empty path the file is anonymous
// memory, for tests and the simulator).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "events/result.hpp"
#include "events/types.hpp"
#include "store/mapped_file.hpp"
#include "store/uniqueness.hpp"

namespace bestow::store {

/// The tag of a number under the installation's seed: whoever does not know the seed cannot choose
/// numbers that collide.
[[nodiscard]] auto voucher_tag(std::string_view number, std::uint64_t seed) -> std::uint64_t;

/// What a file covers, and where reading the log goes on.
struct voucher_cover {
  std::uint64_t promotion{0};
  std::uint64_t seed{0};
  position covers{};            ///< Every batch closed at or before this position is in the file.
  sha256_digest frame_hash{};   ///< Of the frame that holds it.
  stream_version resume{};      ///< Facts of other batches stand behind this version only.
};

class voucher_file {
 public:
  /// A file whose checksums are right; reads it whole once (about 5 GB/s when cached).
  /// @fault file_io_failed  missing, cut off, damaged, or of another promotion or seed: build anew.
  [[nodiscard]] static auto open(const std::string& path, std::uint64_t promotion,
                                 std::uint64_t seed) -> result<voucher_file>;

  [[nodiscard]] auto cover() const -> const voucher_cover& { return cover_; }
  [[nodiscard]] auto size() const -> std::uint64_t { return count_; }
  [[nodiscard]] auto fact_count() const -> std::uint64_t { return fact_count_; }

  /// False: no number under this tag is in the file. One cache line.
  [[nodiscard]] auto may_hold(std::uint64_t tag) const -> bool;
  /// Brings the filter's line for `tag` into the cache.
  void prefetch(std::uint64_t tag) const;
  /// Visits every number under this tag until the visitor returns false.
  void find(std::uint64_t tag, const std::function<bool(const voucher_claim&)>& visit) const;

  /// The i-th entry in order of tags. Precondition: i < size().
  [[nodiscard]] auto tag(std::uint64_t i) const -> std::uint64_t { return tags_[i]; }
  [[nodiscard]] auto ordinal(std::uint64_t i) const -> std::uint32_t { return ordinals_[i]; }
  /// Where the number with this ordinal stands in the log. Precondition: ordinal < size().
  [[nodiscard]] auto claim_of(std::uint32_t ordinal) const -> voucher_claim;

 private:
  friend class voucher_file_writer;
  /// The facts in order of their numbers' ordinals.
  struct fact_place {
    std::uint64_t first_ordinal{0};
    std::uint64_t at{0};
  };
  [[nodiscard]] static auto adopt(mapped_file file) -> voucher_file;
  [[nodiscard]] auto lower_bound(std::uint64_t tag) const -> std::uint64_t;

  mapped_file file_;
  voucher_cover cover_;
  std::uint64_t count_{0};
  std::uint64_t fact_count_{0};
  std::uint64_t filter_blocks_{0};
  const std::uint32_t* filter_{nullptr};
  const std::uint64_t* tags_{nullptr};
  const fact_place* facts_{nullptr};
  const std::uint32_t* ordinals_{nullptr};
};

/// Writes a file: everything of an older one, and new numbers behind it.
/// Promise: the file appears under its name complete or not at all. Anonymous memory: none that
/// grows with the numbers. Threads: one.
class voucher_file_writer {
 public:
  /// @param added  how many numbers add() will bring: asserted by finish()
  /// @param facts  how many facts begin_fact() will announce, at most
  /// @fault file_io_failed  no room for the scratch file
  [[nodiscard]] static auto create(const std::string& path, const voucher_file* older,
                                   std::uint64_t added, std::uint64_t facts)
      -> result<voucher_file_writer>;
  /// The numbers that follow stand in the fact at this position, from its first row on.
  void begin_fact(position at);
  /// False: more numbers or facts than announced.
  [[nodiscard]] auto add(std::uint64_t tag) -> bool;
  /// Sorts, merges and names the file. `go_on` is asked every few milliseconds.
  /// @fault shutting_down   `go_on` said no; nothing is left behind
  /// @fault log_corrupt     fewer numbers than announced
  /// @fault file_io_failed  no room; the older file stands
  [[nodiscard]] auto finish(const voucher_cover& cover, const std::function<bool()>& go_on)
      -> result<voucher_file>;

 private:
  struct entry {
    std::uint64_t tag{0};
    std::uint64_t ordinal{0};
  };
  [[nodiscard]] auto entries() const -> entry* { return reinterpret_cast<entry*>(scratch_.data()); }
  [[nodiscard]] auto new_facts() const -> voucher_file::fact_place* {
    return reinterpret_cast<voucher_file::fact_place*>(fact_scratch_.data());
  }
  [[nodiscard]] auto sort_runs(const std::function<bool()>& go_on) -> bool;
  [[nodiscard]] auto merge(voucher_file& out, const std::function<bool()>& go_on) -> bool;

  std::string path_;
  const voucher_file* older_{nullptr};
  mapped_file scratch_;
  mapped_file fact_scratch_;
  std::uint64_t announced_{0};
  std::uint64_t announced_facts_{0};
  std::uint64_t added_{0};
  std::uint64_t added_facts_{0};
};

}  // namespace bestow::store
