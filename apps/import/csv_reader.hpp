// The fields of one CSV record (RFC 4180, comma, double quote; spaces belong to the field).
//
// Records with quotes go through libcsv in strict mode; those without need no unquoting and are
// split where they stand. Threads: one reader belongs to one thread.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace bestow::importing {

class csv_reader {
 public:
  csv_reader();
  csv_reader(const csv_reader&) = delete;
  auto operator=(const csv_reader&) -> csv_reader& = delete;
  ~csv_reader();
  /// The fields of `record`, which has no line end. They live until the next call, and no longer
  /// than `record`. nullopt: a quote stands where none may, or one is missing.
  [[nodiscard]] auto split(std::string_view record)
      -> std::optional<std::span<const std::string_view>>;

 private:
  struct quoted_parser;
  std::unique_ptr<quoted_parser> quoted_;
  std::vector<std::string_view> fields_;
};

}  // namespace bestow::importing
