#include "store/segment_row.hpp"

#include <sys/stat.h>
#include <xxhash.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include <fmt/format.h>

#include "store/bytes.hpp"
#include "store/log_files.hpp"

namespace bestow::store {
namespace {

// Offsets of the fields.
namespace at {
constexpr std::size_t number = 0;
constexpr std::size_t first = 8;
constexpr std::size_t last = 16;
constexpr std::size_t frames = 24;
constexpr std::size_t file_bytes = 32;
constexpr std::size_t payload_bytes = 40;
constexpr std::size_t first_recorded_at = 48;
constexpr std::size_t recorded_at = 56;
constexpr std::size_t frame_hash = 64;
constexpr std::size_t checksum = 96;
static_assert(checksum + sizeof(std::uint64_t) == segment_row_bytes);
}  // namespace at

auto time_in(const std::byte* from) -> timestamp {
  return {static_cast<std::int64_t>(load_le<std::uint64_t>(from))};
}

}  // namespace

auto encode_row(const segment_row& row) -> std::array<std::byte, segment_row_bytes> {
  std::array<std::byte, segment_row_bytes> out{};
  store_le(out.data() + at::number, row.number);
  store_le(out.data() + at::first, row.first.value);
  store_le(out.data() + at::last, row.last.value);
  store_le(out.data() + at::frames, row.frames);
  store_le(out.data() + at::file_bytes, row.file_bytes);
  store_le(out.data() + at::payload_bytes, row.payload_bytes);
  store_le(out.data() + at::first_recorded_at,
           static_cast<std::uint64_t>(row.first_recorded_at.value));
  store_le(out.data() + at::recorded_at, static_cast<std::uint64_t>(row.recorded_at.value));
  std::ranges::copy(row.frame_hash, out.data() + at::frame_hash);
  store_le(out.data() + at::checksum, std::uint64_t{XXH3_64bits(out.data(), at::checksum)});
  return out;
}

auto decode_row(std::span<const std::byte> bytes) -> std::optional<segment_row> {
  if (bytes.size() != segment_row_bytes ||
      load_le<std::uint64_t>(bytes.data() + at::checksum) !=
          XXH3_64bits(bytes.data(), at::checksum))
    return std::nullopt;
  segment_row out;
  out.number = load_le<std::uint32_t>(bytes.data() + at::number);
  out.first = {load_le<std::uint64_t>(bytes.data() + at::first)};
  out.last = {load_le<std::uint64_t>(bytes.data() + at::last)};
  out.frames = load_le<std::uint64_t>(bytes.data() + at::frames);
  out.file_bytes = load_le<std::uint64_t>(bytes.data() + at::file_bytes);
  out.payload_bytes = load_le<std::uint64_t>(bytes.data() + at::payload_bytes);
  out.first_recorded_at = time_in(bytes.data() + at::first_recorded_at);
  out.recorded_at = time_in(bytes.data() + at::recorded_at);
  std::copy_n(bytes.data() + at::frame_hash, out.frame_hash.size(), out.frame_hash.begin());
  return out;
}

auto describe(const segment_row& row) -> std::string {
  return fmt::format("{:08}.mdb with positions {} to {}", row.number, row.first.value,
                     row.last.value);
}

auto head_after(std::span<const segment_row> rows) -> log_head {
  if (rows.empty()) return {};
  log_head out{rows.back().last, rows.back().frame_hash, 0, rows.back().recorded_at};
  for (const auto& row : rows) out.frames += row.frames;
  return out;
}

auto row_of(std::span<const segment_row> rows, position at) -> const segment_row* {
  const auto it = std::ranges::lower_bound(rows, at, {}, &segment_row::last);
  return it == rows.end() ? nullptr : &*it;
}

auto check_sealed_file(const std::string& directory, const segment_row& row) -> result<void> {
  const auto path = segment_path(directory, row.number);
  struct stat file {};
  if (::stat(path.c_str(), &file) != 0) {
    const int error = errno;
    return fail(fault_code::log_corrupt, "open_log",
                fmt::format("{}: {}: the sealed segment {} belongs there", path,
                            std::generic_category().message(error), describe(row)));
  }
  if (static_cast<std::uint64_t>(file.st_size) == row.file_bytes) return {};
  return fail(fault_code::log_corrupt, "open_log",
              fmt::format("{}: {} bytes, sealed with {}: {} is not whole", path, file.st_size,
                          row.file_bytes, describe(row)));
}

}  // namespace bestow::store
