// Orders a list's rows, and counts its split customers, in files beside the list.
//
// Promise: anonymous memory does not grow with the rows; the scratch files have no name once they
// are mapped, so a killed process leaves nothing behind. An empty path means anonymous memory.
#pragma once

#include <cstdint>
#include <string>

#include "store/mapped_file.hpp"
#include "store/target_list_source.hpp"

namespace bestow::store {

/// A list's rows in ascending order of id. Cost: one pass over the source, a sort of 16 bytes a
/// row, and for each visit one random read a row.
class sorted_rows {
 public:
  /// @param count, text_bytes  of the rows that `source` will show.
  /// @fault file_io_failed  no room for the scratch files.
  /// @fault log_corrupt     two rows have one id, or the source shows other rows than announced.
  [[nodiscard]] static auto of(const list_row_source& source, std::uint64_t count,
                               std::uint64_t text_bytes, const std::string& scratch_path)
      -> result<sorted_rows>;
  void visit(const list_row_visitor& visitor) const;

 private:
  mapped_file rows_;
  mapped_file texts_;
  mapped_file order_;
  std::uint64_t count_{0};
};

/// Customers with targets in more than one partition, exactly. Cost: one pass over the source and
/// a sort of 16 bytes a row. Faults as sorted_rows::of.
[[nodiscard]] auto count_split_customers(const list_row_source& source, std::uint64_t count,
                                         const std::string& scratch_path) -> result<std::uint64_t>;

}  // namespace bestow::store
