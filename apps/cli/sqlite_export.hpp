// An exported view as an SQLite file: one table with typed columns, and one row of what it is.
// Private to apps/cli; one thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "apps/http/schema.hpp"

namespace bestow::cli {

/// Names and values of table bestow_export. Whole numbers are stored as such.
using export_facts = std::vector<std::pair<std::string, std::string>>;

/// Takes NDJSON as the server sends it, cut anywhere. Constant memory.
class sqlite_export {
 public:
  /// Into the empty file at `path`. `fields` are the columns: ids, money and counts become INTEGER,
  /// flags 0 and 1, times and texts TEXT. customer_uid has no declared type: what is above 2^63-1
  /// stays exact as text.
  sqlite_export(const std::string& path, const std::string& table,
                const std::vector<http::schema_field>& fields);
  sqlite_export(const sqlite_export&) = delete;
  auto operator=(const sqlite_export&) -> sqlite_export& = delete;
  ~sqlite_export();

  /// "" or why it failed; then it takes no more.
  [[nodiscard]] auto take(std::string_view piece) -> std::string;
  /// Writes the facts with the count of rows and closes the file. "" or why it failed.
  [[nodiscard]] auto finish(export_facts facts) -> std::string;
  [[nodiscard]] auto rows() const -> std::uint64_t;

 private:
  struct parts;
  std::unique_ptr<parts> parts_;
};

}  // namespace bestow::cli
