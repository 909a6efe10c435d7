// A writer that begins new segments, killed before each single system call that changes a file. What
// was acknowledged must be there, whatever the moment.
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>

#include <atomic>
#include <filesystem>
#include <new>

#include <fmt/format.h>

#include "store/log_files.hpp"
#include "tests/catch.hpp"
#include "tests/store/log/child_process.hpp"
#include "tests/store/log/log_fixture.hpp"

namespace {

using namespace bestow;
using namespace bestow::testing;
namespace fs = std::filesystem;

/// A number that a child writes and its parent reads, without a system call.
class shared_number {
 public:
  shared_number() {
    void* page = ::mmap(nullptr, sizeof *value_, PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    BESTOW_ASSERT(page != MAP_FAILED);
    value_ = ::new (page) std::atomic<std::uint64_t>{0};
  }
  shared_number(const shared_number&) = delete;
  auto operator=(const shared_number&) -> shared_number& = delete;
  ~shared_number() { ::munmap(value_, sizeof *value_); }
  [[nodiscard]] auto get() const -> std::uint64_t { return value_->load(); }
  void set(std::uint64_t v) { value_->store(v); }

 private:
  std::atomic<std::uint64_t>* value_{nullptr};
};

auto open_at(const std::string& directory, bool read_only)
    -> std::unique_ptr<store::event_log> {
  auto log = store::open_lmdb_log({directory, map_bytes, read_only, 1}, log_seed);
  BESTOW_ASSERT(log.has_value());
  return std::move(*log);
}

auto payload_at(std::uint64_t at) -> std::string { return std::to_string(at) + " text"; }

/// One event in a group of its own, and so in a segment of its own.
auto append_next(store::event_log& log) -> bool {
  const auto at = log.head().last.value + 1;
  const auto which = stream(at % 3);
  const auto what =
      batch(which, log.version_of(which)->value, events(1, payload_at(at)));
  // Two seconds apart: the anchor moves with every group.
  const auto answers =
      log.append_group({&what, 1}, {noon.value + static_cast<std::int64_t>(at) * 2'000});
  return answers && answers->front();
}

auto changes_files(std::uint64_t call) -> bool {
  switch (call) {
    case SYS_open:
    case SYS_openat:
    case SYS_write:
    case SYS_writev:
    case SYS_pwrite64:
    case SYS_pwritev:
    case SYS_ftruncate:
    case SYS_fsync:
    case SYS_fdatasync:
    case SYS_msync:
    case SYS_rename:
    case SYS_renameat:
    case SYS_renameat2:
    case SYS_unlink:
    case SYS_unlinkat:
    case SYS_chmod:
    case SYS_fchmodat:
    case SYS_mkdir:
    case SYS_close:
      return true;
    default:
      return false;
  }
}

enum class ended : std::uint8_t { killed, by_itself, untraceable };

/// Runs `work` in a child and kills it before its `count`-th call that changes a file.
auto run_and_kill(std::uint64_t count, const std::function<int()>& work) -> ended {
  const pid_t child = ::fork();
  BESTOW_ASSERT(child >= 0);
  if (child == 0) {
    if (::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) ::_exit(99);
    ::raise(SIGSTOP);
    ::_exit(work());
  }
  int status = 0;
  BESTOW_ASSERT(::waitpid(child, &status, 0) == child);
  if (!WIFSTOPPED(status)) return ended::untraceable;
  BESTOW_ASSERT(::ptrace(PTRACE_SETOPTIONS, child, nullptr,
                         PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL) == 0);
  for (;;) {
    BESTOW_ASSERT(::ptrace(PTRACE_SYSCALL, child, nullptr, nullptr) == 0);
    BESTOW_ASSERT(::waitpid(child, &status, 0) == child);
    if (WIFEXITED(status)) {
      BESTOW_ASSERT(WEXITSTATUS(status) == 0);
      return ended::by_itself;
    }
    BESTOW_ASSERT(WIFSTOPPED(status));
    __ptrace_syscall_info info{};
    const auto got = ::ptrace(PTRACE_GET_SYSCALL_INFO, child, sizeof info, &info);
    if (got <= 0 || info.op != PTRACE_SYSCALL_INFO_ENTRY || !changes_files(info.entry.nr)) continue;
    if (--count > 0) continue;
    ::kill(child, SIGKILL);
    BESTOW_ASSERT(::waitpid(child, &status, 0) == child);
    return ended::killed;
  }
}

void check_content(const store::event_log& log, std::uint64_t acknowledged) {
  REQUIRE(log.head().last.value >= acknowledged);
  std::uint64_t at = 0;
  for (const auto& e : read_all(log)) {
    REQUIRE(e.at.value == ++at);
    REQUIRE(text_of(e) == payload_at(at));
  }
  REQUIRE(at == log.head().last.value);
  for (std::uint64_t s = 0; s < 3; ++s)
    REQUIRE(read_all_of(log, stream(s)).size() == log.version_of(stream(s))->value);
}

TEST_CASE("a writer killed before any of its system calls while it seals loses nothing",
          "[contract]") {
  const temp_directory origin;
  {
    const auto log = open_at(origin.path(), false);
    for (int i = 0; i < 3; ++i) REQUIRE(append_next(*log));
  }
  std::uint64_t points = 0;
  for (auto outcome = ended::killed; outcome == ended::killed; ++points) {
    const temp_directory directory;
    fs::copy(origin.path(), directory.path(), fs::copy_options::recursive);
    shared_number acknowledged;
    acknowledged.set(3);
    outcome = run_and_kill(points + 1, [&] {
      const auto log = open_at(directory.path(), false);
      for (int i = 0; i < 2; ++i) {
        if (!append_next(*log)) return 1;
        acknowledged.set(log->head().last.value);
      }
      return 0;
    });
    if (outcome == ended::untraceable) {
      WARN("this machine does not let a process trace its child: nothing was tried");
      return;
    }
    INFO(fmt::format("killed before call {}, {} acknowledged", points + 1, acknowledged.get()));
    check_content(*open_at(directory.path(), true), acknowledged.get());
    REQUIRE(store::verify(directory.path(), {})->clean);
    {
      const auto log = open_at(directory.path(), false);
      check_content(*log, acknowledged.get());
      const auto head = log->head().last.value;
      REQUIRE(append_next(*log));
      check_content(*log, head + 1);
    }
    const auto files = store::list_log_files(directory.path()).value();
    REQUIRE(files.size() >= 3);
    for (const auto& file : files) REQUIRE_FALSE(fs::exists(file.path + ".new"));
    const auto report = store::verify(directory.path(), {}).value();
    INFO(report.problem);
    REQUIRE(report.clean);
  }
  // Opening, two new segments, two groups, two anchors.
  CHECK(points > 60);
}

TEST_CASE("a writer killed while it creates a log leaves one that can be opened", "[contract]") {
  std::uint64_t points = 0;
  for (auto outcome = ended::killed; outcome == ended::killed; ++points) {
    const temp_directory parent;
    const auto directory = parent.file("log");
    outcome = run_and_kill(points + 1, [&] {
      const auto log = open_at(directory, false);
      return append_next(*log) ? 0 : 1;
    });
    if (outcome == ended::untraceable) return;
    INFO(fmt::format("killed before call {}", points + 1));
    const auto log = open_at(directory, false);
    check_content(*log, 0);
    REQUIRE(append_next(*log));
  }
  CHECK(points > 10);
}

}  // namespace
