#include "bus/child_process.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fstream>
#include <sstream>

namespace bestow::bus {
namespace {

constexpr int lock_fd_in_child = 3;

// By number: glibc wraps them since 2.36 only, and Debian's kernel headers always know them.
[[nodiscard]] auto open_pidfd(int pid) -> unique_fd {
  return unique_fd{static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))};
}
void signal_pidfd(const unique_fd& pidfd, int signal) {
  // Fails only when the process has ended, which is what the signal was for.
  (void)::syscall(SYS_pidfd_send_signal, pidfd.get(), signal, nullptr, 0);
}
[[nodiscard]] auto wait_pidfd(const unique_fd& pidfd, std::chrono::milliseconds within) -> bool {
  const auto deadline = std::chrono::steady_clock::now() + within;
  for (;;) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    pollfd p{pidfd.get(), POLLIN, 0};
    const int ready = ::poll(&p, 1, static_cast<int>(std::max<std::int64_t>(left.count(), 0)));
    if (ready >= 0 || errno != EINTR) return ready > 0;
  }
}
void reap(int pid) {
  while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) continue;
}

/// Runs between fork and exec: async-signal-safe calls only, other threads' locks may be held.
[[noreturn]] void become(const char* binary, char* const* arguments, pid_t parent, int lock_fd,
                         int output_fd) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(127);  // It died before the line above could help.
  ::setsid();
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  for (const int s : {SIGINT, SIGTERM, SIGPIPE, SIGHUP, SIGCHLD}) ::signal(s, SIG_DFL);
  const int null_fd = ::open("/dev/null", O_RDONLY);
  ::dup2(null_fd, STDIN_FILENO);
  if (output_fd >= 0) {
    ::dup2(output_fd, STDOUT_FILENO);
    ::dup2(output_fd, STDERR_FILENO);
  }
  if (lock_fd == lock_fd_in_child) {
    ::fcntl(lock_fd, F_SETFD, 0);
  } else if (lock_fd >= 0) {
    ::dup2(lock_fd, lock_fd_in_child);
  }
  const unsigned first_to_close = lock_fd >= 0 ? lock_fd_in_child + 1 : lock_fd_in_child;
  ::syscall(SYS_close_range, first_to_close, ~0U, 0);
  ::execv(binary, arguments);
  ::_exit(127);
}

}  // namespace

auto unique_fd::operator=(unique_fd&& other) noexcept -> unique_fd& {
  if (this != &other) {
    if (fd_ >= 0) ::close(fd_);
    fd_ = std::exchange(other.fd_, -1);
  }
  return *this;
}

unique_fd::~unique_fd() {
  if (fd_ >= 0) ::close(fd_);
}

auto identify(int pid) -> std::optional<process_identity> {
  std::ifstream file{fmt::format("/proc/{}/stat", pid)};
  std::string line;
  if (!std::getline(file, line)) return std::nullopt;
  // The second field is the command's name in parentheses and may hold anything.
  const std::size_t name_end = line.rfind(')');
  if (name_end == std::string::npos) return std::nullopt;
  std::istringstream rest{line.substr(name_end + 1)};
  std::string field;
  for (int i = 3; i < 22; ++i) rest >> field;
  process_identity out{pid, 0};
  if (!(rest >> out.start_time)) return std::nullopt;
  return out;
}

auto end_recorded(const process_identity& recorded, std::chrono::milliseconds politely) -> bool {
  if (recorded.pid <= 1) return true;
  const unique_fd pidfd = open_pidfd(recorded.pid);
  if (!pidfd) return errno == ESRCH;
  // Compared after the descriptor is open: from here on it cannot become another process.
  const auto now = identify(recorded.pid);
  if (!now || now->start_time != recorded.start_time) return true;
  if (wait_pidfd(pidfd, politely)) return true;
  signal_pidfd(pidfd, SIGKILL);
  return wait_pidfd(pidfd, politely);
}

auto child_process::start(const start_options& options) -> result<std::unique_ptr<child_process>> {
  std::vector<std::string> texts{options.binary};
  texts.insert(texts.end(), options.arguments.begin(), options.arguments.end());
  std::vector<char*> arguments;
  for (auto& t : texts) arguments.push_back(t.data());
  arguments.push_back(nullptr);

  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid == 0) {
    become(options.binary.c_str(), arguments.data(), parent, options.inherited_fd,
           options.output_fd);
  }
  if (pid < 0) return fail(fault_code::file_io_failed, "fork", std::strerror(errno));
  unique_fd pidfd = open_pidfd(pid);
  const auto identity = identify(pid);
  if (!pidfd || !identity) {
    ::kill(pid, SIGKILL);  // Not yet reaped, so the pid is still ours.
    reap(pid);
    return fail(fault_code::file_io_failed, "pidfd_open", std::strerror(errno));
  }
  return std::make_unique<child_process>(started{}, *identity, std::move(pidfd));
}

child_process::~child_process() {
  stop(std::chrono::milliseconds{0});
}

auto child_process::alive() -> bool {
  return !wait_end(std::chrono::milliseconds{0});
}

auto child_process::wait_end(std::chrono::milliseconds within) -> bool {
  if (reaped_) return true;
  if (!wait_pidfd(pidfd_, within)) return false;
  reap(identity_.pid);
  reaped_ = true;
  return true;
}

void child_process::stop(std::chrono::milliseconds politely) {
  if (reaped_) return;
  if (politely.count() > 0) {
    signal_pidfd(pidfd_, SIGTERM);
    if (wait_end(politely)) return;
  }
  signal_pidfd(pidfd_, SIGKILL);
  reap(identity_.pid);
  reaped_ = true;
}

}  // namespace bestow::bus
