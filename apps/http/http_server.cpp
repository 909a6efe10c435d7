#include "apps/http/http_server.hpp"

#include <netinet/in.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <unistd.h>
#include <algorithm>
#include <thread>

#include <fmt/format.h>
#include <httplib.h>
#include <spdlog/spdlog.h>

#include "apps/http/connection_pool.hpp"
#include "apps/http/route.hpp"
#include "events/limits.hpp"

namespace bestow::http {
namespace {

void set_socket_options(socket_t sock) {
  // Not SO_REUSEPORT, which httplib would set: two servers could share one port unnoticed.
  const int on = 1;
  setsockopt(sock, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
}

class server_socket final : public httplib::Server {
 public:
  /// httplib listens with a backlog of 5; a second listen(2) on the socket raises it.
  void widen_backlog() { static_cast<void>(::listen(svr_sock_, limits::http_listen_backlog)); }
  /// A server that never listened keeps its socket bound for ever, its destruction included.
  void unbind() { static_cast<void>(::close(svr_sock_.exchange(INVALID_SOCKET))); }
};

auto local_port(int descriptor) -> std::uint16_t {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  if (getsockname(descriptor, reinterpret_cast<sockaddr*>(&address), &size) != 0) return 0;
  if (address.ss_family == AF_INET)
    return ntohs(reinterpret_cast<sockaddr_in*>(&address)->sin_port);
  if (address.ss_family == AF_INET6)
    return ntohs(reinterpret_cast<sockaddr_in6*>(&address)->sin6_port);
  return 0;
}

/// A client that keeps its connection open would hold up the stop until its keep-alive ends.
/// Answers under way still reach their clients: only the reading half is shut.
void end_idle_connections(std::uint16_t port) {
  for (int descriptor = 0; descriptor < FD_SETSIZE; ++descriptor)
    if (local_port(descriptor) == port) shutdown(descriptor, SHUT_RD);
}

auto expects_body(const httplib::Request& in) -> bool {
  if (in.has_header("Transfer-Encoding")) return true;
  return in.has_header("Content-Length") && in.get_header_value("Content-Length") != "0";
}

auto request_of(const httplib::Request& in) -> request {
  request out;
  out.method = in.method;
  // Not in.path: httplib has decoded it, and a %2F inside a batch id would part it.
  out.path = in.target.substr(0, in.target.find('?'));
  for (const auto& [name, value] : in.params) out.query.emplace_back(name, value);
  for (const auto& [name, value] : in.headers) out.headers.emplace_back(name, value);
  out.has_body = expects_body(in);
  return out;
}

/// What httplib refuses itself with `status`. It says 400 of a header too: then the request line
/// was good, and no handler was ever asked.
auto unreadable(const httplib::Request& in, int status) -> problem {
  using enum request_error;
  const bool line_read = in.version.starts_with("HTTP/1.") && !in.path.empty() &&
                         std::count(in.target.begin(), in.target.end(), '?') <= 1;
  if (status == 400 && line_read)
    return problem_of(header_too_large, "the header could not be read to its end");
  auto p = problem_of(status == 414 ? uri_too_long : request_malformed,
                      "the request could not be read");
  p.status = static_cast<std::uint16_t>(status);
  return p;
}

/// Sends `body` and then breaks off, which is how httplib is made to close a connection whose
/// request body was not read.
void send_and_close(httplib::Response& to, std::string body, const std::string& type) {
  to.set_header("Connection", "close");
  const auto size = body.size();
  to.set_content_provider(
      size, type, [text = std::move(body)](std::size_t at, std::size_t, httplib::DataSink& sink) {
        static_cast<void>(sink.write(text.data() + at, text.size() - at));
        return false;
      });
}

void send_stream(httplib::Response& to, response from, http_state& state) {
  to.set_chunked_content_provider(
      from.content_type, [next = std::move(from.stream), broken = std::move(from.broken), &state](
                             std::size_t, httplib::DataSink& sink) {
        const body_sink put = [&sink](std::string_view piece) {
          return sink.is_writable() && sink.write(piece.data(), piece.size());
        };
        if (broken && state.stopping.load()) return false;
        if (state.stopping.load() || !next(put)) {
          if (broken && broken->load()) return false;
          sink.done();
        }
        return true;
      });
}

void send(httplib::Response& to, response from, http_state& state, bool close) {
  to.status = from.status;
  for (auto& [name, value] : from.headers) to.set_header(name.c_str(), value);
  if (from.stream)
    send_stream(to, std::move(from), state);
  else if (close && !from.body.empty())
    send_and_close(to, std::move(from.body), from.content_type);
  else
    to.set_content(from.body, from.content_type.c_str());
}

auto not_bindable(const std::string& listen) -> tl::unexpected<fault> {
  return fail(fault_code::bad_config, "bind",
              fmt::format("http.listen {} cannot be bound: taken by another program, or not an "
                          "address of this machine",
                          listen));
}

class httplib_server final : public http_server {
 public:
  explicit httplib_server(const http_parts& parts) : parts_{parts} { configure(); }
  ~httplib_server() override { stop(); }

  auto bind() -> result<void> {
    config::listen_address address;
    static_cast<void>(config::parse_listen(parts_.settings->http.listen, address));
    int port = address.port;
    const bool bound = port == 0 ? (port = server_.bind_to_any_port(address.host)) > 0
                                 : server_.bind_to_port(address.host, port);
    if (!bound) return not_bindable(parts_.settings->http.listen);
    server_.widen_backlog();
    port_ = static_cast<std::uint16_t>(port);
    const bool v6 = address.host.find(':') != std::string::npos;
    url_ = v6 ? fmt::format("http://[{}]:{}", address.host, port)
              : fmt::format("http://{}:{}", address.host, port);
    thread_ = std::thread{[this] { server_.listen_after_bind(); }};
    return {};
  }
  auto url() const -> std::string override { return url_; }
  void stop() override {
    parts_.state->stopping = true;
    if (!thread_.joinable()) return;
    server_.stop();
    end_idle_connections(port_);
    thread_.join();
  }

 private:
  void configure() {
    const auto& http = parts_.settings->http;
    server_.new_task_queue = [] {
      return new connection_pool{limits::http_threads, limits::http_waiting_connections_max};
    };
    server_.set_socket_options(set_socket_options);
    server_.set_tcp_nodelay(true);
    server_.set_keep_alive_max_count(limits::http_requests_per_connection);
    server_.set_keep_alive_timeout(5);
    server_.set_read_timeout(http.read_timeout);
    server_.set_write_timeout(http.write_timeout);
    server_.set_default_headers(
        {{"X-Content-Type-Options", "nosniff"}, {"Cache-Control", "no-store"}});
    server_.set_pre_routing_handler([this](const httplib::Request& in, httplib::Response& out) {
      return before_routing(in, out);
    });
    server_.Post(R"([\s\S]*)",
                 [this](const httplib::Request& in, httplib::Response& out,
                        const httplib::ContentReader& reader) { post(in, out, reader); });
    server_.set_expect_100_continue_handler(
        [this](const httplib::Request& in, httplib::Response& out) {
          auto r = request_of(in);
          const auto p = refuse_early(parts_, r);
          if (!p) return 100;
          send(out, problem_response(*p), *parts_.state, true);
          return static_cast<int>(p->status);
        });
    server_.set_error_handler([](const httplib::Request& in, httplib::Response& out) {
      // Only what httplib refuses itself arrives without a body: bytes that are not HTTP.
      if (!out.body.empty() || out.has_header("Content-Type")) return;
      auto p = unreadable(in, out.status);
      out.status = p.status;
      out.set_content(to_json(p), "application/problem+json");
    });
  }

  /// Answers everything but POST, so that no pattern of httplib's ever sees the path.
  auto before_routing(const httplib::Request& in, httplib::Response& out)
      -> httplib::Server::HandlerResponse {
    using enum httplib::Server::HandlerResponse;
    auto r = request_of(in);
    // httplib matches patterns by recursion, so it only ever sees paths that are short.
    if (r.method == "POST" && expects_body(in) && r.path.size() <= limits::http_uri_chars_max)
      return Unhandled;
    const bool unread = expects_body(in);
    r.has_body = false;
    r.read_body = [](const body_sink&) { return true; };
    send(out, dispatch(parts_, r), *parts_.state, unread);
    return Handled;
  }

  void post(const httplib::Request& in, httplib::Response& out,
            const httplib::ContentReader& reader) {
    auto r = request_of(in);
    bool finished = false;
    std::uint64_t taken = 0;
    r.read_body = [&](const body_sink& sink) {
      bool wanted = true;
      const bool whole = reader([&](const char* data, std::size_t size) {
        taken += size;
        if (wanted) wanted = sink(std::string_view{data, size});
        return wanted || taken < limits::http_drained_bytes_max;
      });
      finished = whole;
      return whole && wanted;
    };
    auto answered = dispatch(parts_, r);
    if (!finished && taken == 0 && drain(in, reader)) finished = true;
    send(out, std::move(answered), *parts_.state, !finished);
  }

  /// Reads a body that no one wanted, when it is small enough to be worth it, so that the client
  /// gets to read the answer instead of a reset connection.
  static auto drain(const httplib::Request& in, const httplib::ContentReader& reader) -> bool {
    if (in.is_multipart_form_data()) return false;
    std::uint64_t taken = 0;
    return reader([&taken](const char*, std::size_t size) {
      taken += size;
      return taken < limits::http_drained_bytes_max;
    });
  }

  http_parts parts_;
  server_socket server_;
  std::thread thread_;
  std::string url_;
  std::uint16_t port_{0};
};

}  // namespace

auto check_listen(const std::string& listen) -> result<void> {
  config::listen_address address;
  static_cast<void>(config::parse_listen(listen, address));
  server_socket probe;
  probe.set_socket_options(set_socket_options);
  const bool free = address.port == 0 ? probe.bind_to_any_port(address.host) > 0
                                      : probe.bind_to_port(address.host, address.port);
  if (!free) return not_bindable(listen);
  probe.unbind();
  return {};
}

auto http_server::start(const http_parts& parts) -> result<std::unique_ptr<http_server>> {
  auto server = std::make_unique<httplib_server>(parts);
  if (auto bound = server->bind(); !bound) return tl::unexpected(bound.error());
  return server;
}

}  // namespace bestow::http
