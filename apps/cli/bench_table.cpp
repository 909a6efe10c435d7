#include "apps/cli/bench_table.hpp"

#include <array>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "apps/measure/figures.hpp"

namespace bestow::cli {
namespace {

using nlohmann::ordered_json;

/// One row of the table and the fields of a JSON line it is made of. "" = there is none.
struct shown {
  std::string_view work;
  std::string_view title;
  std::string_view unit;
  std::string_view rate;
  std::string_view ratio;
  std::string_view cpu;
};
constexpr std::array<shown, 12> table{{
    {"disk", "disk", "commits/s", "commits_per_second", "", "cpu_us_per_commit"},
    {"import", "import", "rows/s", "rows_per_second", "ratio_to_parse_and_raw_log",
     "cpu_us_per_row"},
    {"import", "  parser alone", "rows/s", "parse_rows_per_second", "", "parse_cpu_us_per_row"},
    {"import", "  bare LMDB append", "rows/s", "raw_log_rows_per_second", "",
     "raw_log_cpu_us_per_row"},
    {"publish", "publish", "messages/s", "messages_per_second", "ratio_to_raw",
     "cpu_us_per_message"},
    {"publish", "  bare chained loop", "messages/s", "raw_messages_per_second", "",
     "raw_cpu_us_per_message"},
    {"command", "command, 1 client", "commands/s", "clients_1_commands_per_second",
     "clients_1_ratio_to_raw", "clients_1_cpu_us_per_command"},
    {"command", "  bare commits", "commits/s", "raw_commits_per_second", "",
     "raw_cpu_us_per_commit"},
    {"command", "command, 64 clients", "commands/s", "clients_64_commands_per_second", "",
     "clients_64_cpu_us_per_command"},
    {"replay", "replay to summary", "targets/s", "summary_described_per_second",
     "summary_cpu_ratio_to_decode", "summary_cpu_us_per_described"},
    {"replay", "replay to status", "targets/s", "status_described_per_second",
     "status_cpu_ratio_to_decode", "status_cpu_us_per_described"},
    {"replay", "  decoding alone", "targets/s", "decode_described_per_second", "",
     "decode_cpu_us_per_described"},
}};

auto values_of(const std::vector<ordered_json>& lines, std::string_view field)
    -> std::vector<double> {
  std::vector<double> values;
  for (const auto& line : lines)
    if (const auto it = line.find(field); it != line.end() && it->is_number())
      values.push_back(it->get<double>());
  return values;
}

auto rate_text(double value) -> std::string {
  return value < 100 ? fmt::format("{:.1f}", value) : fmt::format("{:.0f}", value);
}

auto cpu_text(double value) -> std::string {
  if (value >= 100) return fmt::format("{:.0f}", value);
  return value >= 1 ? fmt::format("{:.1f}", value) : fmt::format("{:.3f}", value);
}

auto row_of(const shown& s, const std::vector<ordered_json>& lines) -> ordered_json {
  const auto rate = measure::spread_of(values_of(lines, s.rate));
  const auto median_text = [&](std::string_view field, const auto& text) {
    const auto values = values_of(lines, field);
    return values.empty() ? ordered_json(nullptr)
                          : ordered_json(text(measure::spread_of(values).median));
  };
  ordered_json row;
  row["work"] = s.title;
  row["unit"] = s.unit;
  row["min"] = rate_text(rate.min);
  row["median"] = rate_text(rate.median);
  row["max"] = rate_text(rate.max);
  row["ratio"] = median_text(s.ratio, [](double v) { return fmt::format("{:.2f}", v); });
  row["cpu_us"] = median_text(s.cpu, cpu_text);
  return row;
}

}  // namespace

auto bench_works() -> const std::vector<std::string>& {
  static const std::vector<std::string> names{"disk", "import", "publish", "command", "replay"};
  return names;
}

auto bench_rows(std::string_view work, const std::vector<ordered_json>& lines) -> ordered_json {
  auto rows = ordered_json::array();
  for (const auto& s : table)
    if (s.work == work && !values_of(lines, s.rate).empty()) rows.push_back(row_of(s, lines));
  return rows;
}

auto bench_end_row(std::string_view work, std::string_view end) -> ordered_json {
  return {{"work", work},     {"unit", end},      {"min", nullptr},   {"median", nullptr},
          {"max", nullptr},   {"ratio", nullptr}, {"cpu_us", nullptr}};
}

auto bench_columns() -> std::vector<column> {
  return {{"work", "WORK", false},    {"unit", "UNIT", false}, {"min", "MIN", true},
          {"median", "MEDIAN", true}, {"max", "MAX", true},    {"ratio", "RATIO", true},
          {"cpu_us", "CPU_US", true}};
}

}  // namespace bestow::cli
