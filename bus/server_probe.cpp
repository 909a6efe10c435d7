#include "bus/server_probe.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <memory>
#include <nlohmann/json.hpp>

namespace bestow::bus {
namespace {

using steady = std::chrono::steady_clock;

constexpr std::size_t greeting_bytes_max = 16 * 1024;

class socket_fd {
 public:
  explicit socket_fd(int fd) : fd_{fd} {}
  socket_fd(const socket_fd&) = delete;
  auto operator=(const socket_fd&) -> socket_fd& = delete;
  ~socket_fd() {
    if (fd_ >= 0) ::close(fd_);
  }
  [[nodiscard]] auto get() const -> int { return fd_; }

 private:
  int fd_;
};

[[nodiscard]] auto wait_for(int fd, short events, steady::time_point deadline) -> bool {
  const auto left =
      std::chrono::duration_cast<std::chrono::milliseconds>(deadline - steady::now()).count();
  if (left <= 0) return false;
  pollfd p{fd, events, 0};
  return ::poll(&p, 1, static_cast<int>(left)) > 0;
}

[[nodiscard]] auto connect_socket(const host_and_port& address, steady::time_point deadline)
    -> std::unique_ptr<socket_fd> {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const std::string port = std::to_string(address.port);
  if (::getaddrinfo(address.host.c_str(), port.c_str(), &hints, &found) != 0) return nullptr;
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner{found, &::freeaddrinfo};
  for (const addrinfo* a = found; a != nullptr; a = a->ai_next) {
    const int type = a->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC;
    auto fd = std::make_unique<socket_fd>(::socket(a->ai_family, type, a->ai_protocol));
    if (fd->get() < 0) continue;
    if (::connect(fd->get(), a->ai_addr, a->ai_addrlen) == 0) return fd;
    if (errno != EINPROGRESS || !wait_for(fd->get(), POLLOUT, deadline)) continue;
    int error = 0;
    socklen_t size = sizeof error;
    if (::getsockopt(fd->get(), SOL_SOCKET, SO_ERROR, &error, &size) == 0 && error == 0) return fd;
  }
  return nullptr;
}

[[nodiscard]] auto read_line(int fd, steady::time_point deadline) -> std::string {
  std::string line;
  char buffer[1'024];
  while (line.size() < greeting_bytes_max && wait_for(fd, POLLIN, deadline)) {
    const ssize_t got = ::recv(fd, buffer, sizeof buffer, 0);
    if (got <= 0) break;
    line.append(buffer, static_cast<std::size_t>(got));
    if (const std::size_t end = line.find('\n'); end != std::string::npos) {
      return line.substr(0, end);
    }
  }
  return {};
}

}  // namespace

auto address_of(std::string_view url) -> host_and_port {
  if (const auto scheme = url.find("://"); scheme != std::string_view::npos) {
    url.remove_prefix(scheme + 3);
  }
  if (const auto at = url.rfind('@'); at != std::string_view::npos) url.remove_prefix(at + 1);
  url = url.substr(0, url.find_first_of("/,"));
  host_and_port out{std::string{url}, 4'222};
  const auto colon = url.rfind(':');
  const bool bare_ipv6 = colon != std::string_view::npos && url.find(']', colon) != url.npos;
  if (colon != std::string_view::npos && !bare_ipv6) {
    const auto digits = url.substr(colon + 1);
    std::from_chars(digits.data(), digits.data() + digits.size(), out.port);
    out.host = url.substr(0, colon);
  }
  if (out.host.starts_with('[') && out.host.ends_with(']')) {
    out.host = out.host.substr(1, out.host.size() - 2);
  }
  return out;
}

auto version_less(std::string_view a, std::string_view b) -> bool {
  const auto numbers = [](std::string_view text) {
    std::array<unsigned, 3> out{};
    if (text.starts_with('v')) text.remove_prefix(1);
    for (auto& n : out) {
      const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
      if (error != std::errc{}) break;
      text.remove_prefix(static_cast<std::size_t>(end - text.data()));
      if (!text.starts_with('.')) break;
      text.remove_prefix(1);
    }
    return out;
  };
  return numbers(a) < numbers(b);
}

auto read_greeting(const host_and_port& address, std::chrono::milliseconds within)
    -> result<server_greeting> {
  const auto deadline = steady::now() + within;
  const auto where = fmt::format("{}:{}", address.host, address.port);
  const auto fd = connect_socket(address, deadline);
  if (!fd) return fail(fault_code::broker_unavailable, "connect", where);
  const std::string line = read_line(fd->get(), deadline);
  constexpr std::string_view prefix = "INFO ";
  if (!line.starts_with(prefix)) {
    return fail(fault_code::broker_unavailable, "read_greeting", where + " does not greet as NATS");
  }
  const auto info = nlohmann::json::parse(line.substr(prefix.size()), nullptr, false);
  if (!info.is_object()) {
    return fail(fault_code::broker_unavailable, "read_greeting", where + " greets unreadably");
  }
  const auto text = [&info](const char* key) {
    const auto found = info.find(key);
    return found != info.end() && found->is_string() ? found->get<std::string>() : std::string{};
  };
  server_greeting out{text("version"), text("server_name"), false};
  if (const auto j = info.find("jetstream"); j != info.end() && j->is_boolean()) {
    out.jetstream = j->get<bool>();
  }
  return out;
}

}  // namespace bestow::bus
