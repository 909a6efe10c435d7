#include "apps/system/command_output.hpp"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>

#include "events/limits.hpp"

extern char** environ;

namespace bestow::apps {
namespace {

struct running {
  pid_t pid{-1};
  int out{-1};
};

auto spawn(const std::vector<std::string>& command) -> result<running> {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0)
    return fail(fault_code::file_io_failed, "pipe2", std::strerror(errno));
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
  posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
  std::vector<char*> argv;
  for (const auto& word : command) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  running child;
  const int error = posix_spawnp(&child.pid, argv[0], &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  close(ends[1]);
  child.out = ends[0];
  if (error == 0) return child;
  close(ends[0]);
  return fail(fault_code::file_io_failed, "posix_spawnp", command[0] + ": " + std::strerror(error));
}

/// Reads until the child closes its stdout. False: time is up.
auto read_output(int from, std::chrono::milliseconds within, std::string& output) -> bool {
  using std::chrono::steady_clock;
  const auto deadline = steady_clock::now() + within;
  std::array<char, limits::command_output_bytes_max> piece{};
  for (;;) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - steady_clock::now());
    if (left.count() <= 0) return false;
    pollfd waiting{from, POLLIN, 0};
    if (poll(&waiting, 1, static_cast<int>(left.count())) <= 0) continue;
    const auto got = read(from, piece.data(), piece.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return true;
    const auto room = limits::command_output_bytes_max - output.size();
    output.append(piece.data(), std::min(room, static_cast<std::size_t>(got)));
  }
}

}  // namespace

auto command_output(const std::vector<std::string>& command, std::chrono::milliseconds within)
    -> result<std::string> {
  auto child = spawn(command);
  if (!child) return tl::unexpected(child.error());
  std::string output;
  const bool ended = read_output(child->out, within, output);
  close(child->out);
  if (!ended) kill(child->pid, SIGKILL);
  int status = 0;
  while (waitpid(child->pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (!ended) return fail(fault_code::outcome_unknown, "command_output", command[0]);
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
    return fail(fault_code::file_io_failed, "command_output", command[0] + " failed");
  return output;
}

}  // namespace bestow::apps
