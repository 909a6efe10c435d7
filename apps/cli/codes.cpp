#include "apps/cli/codes.hpp"

#include "apps/http/problem.hpp"
#include "domain/rejection.hpp"
#include "domain/result_row.hpp"
#include "events/fault_table.hpp"

namespace bestow::cli {

auto all_codes() -> const std::vector<code_row>& {
  static const std::vector<code_row> rows = [] {
    std::vector<code_row> all;
    for (const auto& r : domain::rejection_table())
      all.push_back({r.name, "rejection", r.meaning, r.remedy, r.http_status, ""});
    for (const auto& r : domain::row_rejection_table())
      all.push_back({r.name, "row rejection", r.meaning, r.remedy, 0, ""});
    for (const auto& r : domain::result_rejection_table())
      all.push_back({r.name, "result row rejection", r.meaning, r.remedy, 0, ""});
    for (const auto& r : fault_table())
      all.push_back(
          {r.name, "fault", r.meaning, r.remedy, http::http_status_of(r.code), name_of(r.action)});
    for (const auto& r : http::request_error_table())
      all.push_back({r.name, "request error", r.meaning, r.remedy, r.http_status, ""});
    return all;
  }();
  return rows;
}

auto find_code(std::string_view name) -> const code_row* {
  for (const auto& row : all_codes())
    if (row.name == name) return &row;
  return nullptr;
}

}  // namespace bestow::cli
