// A data directory out of a backup.
#include <filesystem>

#include <fmt/format.h>

#include "apps/evidence/backup.hpp"
#include "apps/evidence/digest.hpp"
#include "apps/evidence/verify_copy.hpp"
#include "apps/evidence/work_directory.hpp"
#include "apps/system/data_layout.hpp"
#include "store/event_log.hpp"
#include "store/files.hpp"
#include "store/log_copy.hpp"

namespace bestow::evidence {
namespace {

/// Copies what the manifest names and checks that each copy is what it says.
auto copy_files(const manifest& m, const std::string& from, const std::string& to,
                const work_progress& tell) -> result<void> {
  std::uint64_t done = 0;
  for (const auto& file : m.files) {
    const auto target = to + "/" + file.path;
    const auto folder = store::parent_of(target);
    if (auto made = make_folder(folder); !made) return made;
    if (auto copied = store::copy_file(from + "/" + file.path, target); !copied) return copied;
    const auto digest = digest_of_file(target);
    if (!digest) return tl::unexpected<fault>{digest.error()};
    if (digest->sha256 != file.sha256)
      return fail(fault_code::log_corrupt, "restore",
                  fmt::format("{}: the copy differs from the backup: its disk cannot be trusted",
                              file.path));
    if (auto synced = store::sync_directory(folder); !synced) return synced;
    if (tell) tell("restoring", done += file.bytes);
  }
  return {};
}

/// The copied log is whole and ends where the manifest says.
auto check_log(const manifest& m, const std::string& log, const work_progress& tell)
    -> result<void> {
  const auto report = verify_copy(log, tell);
  if (!report) return tl::unexpected<fault>{report.error()};
  store::log_options options;
  options.directory = log;
  options.read_only = true;
  const auto opened = store::open_lmdb_log(options, 0);
  if (!opened) return tl::unexpected<fault>{opened.error()};
  if ((*opened)->log_id() != m.log_id)
    return fail(fault_code::log_corrupt, "restore",
                fmt::format("the files are of log {}; the manifest says {}", (*opened)->log_id(),
                            m.log_id));
  if (report->last == m.head && report->head_hash == m.head_hash && report->frames == m.frames)
    return {};
  return fail(fault_code::log_corrupt, "restore",
              fmt::format("the log ends at position {} with frame hash {}; the manifest says {} and "
                          "{}",
                          report->last.value, to_hex(report->head_hash), m.head.value,
                          to_hex(m.head_hash)));
}

}  // namespace

auto restore_backup(const std::string& directory, const std::string& data,
                    const work_progress& tell) -> result<restored> {
  auto m = check_backup(directory, tell);
  if (!m) return tl::unexpected<fault>{m.error()};
  auto work = work_directory::open(data);
  if (!work) return tl::unexpected<fault>{work.error()};
  if (auto copied = copy_files(*m, directory, work->path(), tell); !copied)
    return tl::unexpected<fault>{copied.error()};
  const auto log = work->path() + "/log";
  if (auto whole = check_log(*m, log, tell); !whole) return tl::unexpected<fault>{whole.error()};
  const auto incarnation = store::raise_incarnation(log);
  if (!incarnation) return tl::unexpected<fault>{incarnation.error()};
  if (auto whole = check_log(*m, log, tell); !whole) return tl::unexpected<fault>{whole.error()};
  if (auto settled = store::settle_copy(log); !settled)
    return tl::unexpected<fault>{settled.error()};
  const apps::data_layout at{work->path()};
  if (auto marked = store::replace_file(at.restored_file, fmt::format("{}\n", *incarnation),
                                        store::durability::power_loss);
      !marked)
    return tl::unexpected<fault>{marked.error()};
  if (auto finished = work->finish(); !finished) return tl::unexpected<fault>{finished.error()};
  return restored{std::move(*m), *incarnation};
}

}  // namespace bestow::evidence
