#include "bus/embedded_server.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <mutex>

#include "bus/child_process.hpp"
#include "bus/server_probe.hpp"

namespace bestow::bus {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using steady = std::chrono::steady_clock;

constexpr auto ready_within = 10'000ms;
constexpr auto stop_within = 5'000ms;
/// How long a previous child may take to follow its parent before it is killed.
constexpr auto follow_within = 2'000ms;
constexpr auto try_again_every = 5ms;
/// A port that was free may be taken by someone else before the child binds it.
constexpr int port_tries = 3;
constexpr std::uint64_t log_bytes_max = 8 * 1024 * 1024;
/// nats-server 2.9 never removes the logs it has rotated.
constexpr std::size_t old_logs_max = 2;
constexpr std::size_t detail_bytes_max = 600;

[[nodiscard]] auto io_fault(std::string_view operation, const fs::path& path) {
  return fail(fault_code::file_io_failed, operation,
              fmt::format("{}: {}", path.string(), std::strerror(errno)));
}

/// Replaces a file in one step; only its owner can read it.
[[nodiscard]] auto write_private(const fs::path& path, const std::string& text) -> result<void> {
  const fs::path temporary = path.string() + ".tmp";
  const unique_fd fd{::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600)};
  if (!fd || ::fchmod(fd.get(), 0600) != 0) return io_fault("open", temporary);
  if (::write(fd.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
    return io_fault("write", temporary);
  }
  if (::rename(temporary.c_str(), path.c_str()) != 0) return io_fault("rename", path);
  return {};
}

/// A loopback port nobody listens on: `wanted` if it is free, else the kernel's choice; 0 = none.
[[nodiscard]] auto free_port(std::uint16_t wanted) -> std::uint16_t {
  const unique_fd fd{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  const int on = 1;
  ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = ::htonl(INADDR_LOOPBACK);
  address.sin_port = ::htons(wanted);
  const auto* const generic = reinterpret_cast<const sockaddr*>(&address);
  if (::bind(fd.get(), generic, sizeof address) != 0) return wanted == 0 ? 0 : free_port(0);
  socklen_t size = sizeof address;
  ::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &size);
  return ::ntohs(address.sin_port);
}

[[nodiscard]] auto quoted(const std::string& text) -> std::string {
  std::string out{'"'};
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

[[nodiscard]] auto last_lines(const fs::path& path) -> std::string {
  std::ifstream file{path, std::ios::binary};
  std::string text{std::istreambuf_iterator<char>{file}, {}};
  if (text.size() > detail_bytes_max) text.erase(0, text.size() - detail_bytes_max);
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text;
}

class server final : public embedded_server {
 public:
  server(fs::path directory, std::string binary)
      : directory_{std::move(directory)}, binary_{std::move(binary)} {}

  ~server() override {
    const std::lock_guard lock{mutex_};
    if (child_) child_->stop(stop_within);
    std::error_code ignored;
    fs::remove(pid_path(), ignored);
    fs::remove(url_path(), ignored);
  }

  [[nodiscard]] auto start(randomness& random) -> result<void> {
    if (auto locked = take_lock(); !locked) return locked;
    if (auto ended = end_previous(); !ended) return ended;
    user_ = "bestow";
    name_ = fmt::format("bestow-{:016x}", random.next());
    password_ = fmt::format("{:016x}{:016x}{:016x}{:016x}", random.next(), random.next(),
                            random.next(), random.next());
    port_ = recorded_port();
    result<void> up;
    for (int i = 0; i < port_tries; ++i) {
      port_ = free_port(port_);
      up = launch();
      if (up) return up;
      port_ = 0;
    }
    return up;
  }

  [[nodiscard]] auto client_options() const -> nats_options override {
    nats_options out;
    out.url = fmt::format("nats://127.0.0.1:{}", port_);
    out.user = user_;
    out.password = password_;
    return out;
  }
  [[nodiscard]] auto alive() -> bool override {
    const std::lock_guard lock{mutex_};
    return child_ && child_->alive();
  }
  [[nodiscard]] auto restart() -> result<void> override {
    const std::lock_guard lock{mutex_};
    child_.reset();
    return launch();
  }
  [[nodiscard]] auto pid() const -> int override {
    const std::lock_guard lock{mutex_};
    return child_ ? child_->identity().pid : 0;
  }

 private:
  [[nodiscard]] auto pid_path() const -> fs::path { return directory_ / "PID"; }
  [[nodiscard]] auto port_path() const -> fs::path { return directory_ / "PORT"; }
  [[nodiscard]] auto url_path() const -> fs::path { return directory_ / "client.url"; }
  [[nodiscard]] auto config_path() const -> fs::path { return directory_ / "nats-server.conf"; }
  [[nodiscard]] auto log_path() const -> fs::path { return directory_ / "nats-server.log"; }
  [[nodiscard]] auto output_path() const -> fs::path { return directory_ / "nats-server.out"; }

  /// The descriptor is inherited by the child, so the lock lives as long as either of us.
  [[nodiscard]] auto take_lock() -> result<void> {
    const fs::path path = directory_ / "LOCK";
    lock_ = unique_fd{::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)};
    if (!lock_) return io_fault("open", path);
    const auto deadline = steady::now() + follow_within;
    while (::flock(lock_.get(), LOCK_EX | LOCK_NB) != 0) {
      if (errno != EWOULDBLOCK && errno != EINTR) return io_fault("flock", path);
      // A child whose parent has just died is on its way out; one that is not gets ended.
      if (auto ended = end_previous(); !ended) return ended;
      if (steady::now() > deadline) {
        return fail(fault_code::broker_unavailable, "flock",
                    path.string() + " is held by a process that is not ours");
      }
      ::poll(nullptr, 0, static_cast<int>(try_again_every.count()));
    }
    return {};
  }

  /// Two servers on one store start without complaint, so the recorded one must be gone.
  [[nodiscard]] auto end_previous() const -> result<void> {
    process_identity recorded;
    std::ifstream file{pid_path()};
    if (!(file >> recorded.pid >> recorded.start_time)) return {};
    if (end_recorded(recorded, follow_within)) return {};
    return fail(fault_code::broker_unavailable, "kill",
                fmt::format("a previous nats-server (pid {}) does not end", recorded.pid));
  }

  [[nodiscard]] auto recorded_port() const -> std::uint16_t {
    std::ifstream file{port_path()};
    std::uint16_t port = 0;
    return file >> port ? port : std::uint16_t{0};
  }

  [[nodiscard]] auto write_files() const -> result<void> {
    const std::string config = fmt::format(
        "server_name: \"{}\"\n"
        "listen: \"127.0.0.1:{}\"\n"
        "jetstream {{\n  store_dir: {}\n}}\n"
        "authorization {{\n  user: \"{}\"\n  password: \"{}\"\n}}\n"
        "log_file: {}\nlogfile_size_limit: {}\n",
        name_, port_, quoted(directory_.string()), user_, password_, quoted(log_path().string()),
        log_bytes_max);
    const std::string url = fmt::format("nats://{}:{}@127.0.0.1:{}\n", user_, password_, port_);
    return write_private(config_path(), config)
        .and_then([&] { return write_private(port_path(), fmt::format("{}\n", port_)); })
        .and_then([&] { return write_private(url_path(), url); });
  }

  void remove_old_logs() const {
    std::vector<fs::path> old;
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator{directory_, ignored}) {
      const std::string name = entry.path().filename().string();
      if (name.starts_with("nats-server.log.")) old.push_back(entry.path());
    }
    std::sort(old.begin(), old.end());  // Their names end with their time.
    for (std::size_t i = 0; i + old_logs_max < old.size(); ++i) fs::remove(old[i], ignored);
  }

  [[nodiscard]] auto launch() -> result<void> {
    remove_old_logs();
    if (auto written = write_files(); !written) return written;
    const unique_fd output{
        ::open(output_path().c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600)};
    if (!output) return io_fault("open", output_path());
    auto child = child_process::start(
        {binary_, {"--config", config_path().string()}, lock_.get(), output.get()});
    if (!child) return tl::unexpected<fault>{std::move(child.error())};
    child_ = std::move(*child);
    const auto& id = child_->identity();
    auto recorded = write_private(pid_path(), fmt::format("{} {}\n", id.pid, id.start_time));
    if (!recorded) return recorded;
    return await_ready();
  }

  [[nodiscard]] auto await_ready() -> result<void> {
    const auto deadline = steady::now() + ready_within;
    while (steady::now() < deadline) {
      const auto greeting = read_greeting({"127.0.0.1", port_}, ready_within);
      // By name: a stranger may have taken the port before the child did.
      if (greeting && greeting->server_name == name_ && greeting->jetstream) return {};
      if (child_->wait_end(try_again_every)) break;
    }
    child_.reset();
    return fail(fault_code::broker_unavailable, "nats-server",
                fmt::format("{} did not come up: {} {}", binary_, last_lines(output_path()),
                            last_lines(log_path())));
  }

  const fs::path directory_;
  const std::string binary_;
  mutable std::mutex mutex_;
  unique_fd lock_;  // Before the child: released after it has ended.
  std::unique_ptr<child_process> child_;
  std::uint16_t port_{0};
  std::string name_;
  std::string user_;
  std::string password_;
};

}  // namespace

auto find_server(const std::string& binary) -> std::optional<std::string> {
  if (binary.find('/') != std::string::npos) {
    return ::access(binary.c_str(), X_OK) == 0 ? std::optional{binary} : std::nullopt;
  }
  const char* const path = std::getenv("PATH");
  std::string folders = fmt::format("{}:/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin",
                                    path == nullptr ? "" : path);
  for (std::size_t at = 0; at < folders.size();) {
    const std::size_t end = std::min(folders.find(':', at), folders.size());
    const std::string candidate = folders.substr(at, end - at) + "/" + binary;
    if (end > at && ::access(candidate.c_str(), X_OK) == 0) return candidate;
    at = end + 1;
  }
  return std::nullopt;
}

auto start_embedded_server(const embedded_options& options, randomness& random)
    -> result<std::unique_ptr<embedded_server>> {
  const auto binary = find_server(options.binary);
  if (!binary) {
    return fail(fault_code::broker_unavailable, "nats-server",
                options.binary + " is not installed (Debian: apt-get install nats-server)");
  }
  std::error_code error;
  const fs::path directory = fs::absolute(options.directory, error);
  fs::create_directories(directory, error);
  if (error || ::chmod(directory.c_str(), 0700) != 0) return io_fault("mkdir", directory);
  auto out = std::make_unique<server>(directory, *binary);
  if (auto started = out->start(random); !started) {
    return tl::unexpected<fault>{std::move(started.error())};
  }
  return out;
}

}  // namespace bestow::bus
