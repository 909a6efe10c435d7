#include "apps/cli/codes.hpp"

#include <array>
#include <cctype>

#include "apps/http/problem.hpp"
#include "domain/rejection.hpp"
#include "domain/result_row.hpp"
#include "events/fault_table.hpp"

namespace bestow::cli {
namespace {

/// What a command says by itself, beside what the service answers.
constexpr auto own_codes = std::to_array<code_row>({
    {"unavailable", "command line", "The service does not answer at the URL. Exit code 5.",
     "Start it with `bestow serve`, or say where it is with --url or BESTOW_URL; "
     "`bestow doctor` looks further.",
     0, ""},
    {"timed_out", "command line",
     "The time given with --timeout passed first. Nothing was changed. Exit code 5.",
     "Give the same command again: it goes on watching.", 0, ""},
    {"condition_missed", "command line",
     "`bestow wait` found the promotion in a state from which it does not reach the wanted one by "
     "itself. Exit code 3, or 1 when it failed.",
     "`bestow promotion show ID` tells the state; resume a stopped one.", 0, ""},
    {"promotion_stopped", "command line",
     "A command that waited for the end found the promotion stopped. Exit code 3.",
     "`bestow promotion resume ID` goes on from the exact target.", 0, ""},
    {"promotion_failed", "command line",
     "A command that waited for the end found the promotion failed. Exit code 1.",
     "Look at the service's log, mend the cause, then `bestow promotion resume ID`.", 0, ""},
    {"promotion_cancelled", "command line",
     "A command that waited for the end found the promotion cancelled. Exit code 3.",
     "Create another promotion; a cancelled one never runs.", 0, ""},
    {"not_reconciled", "command line",
     "Sealed list, published stream and payer's ledger do not agree. Exit code 1.",
     "Each missing, extra or different target is named; look it up with `bestow target show`.", 0,
     ""},
    {"bench_void", "command line",
     "`bestow bench` found at the end of a repetition that the work was not done as it must be: a "
     "row, a message or a commit was lost, doubled or refused. Its speed is not shown. Exit code 1.",
     "Measure again; when it comes back, look at the disk and the kernel's messages, and report it.",
     0, ""},
    {"file_unreadable", "command line",
     "A file that was given is missing, a directory, or not readable by this user. Exit code 2.",
     "Check the path and its permissions.", 0, ""},
    {"file_unwritable", "command line",
     "The file to write is a directory, exists and was not to be replaced, or cannot be made there. "
     "Nothing was left behind. Exit code 2, or 1 when the disk refused it on the way.",
     "Name another file, or give --yes to replace it; look at the directory's permissions and room.",
     0, ""},
    {"backup_directory_taken", "command line",
     "The directory for a backup or for a restored log holds something already. Exit code 2.",
     "Name a directory that does not exist, or an empty one.", 0, ""},
    {"other_history", "command line",
     "`bestow log replay` found a view that was made from another log: after a restore, say.",
     "Start the service: it builds the view anew from this log.", 0, ""},
    {"no_live_view", "command line",
     "`bestow log replay` found no view to compare with, as in a backup.",
     "Nothing: the replayed view stands for itself.", 0, ""},
});

auto plain(std::string_view name) -> std::string {
  std::string out{name};
  for (auto& c : out)
    c = c == '-' || c == ' ' ? '_'
                             : static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

}  // namespace

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
    all.insert(all.end(), own_codes.begin(), own_codes.end());
    return all;
  }();
  return rows;
}

auto find_code(std::string_view name) -> const code_row* {
  const auto wanted = plain(name);
  for (const auto& row : all_codes())
    if (row.name == wanted) return &row;
  return nullptr;
}

}  // namespace bestow::cli
