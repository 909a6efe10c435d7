// Bytes in, records out: where each record of an input begins and ends, on which line, and the
// SHA-256 of the input up to there.
//
// Promise: however the bytes are cut into pieces, the records are the same. Memory: one piece and
// one record (record_bytes_max). Threads: one object belongs to one thread.
//
// A CSV record ends at the first LF outside quotes; a quote opens only at the beginning of a field.
// What is no record ends with its first line, and the lines behind it are read anew: a quote that
// nothing closes in time, or that something else than a comma follows, costs its own line only. An
// NDJSON record is a line. A CR before the LF belongs to the line end; an unterminated last line is
// a record too.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "apps/import/running_sha256.hpp"
#include "events/limits.hpp"
#include "events/types.hpp"

namespace bestow::importing {

struct input_record {
  std::string_view text;      ///< Without its line end; of a too long record its beginning.
  std::uint64_t line{0};      ///< Physical line where it begins, from 1.
  std::uint64_t byte_end{0};  ///< Bytes of the input up to and including its line end.
  std::uint64_t lines{1};     ///< It covers.
  bool too_long{false};       ///< Its first line has more than record_bytes_max bytes.
  bool cut{false};            ///< The first line of what is no record.
};

class input_records {
 public:
  explicit input_records(import_format format,
                         std::size_t record_bytes_max = limits::import_row_bytes_max,
                         std::size_t record_lines_max = limits::import_row_lines_max)
      : format_{format},
        record_bytes_max_{record_bytes_max},
        record_lines_max_{record_lines_max} {}
  void push(std::string_view bytes);
  /// No more bytes will come.
  void end() { ended_ = true; }
  [[nodiscard]] auto ended() const -> bool { return ended_; }
  /// The next record; its text lives until the next push() or next(). nullopt: more bytes are
  /// needed, or after end() there are none.
  [[nodiscard]] auto next() -> std::optional<input_record>;
  /// Gives the last record, which has more than one line, again as its first line alone; the lines
  /// behind it come next. For whoever sees that it is no record after all. Call before any push().
  [[nodiscard]] auto first_line_again() -> input_record;
  /// Bytes that came and no record has taken yet.
  [[nodiscard]] auto waiting() const -> std::string_view {
    return {buffer_.data() + begin_, buffer_.size() - begin_};
  }
  /// Leaves out the next `bytes` bytes (a byte order mark); they count in offsets and hashes.
  void skip(std::size_t bytes);
  /// SHA-256 of the input up to the end of the last record taken.
  [[nodiscard]] auto digest_so_far() -> sha256_digest;
  /// Bytes and SHA-256 of everything pushed. Call after the last record was taken.
  [[nodiscard]] auto bytes() const -> std::uint64_t { return base_ + buffer_.size(); }
  [[nodiscard]] auto digest() -> sha256_digest;

 private:
  /// CSV only: where in a field the scan stands.
  enum class scan_state : std::uint8_t {
    field_start,
    plain,
    quoted,
    after_quote,     ///< Behind a quote inside a quoted field: its end, or the first of a pair.
    after_quote_cr,  ///< Behind the CR that follows such an end: a line end, or spoilt.
    spoiled,         ///< A quote stood where none may: the record ends with its first line.
  };

  [[nodiscard]] auto find_line_end() -> std::optional<std::size_t>;
  [[nodiscard]] auto find_csv_end() -> std::optional<std::size_t>;
  [[nodiscard]] auto scan_fields() -> std::optional<std::size_t>;
  void scan_quoted();
  void scan_after_quote();
  [[nodiscard]] auto scan_plain() -> std::optional<std::size_t>;
  /// Whether what was scanned is no record, or more than one may be.
  [[nodiscard]] auto is_broken() const -> bool;
  [[nodiscard]] auto take(std::size_t text_end, std::size_t record_end) -> input_record;
  void restart_at(std::size_t begin);
  void drop_overlong();
  void hash_to(std::size_t end);
  void compact();

  import_format format_;
  std::size_t record_bytes_max_;
  std::size_t record_lines_max_;
  std::string buffer_;  ///< Input from offset base_ on.
  std::uint64_t base_{0};
  std::size_t begin_{0};    ///< Of the next record, in buffer_.
  std::size_t scanned_{0};  ///< No record end in [begin_, scanned_).
  std::size_t hashed_{0};   ///< Bytes of buffer_ that the hash has seen.
  scan_state state_{scan_state::field_start};
  std::size_t next_quote_{0};  ///< No quote in [scanned_, next_quote_) when that is not empty.
  std::optional<std::size_t> first_line_end_;  ///< First line end inside the record's quotes.
  std::uint64_t inner_lines_{0};               ///< Line ends inside its quotes so far.
  std::uint64_t line_{1};
  bool overlong_{false};  ///< The record at begin_ lost its beginning to drop_overlong().
  std::string sample_;    ///< Beginning of an overlong record.
  struct taken_record {
    std::size_t begin{0};
    std::uint64_t line{1};
    std::optional<std::size_t> first_line_end;
  };
  taken_record last_;  ///< For first_line_again().
  bool ended_{false};
  running_sha256 hash_;
};

}  // namespace bestow::importing
