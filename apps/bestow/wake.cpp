#include "apps/bestow/wake.hpp"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>
#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>

#include "events/assert.hpp"

namespace bestow::apps {
namespace {

// A signal handler can only reach what is global.
std::atomic<bool> stop_signal{false};
std::atomic<int> wake_end{-1};
std::atomic<int> wait_end{-1};

void ring() {
  const char byte = 0;
  [[maybe_unused]] const auto written =
      write(wake_end.load(), &byte, 1);  // Full: it rings already.
}

extern "C" void on_signal(int number) {
  const int saved = errno;
  if (number == SIGTERM || number == SIGINT) stop_signal = true;
  ring();
  errno = saved;
}

extern "C" void on_alarm(int) {
  constexpr std::string_view text = "bestow did not stop in time and ends hard\n";
  [[maybe_unused]] const auto written = write(STDERR_FILENO, text.data(), text.size());
  _exit(1);
}

void handle(int number, void (*handler)(int)) {
  struct sigaction action {};
  action.sa_handler = handler;
  action.sa_flags = SA_RESTART;
  sigaction(number, &action, nullptr);
}

}  // namespace

wake::wake() {
  std::array<int, 2> ends{};
  BESTOW_ASSERT(pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK) == 0);
  stop_signal = false;
  wait_end = ends[0];
  wake_end = ends[1];
  handle(SIGTERM, on_signal);
  handle(SIGINT, on_signal);
  handle(SIGCHLD, on_signal);
  handle(SIGALRM, on_alarm);
  handle(SIGPIPE, SIG_IGN);
  handle(SIGHUP, SIG_IGN);
}

wake::~wake() {
  for (const int number : {SIGTERM, SIGINT, SIGCHLD}) handle(number, SIG_DFL);
  close(wait_end.exchange(-1));
  close(wake_end.exchange(-1));
}

void wake::wait(std::chrono::milliseconds within) {
  pollfd waiting{wait_end.load(), POLLIN, 0};
  if (poll(&waiting, 1, static_cast<int>(within.count())) <= 0) return;
  std::array<char, 64> bytes{};
  while (read(waiting.fd, bytes.data(), bytes.size()) > 0) {
  }
}

auto wake::stop_wanted() const -> bool {
  return stop_signal.load();
}

void wake::give_up(const fault& why) {
  {
    const std::lock_guard lock{mutex_};
    if (!fatal_) fatal_ = why;
  }
  ring();
}

auto wake::fatal() const -> std::optional<fault> {
  const std::lock_guard lock{mutex_};
  return fatal_;
}

void wake::end_within(std::chrono::seconds within) {
  alarm(static_cast<unsigned>(within.count()));
}

}  // namespace bestow::apps
