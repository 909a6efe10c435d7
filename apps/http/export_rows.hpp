// The rows of a view as CSV or NDJSON, a piece at a time.
//
// Promise: constant memory, whatever the view holds; every row once, in ascending order of its ids.
// Threads: one export belongs to one thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "apps/http/schema.hpp"
#include "events/result.hpp"
#include "projections/past_views.hpp"
#include "store/event_log.hpp"
#include "store/target_list.hpp"

namespace bestow::http {

enum class export_format : std::uint8_t { csv, ndjson };

/// The columns of a view's export in their order; empty: no such view. The command line makes its
/// tables of them.
[[nodiscard]] auto export_fields(std::string_view view) -> std::vector<schema_field>;

/// Writes cells in the order of the fields. CSV cells that a spreadsheet would run are defused;
/// nulls are empty. NDJSON follows the API: ids and money are strings, counts numbers.
class export_writer {
 public:
  export_writer(export_format format, const std::vector<schema_field>& fields);
  void begin_row();
  void end_row();
  void null();
  void text(std::string_view value);
  void text_or_null(std::string_view value);
  /// An id or money, as its digits.
  void digits(std::string_view value);
  void id(std::uint64_t value);
  void money(money_minor value);
  void count(std::uint64_t value);
  void flag(bool value);
  /// RFC 3339; null when 0.
  void time(timestamp value);

  [[nodiscard]] auto take() -> std::string { return std::exchange(out_, {}); }
  [[nodiscard]] auto rows() const -> std::uint64_t { return rows_; }

 private:
  void next();
  void bare(std::string_view value);

  export_format format_;
  std::vector<std::string> names_;  ///< Of NDJSON with what comes before the value.
  std::string out_;
  std::size_t cell_{0};
  std::uint64_t rows_{0};
};

/// What is exported. All outlive the export but `of`, which it keeps.
struct export_source {
  std::string view;
  std::shared_ptr<const projections::past> of;
  std::optional<promotion_id> promotion;  ///< Only of this one.
  const store::event_log* log{nullptr};
  store::target_lists* lists{nullptr};
};

class view_export {
 public:
  view_export() = default;
  view_export(const view_export&) = delete;
  auto operator=(const view_export&) -> view_export& = delete;
  virtual ~view_export() = default;
  /// Writes some more rows: at most some thousands. False: there are no more.
  [[nodiscard]] virtual auto step(export_writer& out) -> result<bool> = 0;
};
/// nullptr: no such view.
[[nodiscard]] auto open_export(export_source source) -> std::unique_ptr<view_export>;

}  // namespace bestow::http
