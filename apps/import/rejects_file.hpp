// The rejected rows of one batch as a CSV file a person can open, mend and send again.
//
// Columns: line, field, code, detail, then the original columns. Promise: the file appears under
// its name complete and durable, or not at all. A cell that a spreadsheet would take for a formula
// (it begins with = + - @ TAB or CR) gets an apostrophe before it. Threads: one writer belongs to
// one thread; two writers of one batch do not disturb each other.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "events/result.hpp"
#include "events/types.hpp"

namespace bestow::importing {

/// One rejected row as answers and the file show it.
struct rejected_row {
  std::uint64_t line{0};  ///< Physical line where the record begins; a CSV header is line 1.
  std::string field;      ///< Name of the column; "record" for the row as a whole.
  std::string code;       ///< Name of the row rejection.
  std::string detail;     ///< Valid UTF-8.
  auto operator==(const rejected_row&) const -> bool = default;
};

/// `detail` as text for JSON and people: bytes that are not UTF-8 become question marks.
[[nodiscard]] auto as_text(std::string detail) -> std::string;

/// <directory>/rejects/<promotion>/<batch>.csv; a batch id that is no plain file name is replaced
/// by its SHA-256.
[[nodiscard]] auto rejects_path(const std::string& directory, promotion_id promotion,
                                std::string_view batch) -> std::string;

/// Appends one CSV cell, quoted where RFC 4180 asks for it and harmless to spreadsheets.
void append_cell(std::string& out, std::string_view cell);

class rejects_file {
  struct key {};  // Only create() makes one.

 public:
  rejects_file(key, int fd, std::string path, std::string beside);
  /// Begins a file beside `path`, its folders made, with the header line written.
  /// @fault file_io_failed.
  [[nodiscard]] static auto create(std::string path, std::span<const std::string> original_columns)
      -> result<std::unique_ptr<rejects_file>>;
  rejects_file(const rejects_file&) = delete;
  auto operator=(const rejects_file&) -> rejects_file& = delete;
  /// A file that was not committed is removed.
  ~rejects_file();
  /// @fault file_io_failed  e.g. the disk is full; the file cannot be used any more.
  [[nodiscard]] auto add(const rejected_row& row, std::span<const std::string_view> originals)
      -> result<void>;
  /// Makes the file durable and puts it in place. Blocks for two fsyncs. @fault file_io_failed.
  [[nodiscard]] auto commit() -> result<void>;

 private:
  [[nodiscard]] auto flush() -> result<void>;

  int fd_;
  std::string path_;
  std::string beside_;
  std::string pending_;
};

/// Rows `skip`+1 .. `skip`+`count` of a committed rejects file, original columns left out. An empty
/// answer: no file, or no such rows. Cost: reads the file up to there.
/// @fault file_io_failed  unreadable.
[[nodiscard]] auto read_rejects(const std::string& path, std::uint64_t skip, std::size_t count)
    -> result<std::vector<rejected_row>>;

}  // namespace bestow::importing
