#include "store/verify_child.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <new>
#include <optional>
#include <sstream>
#include <system_error>

#include <fmt/format.h>

#include "events/limits.hpp"
#include "store/frame.hpp"

namespace bestow::store {
namespace {

using std::chrono::steady_clock;

/// Progress is passed on this often.
constexpr int poll_ms = 100;

auto io_fault(std::string_view operation) -> tl::unexpected<fault> {
  return fail(fault_code::log_io_failed, operation, std::generic_category().message(errno));
}

/// One page that parent and child share: how many events the child has verified.
class shared_counter {
 public:
  shared_counter() {
    void* page = ::mmap(nullptr, sizeof(std::atomic<std::uint64_t>), PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (page != MAP_FAILED) count_ = ::new (page) std::atomic<std::uint64_t>{0};
  }
  shared_counter(const shared_counter&) = delete;
  auto operator=(const shared_counter&) -> shared_counter& = delete;
  ~shared_counter() {
    if (count_ != nullptr) ::munmap(count_, sizeof *count_);
  }
  [[nodiscard]] auto mapped() const -> bool { return count_ != nullptr; }
  [[nodiscard]] auto get() const -> std::uint64_t { return count_->load(); }
  void set(std::uint64_t events) { count_->store(events); }

 private:
  static_assert(std::atomic<std::uint64_t>::is_always_lock_free);
  std::atomic<std::uint64_t>* count_{nullptr};
};

/// "report <frames> <events> <last> <hash> <clean> <bad_at>\n<problem>" or "fault <code>\n<detail>".
auto to_text(const result<verify_report>& outcome) -> std::string {
  if (!outcome)
    return fmt::format("fault {}\n{}", static_cast<unsigned>(outcome.error().code),
                       to_string(outcome.error()));
  const auto& r = *outcome;
  return fmt::format("report {} {} {} {} {} {}\n{}", r.frames, r.events, r.last.value,
                     to_hex(r.head_hash), r.clean ? 1 : 0, r.bad_at.value, r.problem);
}

auto from_text(const std::string& text) -> std::optional<result<verify_report>> {
  const auto line_end = text.find('\n');
  if (line_end == std::string::npos) return std::nullopt;
  std::istringstream line{text.substr(0, line_end)};
  const auto rest = text.substr(line_end + 1);
  std::string kind;
  line >> kind;
  if (kind == "fault") {
    unsigned code = 0;
    line >> code;
    return fail(static_cast<fault_code>(code), "verify_in_child", rest);
  }
  verify_report r;
  std::string hash;
  line >> r.frames >> r.events >> r.last.value >> hash >> r.clean >> r.bad_at.value;
  if (!line || kind != "report" || !from_hex(hash, r.head_hash)) return std::nullopt;
  r.problem = rest;
  return r;
}

[[noreturn]] void run_child(const std::string& directory, int answer, shared_counter& counter) {
  // Dies with its parent, dies of damage without a core file, keeps no lock of its parent open.
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  const rlimit none{0, 0};
  ::setrlimit(RLIMIT_CORE, &none);
  for (const int s : {SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL}) ::signal(s, SIG_DFL);
  ::dup2(answer, STDERR_FILENO + 1);
  ::close_range(STDERR_FILENO + 2, ~0U, 0);
  const auto text =
      to_text(verify(directory, [&](std::uint64_t events) { counter.set(events); }));
  std::size_t sent = 0;
  while (sent < text.size()) {
    const auto n = ::write(STDERR_FILENO + 1, text.data() + sent, text.size() - sent);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    sent += static_cast<std::size_t>(n);
  }
  ::_exit(sent == text.size() ? 0 : 1);
}

struct child_end {
  std::string answer;
  bool stuck{false};
  bool stopped{false};
};

/// Collects the answer and passes progress on until the child closes its end.
auto listen(int pipe, pid_t child, const shared_counter& counter,
            const std::function<void(std::uint64_t)>& progress,
            const std::function<bool()>& stopped) -> child_end {
  child_end out;
  std::uint64_t reported = 0;
  auto last_step = steady_clock::now();
  std::array<char, 4096> buffer{};
  for (;;) {
    pollfd ready{pipe, POLLIN, 0};
    const int n = ::poll(&ready, 1, poll_ms);
    if (const auto now = counter.get(); now != reported) {
      reported = now;
      last_step = steady_clock::now();
      if (progress) progress(now);
    }
    if (n > 0) {
      const auto got = ::read(pipe, buffer.data(), buffer.size());
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) return out;
      if (out.answer.size() < limits::verify_answer_bytes_max)
        out.answer.append(buffer.data(), static_cast<std::size_t>(got));
      continue;
    }
    out.stopped = stopped && stopped();
    out.stuck = steady_clock::now() - last_step > limits::verify_stuck_after;
    if (out.stopped || out.stuck) {
      ::kill(child, SIGKILL);
      return out;
    }
  }
}

auto crashed(std::uint64_t events, std::string problem) -> verify_report {
  verify_report out;
  out.events = events;
  out.last = {events};  // Positions number events and have no gap.
  out.clean = false;
  out.bad_at = {events + 1};
  out.problem = std::move(problem);
  return out;
}

}  // namespace

auto verify_in_child(const std::string& directory,
                     const std::function<void(std::uint64_t events)>& progress,
                     const std::function<bool()>& stopped) -> result<verify_report> {
  // A hash before the fork: its library is then set up, and the child takes none of its locks.
  static_cast<void>(make_log_id(0));
  shared_counter counter;
  if (!counter.mapped()) return io_fault("mmap");
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return io_fault("pipe2");
  const pid_t child = ::fork();
  if (child == 0) run_child(directory, ends[1], counter);
  ::close(ends[1]);
  if (child < 0) {
    ::close(ends[0]);
    return io_fault("fork");
  }
  const auto end = listen(ends[0], child, counter, progress, stopped);
  ::close(ends[0]);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (end.stopped)
    return fail(fault_code::shutting_down, "verify_in_child", "the walk was given up");
  const auto at = counter.get();
  if (end.stuck) return crashed(at, "the reader made no progress: damaged pages");
  if (WIFSIGNALED(status))
    return crashed(at, fmt::format("the reader was ended by signal {}: damaged pages",
                                   WTERMSIG(status)));
  auto outcome = from_text(end.answer);
  if (!outcome) return crashed(at, "the reader ended without an answer: damaged pages");
  return std::move(*outcome);
}

}  // namespace bestow::store
