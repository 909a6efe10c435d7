#include "apps/measure/guarded.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>

namespace bestow::measure {
namespace {

auto io_fault(std::string_view operation) -> tl::unexpected<fault> {
  return fail(fault_code::file_io_failed, operation, std::generic_category().message(errno));
}

void write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const auto n = ::write(fd, text.data(), text.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) ::_exit(1);  // Nobody listens any more.
    text.remove_prefix(static_cast<std::size_t>(n));
  }
}

[[noreturn]] void be_the_job(const interruption& watch, pid_t parent, int out,
                             const std::function<int(const line_sink&)>& job) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(1);  // It died before the line above.
  ::setsid();                             // A Ctrl-C is its parent's business.
  const rlimit none{0, 0};
  ::setrlimit(RLIMIT_CORE, &none);
  for (const int s : {SIGINT, SIGTERM, SIGHUP}) ::signal(s, SIG_DFL);
  ::signal(SIGPIPE, SIG_IGN);
  ::pthread_sigmask(SIG_SETMASK, &watch.mask_before(), nullptr);
  if (const int nowhere = ::open("/dev/null", O_WRONLY); nowhere >= 0)
    ::dup2(nowhere, STDOUT_FILENO);
  const int code = job([out](std::string_view line) {
    std::string text{line};
    for (auto& c : text)
      if (c == '\n') c = ' ';
    write_all(out, text + '\n');
  });
  ::_exit(code);  // Nothing of the parent's is flushed or destroyed twice.
}

/// Hands over whole lines until the other end is closed.
/// @returns whether the job is to be killed
auto listen(interruption& watch, int from, const line_taker& on_line) -> bool {
  std::string text;
  std::array<char, 4096> piece{};
  for (;;) {
    std::array<pollfd, 2> ready{{{from, POLLIN, 0}, {watch.descriptor(), POLLIN, 0}}};
    if (::poll(ready.data(), ready.size(), -1) < 0 && errno != EINTR) return false;
    if (watch.signal() != 0) return true;
    if (ready[0].revents == 0) continue;
    const auto got = ::read(from, piece.data(), piece.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    text.append(piece.data(), static_cast<std::size_t>(got));
    for (auto end = text.find('\n'); end != std::string::npos; end = text.find('\n')) {
      if (!on_line(std::string_view{text}.substr(0, end))) return true;
      text.erase(0, end + 1);
    }
  }
}

}  // namespace

auto interruption::open() -> result<interruption> {
  sigset_t taken;
  sigset_t before;
  ::sigemptyset(&taken);
  for (const int s : {SIGINT, SIGTERM, SIGHUP}) ::sigaddset(&taken, s);
  bus::unique_fd fd{::signalfd(-1, &taken, SFD_NONBLOCK | SFD_CLOEXEC)};
  if (!fd) return io_fault("signalfd");
  ::sigaddset(&taken, SIGPIPE);
  ::pthread_sigmask(SIG_BLOCK, &taken, &before);
  return interruption{std::move(fd), before};
}

interruption::~interruption() {
  if (fd_) ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

auto interruption::signal() -> int {
  signalfd_siginfo info{};
  if (seen_ == 0 && ::read(fd_.get(), &info, sizeof info) == sizeof info)
    seen_ = static_cast<int>(info.ssi_signo);
  return seen_;
}

auto run_guarded(interruption& watch, const std::function<int(const line_sink& say)>& job,
                 const line_taker& on_line) -> result<job_end> {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return io_fault("pipe2");
  const bus::unique_fd listening{ends[0]};
  bus::unique_fd speaking{ends[1]};
  const pid_t parent = ::getpid();
  const pid_t child = ::fork();
  if (child == 0) be_the_job(watch, parent, speaking.get(), job);
  if (child < 0) return io_fault("fork");
  speaking = {};
  job_end end;
  end.interrupted = listen(watch, listening.get(), on_line);
  if (end.interrupted) ::kill(child, SIGKILL);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFSIGNALED(status))
    end.crashed = end.interrupted ? 0 : WTERMSIG(status);
  else
    end.code = WEXITSTATUS(status);
  return end;
}

}  // namespace bestow::measure
