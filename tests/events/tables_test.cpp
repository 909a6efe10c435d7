// Tables against the headers they describe: what stands in one and not in the other is found.
#include <fstream>
#include <iterator>
#include <regex>
#include <set>

#include "events/codec.hpp"
#include "events/fault_table.hpp"
#include "events/limits.hpp"
#include "tests/catch.hpp"

namespace {

using namespace bestow;

auto text_of(const std::string& path) -> std::string {
  std::ifstream file{std::string{BESTOW_SOURCE_DIR} + "/" + path, std::ios::binary};
  REQUIRE(file.good());
  return {std::istreambuf_iterator<char>{file}, {}};
}

/// First capture of every match inside `text`, in order.
auto matches(const std::string& text, const std::string& pattern) -> std::vector<std::string> {
  const std::regex expression{pattern};
  std::vector<std::string> found;
  for (std::sregex_iterator it{text.begin(), text.end(), expression}, end; it != end; ++it)
    found.push_back((*it)[1]);
  return found;
}

auto body_of_enum(const std::string& text, const std::string& name) -> std::string {
  const auto begin = text.find("enum class " + name);
  REQUIRE(begin != std::string::npos);
  const auto open = text.find('{', begin);
  return text.substr(open + 1, text.find("};", open) - open - 1);
}

template <class Rows>
auto names_of(const Rows& rows) -> std::vector<std::string> {
  std::vector<std::string> names;
  for (const auto& row : rows) names.emplace_back(row.name);
  return names;
}

}  // namespace

TEST_CASE("every fault has a row under its own name, in the enum's order", "[unit][events]") {
  const auto body = body_of_enum(text_of("events/result.hpp"), "fault_code");
  CHECK(names_of(fault_table()) == matches(body, R"((\w+),\s*///<)"));
  for (const auto& row : fault_table()) {
    INFO(row.name);
    CHECK(name_of(row.code) == row.name);
    CHECK(action_for(row.code) == row.action);
    CHECK(row.meaning.ends_with('.'));
    CHECK(row.remedy.ends_with('.'));
    CHECK(row.meaning.size() > 20);
    CHECK(row.remedy.size() > 20);
  }
}

TEST_CASE("a fault tells the caller what to do next", "[unit][events]") {
  CHECK(action_for(fault_code::version_conflict) == fault_action::decide_again);
  CHECK(action_for(fault_code::outcome_unknown) == fault_action::retry_later);
  CHECK(action_for(fault_code::overloaded) == fault_action::retry_later);
  CHECK(action_for(fault_code::broker_stream_full) == fault_action::call_operator);
  CHECK(action_for(fault_code::log_full) == fault_action::call_operator);
  CHECK(action_for(fault_code::log_corrupt) == fault_action::stop_process);
  CHECK(action_for(fault_code::log_rolled_back) == fault_action::stop_process);
  CHECK(action_for(fault_code::internal) == fault_action::stop_process);
  CHECK(name_of(fault_action::retry_later) == "retry_later");
  CHECK(name_of(fault_action::decide_again) == "decide_again");
  CHECK(name_of(fault_action::call_operator) == "call_operator");
  CHECK(name_of(fault_action::stop_process) == "stop_process");
}

TEST_CASE("a fault is one line for a human", "[unit][events]") {
  const result<int> failed = fail(fault_code::log_full, "mdb_put", "/data/log/000001.mdb");
  REQUIRE_FALSE(failed);
  CHECK(to_string(failed.error()) == "log_full in mdb_put: /data/log/000001.mdb");
  CHECK(to_string(fault{fault_code::shutting_down, fault_action::retry_later, {}, {}}) ==
        "shutting_down");
}

TEST_CASE("every limit of the header has its row, in the header's order", "[unit][events]") {
  const auto header = text_of("events/limits.hpp");
  CHECK(names_of(limits::limits_table()) == matches(header, R"(inline constexpr [\w:]+ (\w+) =)"));
  for (const auto& row : limits::limits_table()) {
    INFO(row.name);
    CHECK(row.value > 0);
    CHECK_FALSE(row.reason.empty());
  }
}

TEST_CASE("a duration among the limits is shown in milliseconds", "[unit][events]") {
  for (const auto& row : limits::limits_table()) {
    if (row.name == "append_timeout") CHECK(row.value == 10'000);
    if (row.name == "append_timeout") CHECK(row.unit == "ms");
    if (row.name == "id_max") CHECK(row.value == 9'223'372'036'854'775'807ULL);
  }
}

TEST_CASE("every event type of the header is registered under its name and number",
          "[unit][events]") {
  const auto body = body_of_enum(text_of("events/codec.hpp"), "event_type");
  const auto names = matches(body, R"((\w+) = \d+,)");
  const auto numbers = matches(body, R"(\w+ = (\d+),)");
  std::vector<std::string> known_names;
  std::vector<std::string> known_numbers;
  for (const auto type : all_event_types()) {
    known_names.emplace_back(name_of(type));
    known_numbers.push_back(std::to_string(static_cast<unsigned>(type)));
  }
  CHECK(known_names == names);
  CHECK(known_numbers == numbers);
  CHECK(std::set<std::string>(names.begin(), names.end()).size() == names.size());
  CHECK(name_of(event_type{0}).empty());
  CHECK(name_of(event_type{31}).empty());
  CHECK(name_of(event_type{65'535}).empty());
}
