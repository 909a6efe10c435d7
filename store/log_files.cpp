#include "store/log_files.hpp"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <string_view>
#include <system_error>
#include <utility>

#include <fmt/format.h>

namespace bestow::store {
namespace {

constexpr std::string_view extension = ".mdb";
constexpr std::size_t digits = 8;

/// 0: not the name of a segment.
auto number_of(std::string_view name) -> std::uint32_t {
  if (name.size() != digits + extension.size() || !name.ends_with(extension)) return 0;
  std::uint32_t out = 0;
  const auto* end = name.data() + digits;
  const auto parsed = std::from_chars(name.data(), end, out);
  return parsed.ec == std::errc{} && parsed.ptr == end ? out : 0;
}

/// Ascending.
auto numbers_in(const std::string& directory) -> result<std::vector<std::uint32_t>> {
  std::vector<std::uint32_t> out;
  std::error_code error;
  std::filesystem::directory_iterator entries{directory, error};
  for (; !error && entries != std::filesystem::directory_iterator{}; entries.increment(error))
    if (const auto number = number_of(entries->path().filename().native()); number != 0)
      out.push_back(number);
  if (error)
    return fail(fault_code::log_io_failed, "list_log_files",
                fmt::format("{}: {}", directory, error.message()));
  std::ranges::sort(out);
  return out;
}

}  // namespace

auto segment_path(const std::string& directory, std::uint32_t number) -> std::string {
  return fmt::format("{}/{:08}{}", directory, number, extension);
}

auto newest_segment(const std::string& directory) -> result<std::uint32_t> {
  auto numbers = numbers_in(directory);
  if (!numbers) return tl::unexpected<fault>{std::move(numbers.error())};
  return numbers->empty() ? 0 : numbers->back();
}

auto list_log_files(const std::string& directory) -> result<std::vector<log_file>> {
  auto numbers = numbers_in(directory);
  if (!numbers) return tl::unexpected<fault>{std::move(numbers.error())};
  std::vector<log_file> out;
  for (const auto number : *numbers) {
    const auto expected = static_cast<std::uint32_t>(out.size() + 1);
    if (number != expected)
      return fail(fault_code::log_corrupt, "list_log_files",
                  fmt::format("{}: missing, though {} is there",
                              segment_path(directory, expected), segment_path(directory, number)));
    out.push_back({segment_path(directory, number), number, true});
  }
  if (!out.empty()) out.back().sealed = false;
  return out;
}

}  // namespace bestow::store
