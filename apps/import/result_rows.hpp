// A results file, row by row: bytes in, judged rows out. CSV (RFC 4180 with a header row) or NDJSON.
//
// Promise: however the bytes are cut into pieces, the rows are the same. Memory: one piece and one
// record. A bad row is told beside the good ones and never stops them.
// Threads: one reader belongs to one thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <tl/expected.hpp>

#include "apps/import/csv_reader.hpp"
#include "apps/import/input_records.hpp"
#include "domain/rejection.hpp"
#include "domain/result_row.hpp"
#include "events/types.hpp"

namespace bestow::importing {

/// One row of the file; its texts live until the next call of any member.
struct read_result {
  std::uint64_t line{0};  ///< Physical line where the record begins; a CSV header is line 1.
  std::variant<domain::result_line, domain::result_refusal> row;
};

class result_rows {
 public:
  result_rows(promotion_type type, import_format format)
      : type_{type}, format_{format}, records_{format} {}
  void push(std::string_view bytes) { records_.push(bytes); }
  void end() { records_.end(); }
  /// The next row. nullopt: more bytes are needed, or after end() there are none.
  /// @refuses input_header_missing, input_header_unknown_field, input_header_duplicate_field,
  ///          input_header_lacks_required_field: nothing of the file was read.
  [[nodiscard]] auto next()
      -> std::optional<tl::expected<read_result, domain::refusal>>;

 private:
  [[nodiscard]] auto take_header(std::string_view record) -> std::optional<domain::refusal>;
  [[nodiscard]] auto judge(const input_record& record)
      -> std::variant<domain::result_line, domain::result_refusal>;
  [[nodiscard]] auto read_csv(std::string_view record) -> bool;
  /// "" or what is wrong with the line.
  [[nodiscard]] auto read_json(std::string_view line) -> std::string;

  promotion_type type_;
  import_format format_;
  input_records records_;
  csv_reader csv_;
  std::optional<std::vector<domain::result_field>> header_;
  bool began_{false};
  domain::raw_result raw_;
  std::vector<std::string> texts_;  ///< Of a JSON line.
};

}  // namespace bestow::importing
