// The fields of one NDJSON line: a flat object with the names of the contract.
//
// Numbers are handed on as their source text, so ids above 2^53 stay exact. Threads: one reader
// belongs to one thread (simdjson keeps one parser's buffers).
#pragma once

#include <memory>
#include <optional>
#include <string_view>

#include "domain/target_row.hpp"
#include "events/types.hpp"

namespace bestow::importing {

class ndjson_reader {
 public:
  explicit ndjson_reader(promotion_type type);
  ndjson_reader(const ndjson_reader&) = delete;
  auto operator=(const ndjson_reader&) -> ndjson_reader& = delete;
  ~ndjson_reader();
  /// Fills row() from `line`. Its texts live until the next call.
  /// @returns why the line is no row: row_malformed (not one object; unknown or repeated name,
  ///          nested value, true or false elsewhere than in is_withdrawal; the detail says which),
  ///          text_not_utf8. nullopt: good.
  [[nodiscard]] auto read(std::string_view line) -> std::optional<domain::row_refusal>;
  [[nodiscard]] auto row() const -> const domain::raw_row& { return row_; }

 private:
  struct parser;
  std::unique_ptr<parser> parser_;
  domain::raw_row row_;
};

}  // namespace bestow::importing
