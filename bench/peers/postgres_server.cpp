#include "bench/peers/postgres_server.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <libpq-fe.h>
#include <pwd.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>
#include <string_view>
#include <vector>

#include "bench/peers/peers.hpp"
#include "bench/peers/postgres_client.hpp"
#include "bench/service.hpp"
#include "bus/child_process.hpp"

namespace bestow::bench {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

constexpr auto ready_within = 60s;
constexpr const char* installations = "/usr/lib/postgresql";  // Debian's: <major>/bin.
/// More room than the defaults, so that no checkpoint falls into a measured section. None of it
/// weakens what a commit promises.
constexpr std::array<const char*, 8> settings{
    "listen_addresses=",      "shared_buffers=512MB",      "max_wal_size=4GB",
    "checkpoint_timeout=1h",  "max_connections=100",       "logging_collector=off",
    "unix_socket_permissions=0700", "client_min_messages=warning"};

struct account {
  uid_t user{0};
  gid_t group{0};
};

auto find_account(const char* name) -> std::optional<account> {
  const auto* p = getpwnam(name);
  return p == nullptr ? std::nullopt : std::optional{account{p->pw_uid, p->pw_gid}};
}

/// The directory that holds `postgres` and `initdb`: Debian's newest, or one of PATH.
auto find_binaries() -> std::optional<fs::path> {
  const auto complete = [](const fs::path& d) {
    return fs::exists(d / "postgres") && fs::exists(d / "initdb");
  };
  std::optional<fs::path> newest;
  int major = 0;
  std::error_code none;
  for (const auto& entry : fs::directory_iterator{installations, none}) {
    const int number = std::atoi(entry.path().filename().c_str());
    if (number > major && complete(entry.path() / "bin")) {
      newest = entry.path() / "bin";
      major = number;
    }
  }
  if (newest) return newest;
  const auto* const path = std::getenv("PATH");
  std::istringstream folders{path == nullptr ? "" : path};
  for (std::string folder; std::getline(folders, folder, ':');)
    if (complete(folder)) return folder;
  return std::nullopt;
}

/// What a program of PostgreSQL said went wrong, or its last line.
auto complaint_in(const std::string& path) -> std::string {
  std::ifstream in{path};
  std::string last;
  for (std::string line; std::getline(in, line);) {
    if (line.find("error:") != line.npos || line.find("FATAL:") != line.npos) return line;
    if (!line.empty()) last = line;
  }
  return last;
}

struct process_times {
  int parent{0};
  double seconds{0};        ///< Used by itself.
  double ended_seconds{0};  ///< Used by its children that have ended.
};

/// Of the process with its folder in /proc; nothing when it has ended meanwhile. Processes here
/// have one thread: schedstat has their nanoseconds, where stat drops up to a tick (10 ms) of each,
/// which would lose most of what 64 of them use.
auto times_of(const fs::path& folder) -> process_times {
  std::ifstream in{folder / "stat"};
  std::string line;
  std::getline(in, line);
  const auto name_end = line.rfind(')');
  process_times t;
  if (name_end == std::string::npos) return t;
  std::istringstream rest{line.substr(name_end + 2)};
  std::string skipped;
  rest >> skipped >> t.parent;
  for (int i = 5; i < 14; ++i) rest >> skipped;  // Fields 5 to 13; then the times.
  std::array<double, 4> ticks{};
  for (auto& n : ticks) rest >> n;
  const auto second = static_cast<double>(sysconf(_SC_CLK_TCK));
  t.seconds = (ticks[0] + ticks[1]) / second;
  t.ended_seconds = (ticks[2] + ticks[3]) / second;
  std::ifstream exact{folder / "schedstat"};
  double nanoseconds = 0;
  if (exact >> nanoseconds) t.seconds = nanoseconds * 1e-9;
  return t;
}

class local_server final : public postgres_server {
 public:
  local_server(const arguments& args, fs::path binaries, std::optional<account> as)
      : place_{args, "postgres"}, binaries_{std::move(binaries)}, as_{as} {
    root_ = fs::absolute(place_.path());
    output_path_ = (root_ / "out").string();
    output_ =
        bus::unique_fd{open(output_path_.c_str(), O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0600)};
  }

  /// @returns "" or why there is no server
  [[nodiscard]] auto start() -> std::string {
    if (as_ && chown(root_.c_str(), as_->user, as_->group) != 0)
      return "cannot give away " + root_.string();
    if (!initialize()) return "initdb failed: " + complaint_in(output_path_);
    if (!serve()) return "it does not start: " + complaint_in(output_path_);
    describe();
    return "";
  }

  ~local_server() override {
    if (child_) child_->stop(30s);
  }

  [[nodiscard]] auto address() const -> const std::string& override { return address_; }
  [[nodiscard]] auto description() const -> const std::string& override { return description_; }

  [[nodiscard]] auto cpu_seconds() const -> double override {
    const int pid = child_->identity().pid;
    const auto own = times_of(fmt::format("/proc/{}", pid));
    auto seconds = own.seconds + own.ended_seconds;
    for (const auto& entry : fs::directory_iterator{"/proc"}) {
      if (entry.path().filename().string().find_first_not_of("0123456789") != std::string::npos)
        continue;
      const auto t = times_of(entry.path());
      if (t.parent == pid) seconds += t.seconds;
    }
    return seconds;
  }

 private:
  /// Runs a program of PostgreSQL, which refuses root: then as somebody else, whose death signal
  /// must be asked for again (it is lost with the change of user).
  auto spawn(const std::string& name, const std::vector<std::string>& arguments)
      -> std::unique_ptr<bus::child_process> {
    bus::child_process::start_options o;
    o.binary = (binaries_ / name).string();
    o.output_fd = output_.get();
    if (as_) {
      o.arguments = {fmt::format("--reuid={}", as_->user), fmt::format("--regid={}", as_->group),
                     "--clear-groups", "--pdeathsig=INT", "--", o.binary};
      o.binary = "/usr/bin/setpriv";
    }
    o.arguments.insert(o.arguments.end(), arguments.begin(), arguments.end());
    return must(bus::child_process::start(o));
  }

  [[nodiscard]] auto initialize() -> bool {
    const auto made = spawn("initdb", {"-D", (root_ / "data").string(), "-U", "bench", "-A",
                                       "trust", "-E", "UTF8", "--locale=C.UTF-8"});
    return made->wait_end(ready_within) && fs::exists(root_ / "data" / "global" / "pg_control");
  }

  [[nodiscard]] auto serve() -> bool {
    address_ = fmt::format("host={} user=bench dbname=postgres", root_.string());
    std::vector<std::string> arguments{"-D", (root_ / "data").string(), "-k", root_.string()};
    for (const auto* s : settings) arguments.insert(arguments.end(), {"-c", s});
    child_ = spawn("postgres", arguments);
    const auto deadline = std::chrono::steady_clock::now() + ready_within;
    while (PQping(address_.c_str()) != PQPING_OK) {
      if (!child_->alive() || std::chrono::steady_clock::now() > deadline) return false;
      pause_a_moment(10);
    }
    return true;
  }

  void describe() {
    postgres_client client{*this};
    description_ = "PostgreSQL";
    for (const auto* name : {"server_version", "fsync", "synchronous_commit", "full_page_writes",
                             "wal_level", "wal_sync_method", "shared_buffers", "max_wal_size",
                             "autovacuum"})
      description_ += fmt::format(
          " {}={}", name, client.run(fmt::format("SHOW {}", name)).text(0, 0));
  }

  scratch place_;
  fs::path binaries_;
  std::optional<account> as_;
  fs::path root_;
  std::string output_path_;
  bus::unique_fd output_;
  std::string address_;
  std::string description_;
  std::unique_ptr<bus::child_process> child_;
};

}  // namespace

auto start_postgres(const arguments& args) -> std::unique_ptr<postgres_server> {
  if (!wants_peers(args)) return nullptr;
  const auto without = [](const std::string& why) {
    fmt::print("PostgreSQL is left out: {}\n", why);
    return std::unique_ptr<postgres_server>{};
  };
  auto binaries = find_binaries();
  if (!binaries) return without("no server here; Debian's package is postgresql");
  std::optional<account> as;
  if (geteuid() == 0) {
    as = find_account("postgres");
    if (!as) as = find_account("nobody");
    if (!as) return without("it refuses root, and there is no user postgres or nobody");
    if (!fs::exists("/usr/bin/setpriv")) return without("it refuses root, and there is no setpriv");
  }
  auto server = std::make_unique<local_server>(args, std::move(*binaries), as);
  const auto why_not = server->start();
  if (!why_not.empty()) return without(why_not + " (--dir puts the data elsewhere)");
  return server;
}

}  // namespace bestow::bench
