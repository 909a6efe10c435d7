#include "bench/service.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <httplib.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <charconv>
#include <chrono>
#include <filesystem>

#include "bench/harness.hpp"

namespace bestow::bench {
namespace {

using steady = std::chrono::steady_clock;
constexpr auto ready_within = std::chrono::seconds{120};

auto free_port() -> int {
  const bus::unique_fd fd{socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof at;
  auto* address = reinterpret_cast<sockaddr*>(&at);
  require(fd && bind(fd.get(), address, length) == 0 &&
              getsockname(fd.get(), address, &length) == 0,
          "no free port");
  return ntohs(at.sin_port);
}

}  // namespace

struct http_connection {
  explicit http_connection(int port) : client{"127.0.0.1", port} {
    client.set_keep_alive(true);
    client.set_tcp_nodelay(true);
    client.set_connection_timeout(2);
    client.set_read_timeout(600);  // Sealing a large list takes its time.
    client.set_write_timeout(600);
  }
  httplib::Client client;
};

auto number_in(std::string_view json, std::string_view name) -> std::uint64_t {
  const auto key = fmt::format("\"{}\":", name);
  auto at = json.find(key);
  require(at != std::string_view::npos, fmt::format("no {} in {}", name, json.substr(0, 300)));
  at = json.find_first_of("0123456789", at + key.size());
  std::uint64_t n = 0;
  std::from_chars(json.data() + at, json.data() + json.size(), n);
  return n;
}

void pause_a_moment(int milliseconds) { poll(nullptr, 0, milliseconds); }

service::service(std::string binary, std::string data)
    : binary_{std::move(binary)}, data_{std::move(data)}, port_{free_port()} {
  std::filesystem::create_directories(data_);
  output_ = bus::unique_fd{
      open((data_ + ".out").c_str(), O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0600)};
}

service::~service() { kill(); }

auto service::start() -> double {
  bus::child_process::start_options options;
  options.binary = binary_;
  options.arguments = {"serve", "--data", data_, "--listen", fmt::format("127.0.0.1:{}", port_)};
  options.output_fd = output_.get();
  const auto begun = steady::now();
  child_ = must(bus::child_process::start(options));
  http_ = std::make_unique<http_connection>(port_);
  for (;;) {
    const auto answer = http_->client.Get("/readyz");
    if (answer && answer->status == 200) break;
    require(child_->alive(), "bestow serve ended; see " + data_ + ".out");
    require(steady::now() < begun + ready_within, "bestow serve did not become ready");
    pause_a_moment(1);
  }
  return std::chrono::duration<double, std::milli>(steady::now() - begun).count();
}

void service::kill() {
  http_.reset();
  child_.reset();
}

auto service::get(const std::string& path) -> reply {
  const auto answer = http_->client.Get(path);
  return answer ? reply{answer->status, answer->body} : reply{};
}

auto service::post(const std::string& path, const std::string& body, const std::string& type)
    -> reply {
  const auto answer = http_->client.Post(path, body, type);
  return answer ? reply{answer->status, answer->body} : reply{};
}

auto service::must_get(const std::string& path) -> std::string {
  auto r = get(path);
  require(r.status / 100 == 2, fmt::format("GET {}: {} {}", path, r.status, r.body));
  return std::move(r.body);
}

service::session::session(int port) : http_{std::make_unique<http_connection>(port)} {}
service::session::~session() = default;

void service::session::must_post(const std::string& path, const std::string& json) {
  const auto answer = http_->client.Post(path, json, "application/json");
  require(answer && answer->status / 100 == 2,
          fmt::format("POST {}: {}", path, answer ? answer->body : "no answer"));
}

auto service::must_post(const std::string& path, const std::string& body, const std::string& type)
    -> std::string {
  auto r = post(path, body, type);
  require(r.status / 100 == 2, fmt::format("POST {}: {} {}", path, r.status, r.body));
  return std::move(r.body);
}

}  // namespace bestow::bench
