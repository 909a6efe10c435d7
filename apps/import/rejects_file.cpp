#include "apps/import/rejects_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "apps/import/csv_reader.hpp"
#include "apps/import/input_records.hpp"
#include "apps/import/running_sha256.hpp"
#include "domain/target_row.hpp"
#include "events/limits.hpp"
#include "store/mapped_file.hpp"

namespace bestow::importing {
namespace {

constexpr std::size_t plain_name_chars_max = 100;
constexpr std::size_t named_columns = 4;

auto io_failed(std::string_view operation, const std::string& path) -> tl::unexpected<fault> {
  return fail(fault_code::file_io_failed, operation, path + ": " + std::strerror(errno));
}

auto is_plain_name(std::string_view batch) -> bool {
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
  };
  return !batch.empty() && batch.size() <= plain_name_chars_max && !batch.starts_with('.') &&
         !batch.starts_with("sha256-") && std::all_of(batch.begin(), batch.end(), plain);
}

auto write_all(int fd, std::string_view bytes) -> bool {
  while (!bytes.empty()) {
    const auto written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

/// Closes what it holds.
struct descriptor {
  int fd;
  explicit descriptor(int number) : fd{number} {}
  descriptor(const descriptor&) = delete;
  auto operator=(const descriptor&) -> descriptor& = delete;
  ~descriptor() {
    if (fd >= 0) ::close(fd);
  }
};

auto sync_folder_of(const std::string& path) -> result<void> {
  const auto folder = path.substr(0, path.rfind('/'));
  const descriptor opened{::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (opened.fd < 0) return io_failed("open", folder);
  if (::fsync(opened.fd) != 0) return io_failed("fsync", folder);
  return {};
}

/// Next record of the open file; nullopt at its end.
auto next_record(int fd, const std::string& path, input_records& records)
    -> result<std::optional<input_record>> {
  std::array<char, limits::rejects_pending_bytes> piece;
  for (;;) {
    if (auto record = records.next(); record || records.ended()) return record;
    const auto got = ::read(fd, piece.data(), piece.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return io_failed("read", path);
    if (got == 0) records.end();
    records.push({piece.data(), static_cast<std::size_t>(got)});
  }
}

}  // namespace

auto rejects_path(const std::string& directory, promotion_id promotion, std::string_view batch)
    -> std::string {
  const auto name =
      is_plain_name(batch) ? std::string{batch} : "sha256-" + to_hex(sha256_of(batch));
  return fmt::format("{}/rejects/{}/{}.csv", directory, promotion.value, name);
}

auto as_text(std::string detail) -> std::string {
  if (domain::utf8_length(detail)) return detail;
  for (auto& c : detail)
    if (static_cast<std::uint8_t>(c) >= 0x80U) c = '?';
  return detail;
}

void append_cell(std::string& out, std::string_view cell) {
  constexpr std::string_view formula_starts = "=+-@\t\r";
  const bool formula = !cell.empty() && formula_starts.find(cell.front()) != std::string_view::npos;
  if (cell.find_first_of("\",\r\n") == std::string_view::npos) {
    if (formula) out += '\'';
    out += cell;
    return;
  }
  out += '"';
  if (formula) out += '\'';
  for (const char c : cell) {
    if (c == '"') out += '"';
    out += c;
  }
  out += '"';
}

auto rejects_file::create(std::string path, std::span<const std::string> original_columns)
    -> result<std::unique_ptr<rejects_file>> {
  if (auto made = store::make_parent_directories(path); !made)
    return tl::unexpected{std::move(made).error()};
  auto beside = path + ".XXXXXX";
  const int fd = ::mkostemp(beside.data(), O_CLOEXEC);
  if (fd < 0) return io_failed("mkostemp", path);
  auto file = std::make_unique<rejects_file>(key{}, fd, std::move(path), std::move(beside));
  file->pending_ = "line,field,code,detail";
  for (const auto& name : original_columns) {
    file->pending_ += ',';
    append_cell(file->pending_, name);
  }
  file->pending_ += '\n';
  return file;
}

rejects_file::rejects_file(key, int fd, std::string path, std::string beside)
    : fd_{fd}, path_{std::move(path)}, beside_{std::move(beside)} {}

rejects_file::~rejects_file() {
  ::close(fd_);
  if (!beside_.empty()) ::unlink(beside_.c_str());
}

auto rejects_file::add(const rejected_row& row, std::span<const std::string_view> originals)
    -> result<void> {
  fmt::format_to(std::back_inserter(pending_), "{}", row.line);
  for (const std::string_view cell :
       {std::string_view{row.field}, std::string_view{row.code}, std::string_view{row.detail}}) {
    pending_ += ',';
    append_cell(pending_, cell);
  }
  for (const auto cell : originals) {
    pending_ += ',';
    append_cell(pending_, cell);
  }
  pending_ += '\n';
  if (pending_.size() < limits::rejects_pending_bytes) return {};
  return flush();
}

auto rejects_file::flush() -> result<void> {
  if (!write_all(fd_, pending_)) return io_failed("write", beside_);
  pending_.clear();
  return {};
}

auto rejects_file::commit() -> result<void> {
  if (auto flushed = flush(); !flushed) return flushed;
  if (::fsync(fd_) != 0) return io_failed("fsync", beside_);
  if (::rename(beside_.c_str(), path_.c_str()) != 0) return io_failed("rename", path_);
  beside_.clear();
  return sync_folder_of(path_);
}

auto read_rejects(const std::string& path, std::uint64_t skip, std::size_t count)
    -> result<std::vector<rejected_row>> {
  std::vector<rejected_row> rows;
  const descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (file.fd < 0 && errno == ENOENT) return rows;
  if (file.fd < 0) return io_failed("open", path);
  input_records records{import_format::csv, limits::reject_bytes_max, limits::reject_lines_max};
  csv_reader csv;
  std::uint64_t seen = 0;  // The header is record 1, so row n is record n + 1.
  while (rows.size() < count) {
    const auto record = next_record(file.fd, path, records);
    if (!record) return tl::unexpected{record.error()};
    if (!*record) break;
    if (++seen <= skip + 1) continue;
    const auto cells = csv.split((*record)->text);
    if (!cells || cells->size() < named_columns)
      return fail(fault_code::file_io_failed, "read", path + ": not a rejects file");
    rejected_row row;
    const auto line = (*cells)[0];
    std::from_chars(line.data(), line.data() + line.size(), row.line);
    row.field = (*cells)[1];
    row.code = (*cells)[2];
    row.detail = (*cells)[3];
    rows.push_back(std::move(row));
  }
  return rows;
}

}  // namespace bestow::importing
