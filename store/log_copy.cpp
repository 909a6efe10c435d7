#include "store/log_copy.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "events/limits.hpp"
#include "store/anchor.hpp"
#include "store/descriptor.hpp"
#include "store/event_log.hpp"
#include "store/files.hpp"
#include "store/log_files.hpp"
#include "store/log_tables.hpp"

namespace bestow::store {
namespace {

using std::chrono::steady_clock;

/// How often the size of the growing copy is looked at.
constexpr int look_every_ms = 100;

auto create(const std::string& path) -> int {
  return ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, S_IRUSR | S_IWUSR);
}

/// In the child: 0, or LMDB's code.
auto copy_through_lmdb(const std::string& from, int to) -> int {
  auto env = lmdb_env::open({from, limits::log_map_bytes_default, 4, true});
  if (!env) return env.error().code == fault_code::log_corrupt ? MDB_CORRUPTED : EIO;
  return mdb_env_copyfd2(env->handle(), to, 0);
}

[[noreturn]] void run_child(const std::string& from, int to, int answer) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  for (const int s : {SIGSEGV, SIGBUS, SIGABRT}) ::signal(s, SIG_DFL);
  // Nothing of the parent stays open: its locks are its own.
  // Raised first: one of them may have the number that the other is to get.
  answer = ::fcntl(answer, F_DUPFD, STDERR_FILENO + 3);
  to = ::fcntl(to, F_DUPFD, STDERR_FILENO + 3);
  if (answer < 0 || to < 0) ::_exit(1);
  ::dup2(answer, STDERR_FILENO + 1);
  ::dup2(to, STDERR_FILENO + 2);
  ::close_range(STDERR_FILENO + 3, ~0U, 0);
  const int code = copy_through_lmdb(from, STDERR_FILENO + 2);
  const bool told =
      ::write(STDERR_FILENO + 1, &code, sizeof code) == static_cast<ssize_t>(sizeof code);
  ::_exit(told ? 0 : 1);
}

auto outcome_of(int code, const std::string& from, const std::string& to) -> result<void> {
  if (code == 0) return {};
  if (code == ENOSPC || code == EDQUOT || code == EFBIG) return file_fault("copy", to, code);
  return lmdb_fault(code, "mdb_env_copyfd2", from);
}

auto given_up() -> tl::unexpected<fault> {
  return fail(fault_code::shutting_down, "copy_log", "the copy was given up");
}

enum class child_end : std::uint8_t { told, silent, stuck, stopped };
struct heard {
  child_end end{child_end::silent};
  int code{0};  ///< When told.
};

/// Waits for the child's answer, tells how far the copy is, and ends a child that is stuck or no
/// longer wanted.
auto listen(int pipe, int copy, pid_t child, const copy_watch& watch) -> heard {
  off_t size = 0;
  auto last_step = steady_clock::now();
  for (;;) {
    pollfd ready{pipe, POLLIN, 0};
    const int n = ::poll(&ready, 1, look_every_ms);
    struct stat status {};
    if (::fstat(copy, &status) == 0 && status.st_size != size) {
      size = status.st_size;
      last_step = steady_clock::now();
      if (watch.progress) watch.progress(static_cast<std::uint64_t>(size));
    }
    if (n > 0) {
      int code = 0;
      const auto got = ::read(pipe, &code, sizeof code);
      if (got < 0 && errno == EINTR) continue;
      return {got == static_cast<ssize_t>(sizeof code) ? child_end::told : child_end::silent, code};
    }
    const bool stopped = watch.stopped && watch.stopped();
    if (!stopped && steady_clock::now() - last_step <= watch.stuck_after) continue;
    ::kill(child, SIGKILL);
    return {stopped ? child_end::stopped : child_end::stuck, 0};
  }
}

auto hot_copy(const std::string& from, const std::string& to,
              const copy_watch& watch) -> result<void> {
  const descriptor copy{create(to)};
  if (copy.get() < 0) return file_fault("open", to, errno);
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return file_fault("pipe", to, errno);
  const descriptor answer{ends[0]};
  const pid_t child = ::fork();
  if (child == 0) run_child(from, copy.get(), ends[1]);
  const int fork_error = errno;
  ::close(ends[1]);
  if (child < 0) return file_fault("fork", to, fork_error);
  const auto [end, code] = listen(answer.get(), copy.get(), child, watch);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (end == child_end::stopped) return given_up();
  if (end == child_end::stuck)
    return fail(fault_code::log_io_failed, "copy_log",
                fmt::format("{}: the copy did not grow for {} ms: a disk that hangs, or damaged "
                            "pages",
                            from, watch.stuck_after.count()));
  if (end == child_end::silent)
    return fail(fault_code::log_corrupt, "copy_log",
                fmt::format("{}: the reader was ended by signal {}: damaged pages, or someone "
                            "ended it",
                            from, WIFSIGNALED(status) ? WTERMSIG(status) : 0));
  if (auto done = outcome_of(code, from, to); !done) return done;
  if (::fsync(copy.get()) != 0) return file_fault("fsync", to, errno);
  return {};
}

}  // namespace

auto copy_file(const std::string& from, const std::string& to,
               const std::function<bool()>& stopped) -> result<void> {
  const descriptor in{::open(from.c_str(), O_RDONLY | O_CLOEXEC)};
  if (in.get() < 0) return file_fault("open", from, errno);
  const descriptor out{create(to)};
  if (out.get() < 0) return file_fault("open", to, errno);
  std::vector<char> piece(limits::copy_piece_bytes);
  for (;;) {
    if (stopped && stopped()) return given_up();
    const auto got = ::read(in.get(), piece.data(), piece.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return file_fault("read", from, errno);
    if (got == 0) break;
    for (ssize_t written = 0; written < got;) {
      const auto n = ::write(out.get(), piece.data() + written,
                             static_cast<std::size_t>(got - written));
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) return file_fault("write", to, errno);
      written += n;
    }
  }
  if (::fsync(out.get()) != 0) return file_fault("fsync", to, errno);
  return {};
}

auto copy_log(const std::string& from, const std::string& to, const copy_watch& watch)
    -> result<void> {
  // Before the files: a newer anchor would name what the copy does not hold.
  const auto anchor = read_anchor(from);
  if (!anchor) return tl::unexpected<fault>{anchor.error()};
  const auto files = list_log_files(from);
  if (!files) return tl::unexpected<fault>{files.error()};
  if (files->empty())
    return fail(fault_code::log_io_failed, "copy_log", fmt::format("{}: no log here", from));
  std::uint64_t before = 0;
  for (const auto& file : *files) {
    const auto target = segment_path(to, file.number);
    auto here = watch;
    here.progress = [&](std::uint64_t bytes) {
      if (watch.progress) watch.progress(before + bytes);
    };
    auto copied = file.sealed ? copy_file(file.path, target, watch.stopped)
                              : hot_copy(file.path, target, here);
    if (!copied) return copied;
    struct stat status {};
    if (::stat(target.c_str(), &status) == 0) before += static_cast<std::uint64_t>(status.st_size);
    here.progress(0);
  }
  if (*anchor)
    if (auto written = write_anchor(to, **anchor); !written) return written;
  return sync_directory(to);
}

auto raise_incarnation(const std::string& directory) -> result<std::uint32_t> {
  const auto files = list_log_files(directory);
  if (!files) return tl::unexpected<fault>{files.error()};
  if (files->empty())
    return fail(fault_code::log_io_failed, "raise_incarnation",
                fmt::format("{}: no log here", directory));
  return raise_incarnation_of(files->back().path);
}

auto settle_copy(const std::string& directory) -> result<void> {
  log_options options;
  options.directory = directory;
  options.read_only = true;
  {
    const auto log = open_lmdb_log(options, 0);
    if (!log) return tl::unexpected<fault>{log.error()};
    const auto head = (*log)->head();
    if (auto written = write_anchor(directory, {(*log)->log_id(), head.last, head.frame_hash,
                                                head.frames});
        !written)
      return written;
  }
  const auto files = list_log_files(directory);
  if (!files) return tl::unexpected<fault>{files.error()};
  for (const auto& file : *files) ::unlink((file.path + "-lock").c_str());
  return sync_directory(directory);
}

}  // namespace bestow::store
