// One input from its first byte to its last: bytes in, judged chunks out. No engine, no files.
//
// Promise: however the bytes are cut into pieces, the chunks are the same. Memory: one piece, one
// record and one chunk. A bad row is reported beside the good ones and never stops them.
// Threads: one session belongs to one thread.
//
//   push() ... until check_begin() answers; start(); then push() and next() in turn; end(); next()
//   until it gives nothing.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "actors/engine.hpp"
#include "apps/import/csv_reader.hpp"
#include "apps/import/input_header.hpp"
#include "apps/import/input_records.hpp"
#include "apps/import/ndjson_reader.hpp"
#include "apps/import/text_converter.hpp"
#include "domain/rejection.hpp"
#include "domain/target_row.hpp"
#include "events/limits.hpp"
#include "events/types.hpp"

namespace bestow::importing {

/// Bytes looked at before the first row is judged: tells the encoding.
inline constexpr std::size_t first_bytes = limits::import_row_bytes_max;
/// Original text kept of one chunk's rows; a chunk is closed early above it.
inline constexpr std::size_t chunk_original_bytes_max = limits::group_bytes_max;

/// A row that was refused, before it has its original columns beside it.
struct bad_row {
  std::uint64_t row{0};
  domain::row_field field{};
  domain::row_rejection code{};
  std::string detail;
};

/// Rows of one chunk with where they came from.
struct judged_chunk {
  actors::import_chunk chunk;     ///< Rows good so far; empty columns when `durable`.
  std::vector<bad_row> bad_rows;  ///< Ascending; also in chunk.facts.rejected_*.
  bool durable{false};            ///< Part of the prefix that the log has already.
  std::uint64_t first_row{1};     ///< As in chunk.facts, which may have been moved away.
  std::uint64_t byte_end{0};

  [[nodiscard]] auto last_row() const -> std::uint64_t { return first_row + lines.size() - 1; }
  /// Line and text of a row of this chunk, good or bad.
  [[nodiscard]] auto line_of(std::uint64_t row) const -> std::uint64_t {
    return lines[row - first_row];
  }
  [[nodiscard]] auto original_of(std::uint64_t row) const -> std::string_view;

  std::vector<std::uint64_t> lines;
  /// Records end to end, without their line ends; in UTF-8 where they could be converted.
  std::string originals;
  std::vector<std::uint32_t> original_ends;  ///< Exclusive end of each.
};

/// Where the log's copy of this batch ends. All zero: it has nothing yet.
struct durable_prefix {
  std::uint64_t rows{0};
  std::uint64_t bytes{0};
  sha256_digest sha256{};
};

struct session_options {
  std::string batch;
  promotion_type type{promotion_type::point};
  import_format format{import_format::csv};
  /// Of each record's text; null = the input is UTF-8. Offsets and hashes are of the input's bytes.
  std::unique_ptr<text_converter> converter{};
};

class import_session {
 public:
  explicit import_session(session_options options);
  void push(std::string_view bytes) { records_.push(bytes); }
  /// The input is complete.
  void end() { records_.end(); }

  /// Encoding and CSV header. nullopt: more bytes are needed.
  /// @refuses input_encoding_*, input_header_*.
  [[nodiscard]] auto check_begin() -> std::optional<tl::expected<void, domain::refusal>>;
  /// Precondition: check_begin() said yes. `rules.now` is the batch's opened_at.
  void start(const domain::row_rules& rules, const durable_prefix& durable);
  /// The next full chunk, or after end() the last one. nullopt: more bytes are needed, or none
  /// will come. @refuses batch_content_differs: the input is not the one of the durable prefix.
  [[nodiscard]] auto next() -> std::optional<tl::expected<judged_chunk, domain::refusal>>;

  /// Names of the original columns as a rejects file shows them; for NDJSON one, `record`.
  [[nodiscard]] auto original_columns() const -> std::vector<std::string>;
  /// An original split into those columns; whole in the first when it cannot be split. The views
  /// live until the next call of any member.
  [[nodiscard]] auto original_cells(std::string_view original) -> std::vector<std::string_view>;
  /// The text of one field of a good original; "" when absent.
  [[nodiscard]] auto original_field(std::string_view original, domain::row_field field)
      -> std::string;

  [[nodiscard]] auto rows() const -> std::uint64_t { return rows_; }
  /// Of the whole input. Call after the last chunk.
  [[nodiscard]] auto bytes() const -> std::uint64_t { return records_.bytes(); }
  [[nodiscard]] auto sha256() -> sha256_digest { return records_.digest(); }

 private:
  [[nodiscard]] auto check_encoding(std::string_view start, bool whole) const
      -> tl::expected<void, domain::refusal>;
  [[nodiscard]] auto check_header() -> std::optional<tl::expected<void, domain::refusal>>;
  [[nodiscard]] auto is_blank(std::string_view text) const -> bool;
  void judge(input_record record);
  [[nodiscard]] auto is_row_of_many_lines(const input_record& record) -> bool;
  /// The record's text in UTF-8; nullopt when it cannot be converted.
  [[nodiscard]] auto text_of(std::string_view record) -> std::optional<std::string_view>;
  [[nodiscard]] auto verdict_on(const input_record& record) -> std::optional<domain::row_refusal>;
  [[nodiscard]] auto read_row(const input_record& record) -> std::optional<domain::row_refusal>;
  [[nodiscard]] auto check_id_mode(const domain::target_row& row)
      -> std::optional<domain::row_refusal>;
  void accept(const domain::target_row& row);
  void refuse(domain::row_refusal refusal);
  [[nodiscard]] auto chunk_is_full() const -> bool;
  [[nodiscard]] auto close_chunk() -> tl::expected<judged_chunk, domain::refusal>;
  [[nodiscard]] auto content_differs() const -> domain::refusal;

  session_options options_;
  input_records records_;
  csv_reader csv_;
  ndjson_reader ndjson_;
  input_header header_;
  bool encoding_good_{false};
  domain::row_rules rules_;
  durable_prefix durable_;
  domain::raw_row raw_;
  std::uint64_t rows_{0};
  std::uint64_t last_byte_end_{0};
  std::optional<bool> ids_given_;  ///< Decided by the first good row.

  // The chunk under way.
  judged_chunk current_;
  std::vector<std::uint64_t> ids_, customers_, partitions_, amounts_, expiries_, withdrawals_;
  std::size_t text_bytes_{0};
};

}  // namespace bestow::importing
