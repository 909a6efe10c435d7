#include "store/anchor.hpp"

#include <xxhash.h>

#include <sstream>
#include <utility>

#include <fmt/format.h>

#include "events/limits.hpp"
#include "store/files.hpp"

namespace bestow::store {
namespace {

auto path_in(const std::string& directory) -> std::string { return directory + "/anchor"; }

auto body_of(const log_anchor& a) -> std::string {
  return fmt::format("bestow-anchor 1\nlog_id {}\nposition {}\nframe_hash {}\nframes {}\n",
                     a.log_id, a.at.value, to_hex(a.frame_hash), a.frames);
}

auto text_of(const log_anchor& a) -> std::string {
  const auto body = body_of(a);
  return fmt::format("{}check {:016x}\n", body, XXH3_64bits(body.data(), body.size()));
}

auto parse(const std::string& text) -> std::optional<log_anchor> {
  std::istringstream in{text};
  log_anchor out;
  std::string word;
  std::string hash;
  in >> word >> word >> word >> out.log_id >> word >> out.at.value >> word >> hash >> word >>
      out.frames;
  if (!in || !from_hex(hash, out.frame_hash)) return std::nullopt;
  // Writing it again must give the same bytes: this covers every word, space and the check.
  if (text_of(out) != text) return std::nullopt;
  return out;
}

auto as_log_fault(fault f) -> tl::unexpected<fault> {
  return fail(fault_code::log_io_failed, f.operation, std::move(f.detail));
}

}  // namespace

auto read_anchor(const std::string& directory) -> result<std::optional<log_anchor>> {
  auto text = read_file(path_in(directory), limits::anchor_bytes_max);
  if (!text) return as_log_fault(std::move(text.error()));
  if (!*text) return std::optional<log_anchor>{};
  auto anchor = parse(**text);
  if (!anchor)
    return fail(fault_code::log_corrupt, "read_anchor",
                fmt::format("{}: damaged", path_in(directory)));
  return anchor;
}

auto write_anchor(const std::string& directory, const log_anchor& anchor) -> result<void> {
  if (auto written = replace_file(path_in(directory), text_of(anchor), durability::power_loss);
      !written)
    return as_log_fault(std::move(written.error()));
  return {};
}

}  // namespace bestow::store
