// The child server: it follows its parent, one at a time, on one port.
#include "bus/embedded_server.hpp"

#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "bus/child_process.hpp"
#include "tests/bus/bus_fixture.hpp"
#include "tests/catch.hpp"

using namespace bestow;
using namespace bestow::bus;
using namespace bestow::test;
using namespace std::chrono_literals;

namespace {

/// The server, or nullptr with a loud warning where nats-server is not installed.
auto start_in(const std::string& directory, std::uint64_t seed = 1)
    -> std::unique_ptr<embedded_server> {
  seeded_randomness random{seed};
  auto server = start_embedded_server({directory, "nats-server"}, random);
  if (server) return std::move(*server);
  const std::string why = to_string(server.error());
  if (why.find("is not installed") == std::string::npos) FAIL(why);
  WARN("SKIPPED, nothing was tested: " << why);
  return nullptr;
}

/// True when process `pid` has ended within the time; it need not be our child.
auto ends_within(int pid, std::chrono::milliseconds time) -> bool {
  const unique_fd pidfd{static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))};
  if (!pidfd) return errno == ESRCH;
  pollfd p{pidfd.get(), POLLIN, 0};
  return ::poll(&p, 1, static_cast<int>(time.count())) > 0;
}

auto text_of(const std::filesystem::path& path) -> std::string {
  std::ifstream file{path};
  return {std::istreambuf_iterator<char>{file}, {}};
}

auto mode_of(const std::string& path) -> unsigned {
  struct stat s {};
  REQUIRE(::stat(path.c_str(), &s) == 0);
  return s.st_mode & 0777U;
}

/// A process of its own that runs a server and never ends by itself.
struct parent_process {
  int pid{0};
  int server_pid{0};
};
auto fork_parent(const std::string& directory) -> parent_process {
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  parent_process out;
  out.pid = ::fork();
  if (out.pid == 0) {
    seeded_randomness random{7};
    auto server = start_embedded_server({directory, "nats-server"}, random);
    const int server_pid = server ? (*server)->pid() : 0;
    if (::write(ends[1], &server_pid, sizeof server_pid) < 0) ::_exit(1);
    for (;;) ::pause();
  }
  REQUIRE(::read(ends[0], &out.server_pid, sizeof out.server_pid) == sizeof out.server_pid);
  ::close(ends[0]);
  ::close(ends[1]);
  return out;
}
void kill_and_reap(int pid) {
  REQUIRE(::kill(pid, SIGKILL) == 0);
  REQUIRE(::waitpid(pid, nullptr, 0) == pid);
}

}  // namespace

TEST_CASE("a server that is started answers with JetStream, and is gone when it is let go",
          "[contract][embedded]") {
  const temporary_directory base;
  auto server = start_in(base.path() + "/nats");
  if (!server) return;
  CHECK(server->alive());
  const int pid = server->pid();
  {
    auto client = connect_nats(server->client_options());
    REQUIRE(client);
    CHECK((*client)->ensure_stream(stream_s()));
    CHECK_FALSE((*client)->server_version().empty());
  }
  server.reset();
  CHECK(ends_within(pid, 0ms));
}

TEST_CASE("credentials stand in files only their owner reads, and in no command line",
          "[contract][embedded]") {
  const temporary_directory base;
  const std::string directory = base.path() + "/nats";
  const auto server = start_in(directory);
  if (!server) return;
  const auto options = server->client_options();
  CHECK(options.password.size() >= 32);
  CHECK(mode_of(directory) == 0700);
  CHECK(mode_of(directory + "/nats-server.conf") == 0600);
  CHECK(mode_of(directory + "/client.url") == 0600);
  CHECK(text_of("/proc/" + std::to_string(server->pid()) + "/cmdline").find(options.password) ==
        std::string::npos);
  CHECK(text_of(directory + "/client.url").find(options.password) != std::string::npos);

  nats_options by_file;
  by_file.url = "@" + directory + "/client.url";
  CHECK(connect_nats(by_file));
  auto stranger = options;
  stranger.password = "guess";
  const auto refused = connect_nats(stranger);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == fault_code::broker_access_refused);
  CHECK(to_string(refused.error()).find("guess") == std::string::npos);
}

TEST_CASE("credentials are new at each start, the port stays", "[contract][embedded]") {
  const temporary_directory base;
  auto server = start_in(base.path() + "/nats", 1);
  if (!server) return;
  const auto first = server->client_options();
  server.reset();
  server = start_in(base.path() + "/nats", 2);
  REQUIRE(server);
  CHECK(server->client_options().url == first.url);
  CHECK(server->client_options().password != first.password);
}

TEST_CASE("a child that died is seen, and starts again with what it had stored",
          "[contract][embedded]") {
  const temporary_directory base;
  auto server = start_in(base.path() + "/nats");
  if (!server) return;
  const auto options = server->client_options();
  {
    auto client = connect_nats(options);
    REQUIRE(client);
    REQUIRE((*client)->ensure_stream(stream_s()));
    REQUIRE((*client)->publish("s.0", "kept", 0, "", {}) == 1);
  }
  const int pid = server->pid();
  REQUIRE(::kill(pid, SIGKILL) == 0);
  CHECK(ends_within(pid, 5'000ms));
  CHECK_FALSE(server->alive());
  REQUIRE(server->restart());
  CHECK(server->alive());
  CHECK(server->pid() != pid);
  CHECK(server->client_options().url == options.url);
  auto client = connect_nats(options);
  REQUIRE(client);
  CHECK((*client)->read("S", 1).value()->payload == "kept");
}

TEST_CASE("the server dies with its parent, and the next parent takes its place",
          "[contract][embedded]") {
  const temporary_directory base;
  const std::string directory = base.path() + "/nats";
  if (!start_in(directory)) return;
  const auto parent = fork_parent(directory);
  REQUIRE(parent.server_pid > 0);
  kill_and_reap(parent.pid);
  // At once: the old child may still hold the lock and the port.
  const auto server = start_in(directory);
  REQUIRE(server);
  CHECK(ends_within(parent.server_pid, 0ms));
  CHECK(server->pid() != parent.server_pid);
}

TEST_CASE("a recorded server that does not follow its parent is ended before another starts",
          "[contract][embedded]") {
  const temporary_directory base;
  const std::string directory = base.path() + "/nats";
  if (!start_in(directory)) return;
  const int stuck = ::fork();
  if (stuck == 0) {
    for (;;) ::pause();
  }
  const auto identity = identify(stuck);
  REQUIRE(identity);
  std::ofstream{directory + "/PID"} << stuck << " " << identity->start_time << "\n";
  const auto server = start_in(directory);
  REQUIRE(server);
  CHECK(ends_within(stuck, 0ms));
  REQUIRE(::waitpid(stuck, nullptr, 0) == stuck);
}

TEST_CASE("a recorded pid that has become another process is left alone", "[contract][embedded]") {
  const temporary_directory base;
  const std::string directory = base.path() + "/nats";
  if (!start_in(directory)) return;
  const int bystander = ::fork();
  if (bystander == 0) {
    for (;;) ::pause();
  }
  std::ofstream{directory + "/PID"} << bystander << " 1\n";
  const auto server = start_in(directory);
  REQUIRE(server);
  CHECK_FALSE(ends_within(bystander, 0ms));
  kill_and_reap(bystander);
}

TEST_CASE("a port that is taken meanwhile is replaced by a free one", "[contract][embedded]") {
  const temporary_directory one;
  const temporary_directory two;
  const auto first = start_in(one.path() + "/nats");
  if (!first) return;
  const std::string url = first->client_options().url;
  std::filesystem::create_directories(two.path() + "/nats");
  std::ofstream{two.path() + "/nats/PORT"} << url.substr(url.rfind(':') + 1) << "\n";
  const auto second = start_in(two.path() + "/nats");
  REQUIRE(second);
  CHECK(second->client_options().url != url);
}

TEST_CASE("a missing or broken binary is named", "[contract][embedded]") {
  const temporary_directory base;
  seeded_randomness random{1};
  const auto missing = start_embedded_server({base.path(), "no-such-server"}, random);
  REQUIRE_FALSE(missing);
  CHECK(missing.error().code == fault_code::broker_unavailable);
  CHECK(missing.error().detail.find("no-such-server is not installed") != std::string::npos);
  const auto broken = start_embedded_server({base.path(), "/bin/false"}, random);
  REQUIRE_FALSE(broken);
  CHECK(broken.error().detail.find("/bin/false did not come up") != std::string::npos);
}
