#include "apps/measure/figures.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>

namespace bestow::measure {
namespace {

auto quoted(std::string_view text) -> std::string {
  std::string out{'"'};
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    if (static_cast<unsigned char>(c) < 0x20)
      out += fmt::format("\\u{:04x}", static_cast<unsigned char>(c));
    else
      out += c;
  }
  return out + '"';
}

auto to_json(const figures::value& v) -> std::string {
  if (const auto* n = std::get_if<std::uint64_t>(&v)) return fmt::to_string(*n);
  if (const auto* text = std::get_if<std::string>(&v)) return quoted(*text);
  const auto number = std::get<double>(v);
  return std::isfinite(number) ? fmt::format("{:.6g}", number) : "null";
}

}  // namespace

auto json_line(const run_label& label, unsigned repetition, const figures& f) -> std::string {
  const auto now = std::chrono::duration_cast<std::chrono::seconds>(
      std::chrono::system_clock::now().time_since_epoch());
  auto line = fmt::format(R"({{"bench":{},"repetition":{},"targets":{},"seed":{},"fsync":{})",
                          quoted(label.name), repetition, label.targets, label.seed,
                          quoted(label.fsync));
  if (!label.filesystem.empty())
    line += fmt::format(R"(,"filesystem":{})", quoted(label.filesystem));
  line += fmt::format(R"(,"cores":{},"load_average":{:.1f},"at":{})", core_count(),
                      load_average(), now.count());
  for (const auto& [name, value] : f.entries())
    line += fmt::format(",{}:{}", quoted(name), to_json(value));
  return line + "}";
}

auto spread_of(std::vector<double> values) -> spread {
  if (values.empty()) return {};
  std::ranges::sort(values);
  return {values.front(), values[values.size() / 2], values.back()};
}

auto core_count() -> unsigned { return static_cast<unsigned>(sysconf(_SC_NPROCESSORS_ONLN)); }

auto load_average() -> double {
  double one = 0;
  return getloadavg(&one, 1) == 1 ? one : 0;
}

}  // namespace bestow::measure
