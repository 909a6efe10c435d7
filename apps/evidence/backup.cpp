#include "apps/evidence/backup.hpp"

#include <algorithm>
#include <filesystem>
#include <utility>

#include <fmt/format.h>

#include "apps/evidence/digest.hpp"
#include "apps/evidence/verify_copy.hpp"
#include "apps/evidence/work_directory.hpp"
#include "apps/system/data_layout.hpp"
#include "events/limits.hpp"
#include "store/event_log.hpp"
#include "store/files.hpp"
#include "store/log_copy.hpp"
#include "store/log_files.hpp"
#include "store/log_frames.hpp"
#include "store/verify_child.hpp"

namespace bestow::evidence {
namespace {

namespace fs = std::filesystem;

/// Files below rejects/ that were finished, as relative paths; none when there is no such folder.
auto finished_rejects(const std::string& data) -> result<std::vector<std::string>> {
  std::vector<std::string> out;
  std::error_code error;
  const auto root = apps::data_layout{data}.rejects;
  if (!fs::is_directory(root, error)) return out;
  for (fs::recursive_directory_iterator it{root, error}, end; !error && it != end;
       it.increment(error))
    if (it->is_regular_file(error) && it->path().extension() == ".csv")
      out.push_back("rejects/" + fs::relative(it->path(), root, error).string());
  if (error) return io_failed("read", root, error);
  return out;
}

auto given_up(const backup_request& wanted) -> bool { return wanted.stopped && wanted.stopped(); }
auto stopping() -> tl::unexpected<fault> {
  return fail(fault_code::shutting_down, "backup", "the backup was given up");
}

auto copy_rejects(const backup_request& wanted, const std::string& to) -> result<void> {
  const auto& data = wanted.data;
  const auto files = finished_rejects(data);
  if (!files) return tl::unexpected<fault>{files.error()};
  for (const auto& file : *files) {
    const auto target = to + "/" + file;
    const auto folder = fs::path{target}.parent_path().string();
    if (auto made = make_folder(folder); !made) return made;
    if (auto copied = store::copy_file(data + "/" + file, target, wanted.stopped); !copied)
      return copied;
    if (auto synced = store::sync_directory(folder); !synced) return synced;
  }
  return {};
}

}  // namespace

auto verify_copy(const std::string& log, const work_progress& tell,
                 const std::function<bool()>& stopped) -> result<store::verify_report> {
  const auto told = [&](std::uint64_t events) {
    if (tell) tell("verifying the copy", events);
  };
  auto report = store::verify_in_child(log, told, stopped);
  if (!report) return report;
  if (!report->clean)
    return fail(fault_code::log_corrupt, "verify", "the copy: " + report->problem);
  return report;
}

namespace {

auto list_files(const backup_request& wanted, const std::string& directory,
                const work_progress& tell) -> result<std::vector<manifest_file>> {
  std::vector<manifest_file> out;
  std::error_code error;
  std::uint64_t done = 0;
  for (fs::recursive_directory_iterator it{directory, error}, end; !error && it != end;
       it.increment(error)) {
    const auto path = fs::relative(it->path(), directory, error).string();
    if (!it->is_regular_file(error) || path.find('/') == std::string::npos) continue;
    if (given_up(wanted)) return stopping();
    const auto digest = digest_of_file(it->path().string());
    if (!digest) return tl::unexpected<fault>{digest.error()};
    out.push_back({path, digest->bytes, digest->sha256});
    if (tell) tell("hashing", done += digest->bytes);
  }
  if (error) return io_failed("read", directory, error);
  std::ranges::sort(out, {}, &manifest_file::path);
  return out;
}

auto describe(const backup_request& wanted, const std::string& work,
              const store::verify_report& report, const work_progress& tell) -> result<manifest> {
  manifest m;
  m.version = wanted.version;
  m.made_at = wanted.now;
  m.head = report.last;
  m.head_hash = report.head_hash;
  m.frames = report.frames;
  {
    store::log_options options;
    options.directory = work + "/log";
    options.read_only = true;
    const auto log = store::open_lmdb_log(options, 0);
    if (!log) return tl::unexpected<fault>{log.error()};
    const auto identity = store::identity_of(**log);
    if (!identity) return tl::unexpected<fault>{identity.error()};
    m.log_id = (*log)->log_id();
    m.epoch = identity->epoch;
    m.incarnation = identity->incarnation;
  }
  if (auto settled = store::settle_copy(work + "/log"); !settled)
    return tl::unexpected<fault>{settled.error()};
  auto files = list_files(wanted, work, tell);
  if (!files) return tl::unexpected<fault>{files.error()};
  m.files = std::move(*files);
  return m;
}

auto fill(const backup_request& wanted, work_directory& work, const work_progress& tell)
    -> result<manifest> {
  const auto log = work.path() + "/log";
  if (auto made = make_folder(log); !made) return tl::unexpected<fault>{made.error()};
  const auto told = [&](std::uint64_t bytes) {
    if (tell) tell("copying the log", bytes);
  };
  const auto copied =
      store::copy_log(apps::data_layout{wanted.data}.log, log, {told, wanted.stopped});
  if (!copied) return tl::unexpected<fault>{copied.error()};
  // Behind the log: whatever batch the copy knows as closed, its refused rows are there.
  if (auto rows = copy_rejects(wanted, work.path()); !rows)
    return tl::unexpected<fault>{rows.error()};
  const auto report = verify_copy(log, tell, wanted.stopped);
  if (!report) return tl::unexpected<fault>{report.error()};
  auto m = describe(wanted, work.path(), *report, tell);
  if (!m) return m;
  if (given_up(wanted)) return stopping();
  if (auto written = store::replace_file(work.path() + "/" + std::string{manifest_name},
                                         to_json(*m), store::durability::power_loss);
      !written)
    return tl::unexpected<fault>{written.error()};
  if (auto finished = work.finish(); !finished) return tl::unexpected<fault>{finished.error()};
  return m;
}

}  // namespace

auto create_backup(const backup_request& wanted, const work_progress& tell) -> result<manifest> {
  if (auto why = why_no_backup(wanted.data, wanted.directory); !why.empty())
    return fail(fault_code::file_io_failed, "backup", std::move(why));
  auto work = work_directory::open(wanted.directory);
  if (!work) return tl::unexpected<fault>{work.error()};
  auto made = fill(wanted, *work, tell);
  if (made || made.error().code != fault_code::shutting_down) return made;
  if (auto gone = work->discard(); !gone) return tl::unexpected<fault>{gone.error()};
  return made;
}

auto check_backup(const std::string& directory, const work_progress& tell) -> result<manifest> {
  const auto text = store::read_file(directory + "/" + std::string{manifest_name},
                                      limits::manifest_bytes_max);
  if (!text) return tl::unexpected<fault>{text.error()};
  if (!*text)
    return fail(fault_code::file_io_failed, "backup",
                fmt::format("{}: there is no manifest.json: not a backup", directory));
  auto m = parse_manifest(**text);
  if (!m) return m;
  std::uint64_t done = 0;
  for (const auto& file : m->files) {
    const auto path = directory + "/" + file.path;
    std::error_code error;
    if (!fs::is_regular_file(path, error))
      return fail(fault_code::log_corrupt, "backup", fmt::format("{}: missing", file.path));
    const auto digest = digest_of_file(path);
    if (!digest) return tl::unexpected<fault>{digest.error()};
    if (digest->bytes != file.bytes || digest->sha256 != file.sha256)
      return fail(fault_code::log_corrupt, "backup",
                  fmt::format("{}: not as it was written: {} bytes, SHA-256 {}; the manifest says "
                              "{} bytes, {}",
                              file.path, digest->bytes, to_hex(digest->sha256), file.bytes,
                              to_hex(file.sha256)));
    if (tell) tell("checking the backup", done += file.bytes);
  }
  // A file of the log that the manifest does not name would be taken for a part of it.
  const auto segments = store::list_log_files(directory + "/log");
  if (!segments) return tl::unexpected<fault>{segments.error()};
  const auto named = std::ranges::count_if(m->files, [](const manifest_file& f) {
    return f.path.starts_with("log/") && f.path.ends_with(".mdb");
  });
  if (static_cast<std::size_t>(named) != segments->size())
    return fail(fault_code::log_corrupt, "backup",
                fmt::format("log: {} segments where the manifest names {}", segments->size(),
                            named));
  return m;
}

}  // namespace bestow::evidence
