// bestow-docgen: writes the pages of docs/reference that follow from the code, or checks that the
// pages in the repository are those the code would write.
//
// The tables the program itself answers from (`bestow explain`, problem documents, validation) are
// the source, so a page cannot say something else than the program does.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <string_view>

#include "apps/http/problem.hpp"
#include "apps/http/route.hpp"
#include "apps/nats/asyncapi.hpp"
#include "config/settings.hpp"
#include "domain/rejection.hpp"
#include "domain/result_row.hpp"
#include "events/codec.hpp"
#include "events/fault_table.hpp"
#include "events/limits.hpp"
#include "tools/docgen/event_schema.hpp"

namespace bestow::docgen {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view generated =
    "<!-- Written by bestow-docgen from the code. Change the code, then run tools/docs. -->\n";

/// Text inside a table cell.
auto cell(std::string_view text) -> std::string {
  std::string out;
  for (const char c : text) {
    if (c == '|') out += '\\';
    out += c == '\n' ? ' ' : c;
  }
  return out;
}

auto rejections_page() -> std::string {
  std::string page{generated};
  page +=
      "# Rejections\n\n"
      "A rejection is an answer: Bestow understood the request and says no. Nothing was changed. "
      "The\n"
      "CLI exits with code 3 and prints the name; HTTP answers a problem document with `code`.\n"
      "When several apply, the first of this list is the answer. `bestow explain NAME` prints the\n"
      "same text.\n\n"
      "| code | HTTP | meaning | what to do |\n| --- | --- | --- | --- |\n";
  for (const auto& row : domain::rejection_table()) {
    page += fmt::format("| `{}` | {} | {} | {} |\n", row.name, row.http_status, cell(row.meaning),
                        cell(row.remedy));
  }
  page +=
      "\n# Refused rows\n\n"
      "Why a single row of an import was refused. The good rows beside it are kept. Rows are "
      "judged\n"
      "field by field; the first refusal is the answer.\n\n"
      "| code | meaning | what to do |\n| --- | --- | --- |\n";
  for (const auto& row : domain::row_rejection_table()) {
    page += fmt::format("| `{}` | {} | {} |\n", row.name, cell(row.meaning), cell(row.remedy));
  }
  page +=
      "\n# Refused result rows\n\n"
      "Why a single row of a results file was refused. The good rows beside it are recorded.\n\n"
      "| code | meaning | what to do |\n| --- | --- | --- |\n";
  for (const auto& row : domain::result_rejection_table()) {
    page += fmt::format("| `{}` | {} | {} |\n", row.name, cell(row.meaning), cell(row.remedy));
  }
  return page;
}

auto faults_page() -> std::string {
  std::string page{generated};
  page +=
      "# Faults\n\n"
      "A fault is a failure of the machine: the request may be fine. The CLI exits with code 1, or "
      "5\n"
      "when the service or its broker cannot be reached or did not answer in time. The action "
      "says\n"
      "what the caller does next. `bestow explain NAME` prints the same text.\n\n"
      "| code | action | meaning | what to do |\n| --- | --- | --- | --- |\n";
  for (const auto& row : fault_table()) {
    page += fmt::format("| `{}` | `{}` | {} | {} |\n", row.name, name_of(row.action),
                        cell(row.meaning), cell(row.remedy));
  }
  return page;
}

auto name_of(http::access a) -> std::string_view {
  switch (a) {
    case http::access::open: return "anyone";
    case http::access::viewer: return "viewer";
    case http::access::operate: return "operator";
    case http::access::approver: return "approver";
    case http::access::admin: return "admin";
  }
  return "";
}

auto code_or_nothing(std::string_view text) -> std::string {
  return text.empty() ? "" : fmt::format("`{}`", text);
}

auto http_page() -> std::string {
  std::string page{generated};
  page +=
      "# HTTP\n\n"
      "JSON over HTTP; the command line uses nothing else. `GET /openapi.json` describes bodies and\n"
      "answers in full. Ids and money (minor units) are strings, counts are numbers; input takes\n"
      "both. Lists are paged: pass `next` as `after`. A read waits up to 2 s until it has seen\n"
      "everything that was acknowledged before it; `?stale=1` skips that. The role column says what\n"
      "the bearer of a token needs where tokens are configured.\n\n"
      "| method | path | query | role | what |\n| --- | --- | --- | --- | --- |\n";
  for (const auto& r : http::route_table()) {
    page += fmt::format("| {} | `{}` | {} | {} | {} |\n", r.method, r.pattern,
                        code_or_nothing(r.query), name_of(r.needs), cell(r.summary));
  }
  page +=
      "\n# Errors\n\n"
      "Every error is a problem document (RFC 9457) with `code`, `detail` and, where they apply,\n"
      "`field` and `line`. The code is a [rejection](rejections.md), a [fault](faults.md) or one of\n"
      "these, which say that the request itself cannot be used:\n\n"
      "| code | HTTP | meaning | what to do |\n| --- | --- | --- | --- |\n";
  for (const auto& row : http::request_error_table()) {
    page += fmt::format("| `{}` | {} | {} | {} |\n", row.name, row.http_status, cell(row.meaning),
                        cell(row.remedy));
  }
  return page;
}

auto limits_page() -> std::string {
  std::string page{generated};
  page +=
      "# Limits\n\n"
      "Every queue, batch, payload, retry and wait has a bound. They stand in one header,\n"
      "`events/limits.hpp`, with static assertions between them.\n\n"
      "| limit | value | unit | why |\n| --- | --- | --- | --- |\n";
  for (const auto& row : limits::limits_table()) {
    page +=
        fmt::format("| `{}` | {} | {} | {} |\n", row.name, row.value, row.unit, cell(row.reason));
  }
  return page;
}

auto event_section(event_type type, const event_schema& schema) -> std::string {
  auto text = fmt::format("## {}\n\nNumber {}, stream of the {}.\n\n{}\n\n", schema.name,
                          static_cast<unsigned>(type), name_of(aggregate_of(type)), schema.meaning);
  text += "| field | type | meaning |\n| --- | --- | --- |\n";
  for (const auto& field : schema.fields) {
    text +=
        fmt::format("| `{}` | `{}` | {} |\n", field.name, cell(field.type), cell(field.meaning));
  }
  return text + "\n";
}

auto read_file(const fs::path& path) -> std::string {
  std::ifstream in{path, std::ios::binary};
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

/// "" when the headers do not describe every event the codec knows.
auto events_page(const fs::path& source) -> std::string {
  std::map<std::string, event_schema, std::less<>> schemas;
  for (const auto* header : {"promotion.hpp", "partition.hpp", "delivery.hpp"}) {
    for (auto& schema : read_schemas(read_file(source / "events" / header))) {
      auto name = schema.name;
      schemas.emplace(std::move(name), std::move(schema));
    }
  }
  std::string page{generated};
  page +=
      "# Events\n\n"
      "What can have happened. Each event is one entry of the log, in the stream of its "
      "aggregate.\n"
      "A payload is a msgpack array of these fields in this order. Fields are only appended; a "
      "new\n"
      "meaning is a new event. Columns describe many targets in one event: the i-th value of each\n"
      "column belongs to the i-th target.\n\n";
  for (const auto type : all_event_types()) {
    const auto it = schemas.find(name_of(type));
    if (it == schemas.end() || it->second.fields.empty() || it->second.meaning.empty()) {
      fmt::print(stderr, "bestow-docgen: {} has no comment or no fields in events/\n",
                 name_of(type));
      return "";
    }
    page += event_section(type, it->second);
  }
  page.pop_back();
  return page;
}

auto pages(const fs::path& source) -> std::map<std::string, std::string> {
  return {{"rejections.md", rejections_page()},
          {"faults.md", faults_page()},
          {"http.md", http_page()},
          {"limits.md", limits_page()},
          {"events.md", events_page(source)},
          {"commands.md", std::string{generated} + commands::commands_page({})},
          {"asyncapi.json", commands::asyncapi({}, BESTOW_VERSION)},
          {"config.md", std::string{generated} + config::key_table_markdown()}};
}

auto write_page(const fs::path& path, const std::string& text) -> bool {
  std::ofstream out{path, std::ios::binary};
  out << text;
  return static_cast<bool>(out.flush());
}

/// False, with the first difference on stderr, when the page is not what the code says.
auto check_page(const fs::path& path, const std::string& text) -> bool {
  const auto stored = read_file(path);
  if (stored == text) return true;
  const auto at = std::ranges::mismatch(stored, text).in1 - stored.begin();
  fmt::print(stderr, "{}:{}: differs from the code; run tools/docs\n", path.string(),
             std::count(stored.begin(), stored.begin() + at, '\n') + 1);
  return false;
}

auto run(bool check, const fs::path& source) -> int {
  bool good = true;
  for (const auto& [name, text] : pages(source)) {
    const auto path = source / "docs" / "reference" / name;
    if (text.empty()) {
      good = false;
    } else if (check) {
      good = check_page(path, text) && good;
    } else if (!write_page(path, text)) {
      fmt::print(stderr, "bestow-docgen: cannot write {}\n", path.string());
      good = false;
    }
  }
  return good ? 0 : 1;
}

}  // namespace
}  // namespace bestow::docgen

auto main(int count, char** arguments) -> int {
  const std::string_view verb = count == 3 ? arguments[1] : "";
  if (verb != "write" && verb != "check") {
    fmt::print(stderr, "usage: bestow-docgen write|check REPOSITORY\n");
    return 2;
  }
  return bestow::docgen::run(verb == "check", arguments[2]);
}
