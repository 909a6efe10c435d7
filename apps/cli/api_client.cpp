#include "apps/cli/api_client.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <httplib.h>
#include <nlohmann/json.hpp>

#include "apps/cli/codes.hpp"

namespace bestow::cli {
namespace {

using namespace std::chrono_literals;

auto reply_of(const httplib::Result& r) -> reply {
  if (r) return {r->status, r->body, ""};
  return {0, "", httplib::to_string(r.error())};
}

/// Splits a stream of bytes into events.
class event_splitter {
 public:
  auto feed(std::string_view piece, const std::function<bool(const server_event&)>& take) -> bool {
    rest_ += piece;
    std::size_t from = 0;
    for (auto end = rest_.find('\n'); end != std::string::npos; end = rest_.find('\n', from)) {
      if (!line(std::string_view{rest_}.substr(from, end - from), take)) return false;
      from = end + 1;
    }
    rest_.erase(0, from);
    return true;
  }

 private:
  auto line(std::string_view text, const std::function<bool(const server_event&)>& take) -> bool {
    if (text.empty()) {
      const auto event = std::exchange(now_, {});
      return event.type.empty() || take(event);
    }
    if (text.starts_with(':')) return take({"", "heartbeat", ""});
    if (text.starts_with("id: ")) now_.id = text.substr(4);
    if (text.starts_with("event: ")) now_.type = text.substr(7);
    if (text.starts_with("data: ")) now_.data += text.substr(6);
    return true;
  }

  std::string rest_;
  server_event now_;
};

}  // namespace

struct api_client::connection {
  explicit connection(const std::string& url) : http{url} {}
  httplib::Client http;
};

api_client::api_client(const context& ctx) {
  auto url = ctx.global.url;
  while (url.ends_with('/')) url.pop_back();
  to_ = std::make_unique<connection>(url);
  auto& http = to_->http;
  http.set_connection_timeout(3s);
  http.set_read_timeout(60s);
  http.set_write_timeout(60s);
  http.set_keep_alive(true);
  http.set_tcp_nodelay(true);
  if (!ctx.global.token.empty())
    http.set_default_headers({{"Authorization", "Bearer " + ctx.global.token}});
}
api_client::~api_client() = default;

void api_client::wait_at_most(std::chrono::seconds within) {
  to_->http.set_read_timeout(within);
}

auto api_client::get(const std::string& path) -> reply {
  return reply_of(to_->http.Get(path));
}

auto api_client::post(const std::string& path, const std::string& json,
                      const std::string& idempotency_key) -> reply {
  httplib::Headers headers;
  if (!idempotency_key.empty()) headers.emplace("Idempotency-Key", idempotency_key);
  return reply_of(to_->http.Post(path, headers, json, "application/json"));
}

auto api_client::remove(const std::string& path) -> reply {
  return reply_of(to_->http.Delete(path));
}

auto api_client::upload(const std::string& path, const std::string& type, std::uint64_t size,
                        const std::function<bool(std::string& piece)>& next) -> reply {
  std::string piece;
  if (size > 0) {
    return reply_of(to_->http.Post(
        path, {}, static_cast<std::size_t>(size),
        [&](std::size_t, std::size_t, httplib::DataSink& sink) {
          return next(piece) && sink.write(piece.data(), piece.size());
        },
        type));
  }
  return reply_of(to_->http.Post(
      path, {},
      [&](std::size_t, httplib::DataSink& sink) {
        if (next(piece)) return sink.write(piece.data(), piece.size());
        sink.done();
        return true;
      },
      type));
}

auto api_client::download(const std::string& path,
                          const std::function<bool(std::string_view)>& sink) -> reply {
  reply out;
  const auto r = to_->http.Get(
      path,
      [&](const httplib::Response& head) {
        out.status = head.status;
        out.headers.assign(head.headers.begin(), head.headers.end());
        return true;
      },
      [&](const char* data, std::size_t bytes) {
        if (out.good()) return sink({data, bytes});
        out.body.append(data, bytes);
        return true;
      });
  if (!r && (out.status == 0 || out.good())) out.error = httplib::to_string(r.error());
  return out;
}

auto reply::header(std::string_view name) const -> std::string {
  const auto same = [](unsigned char a, unsigned char b) {
    return std::tolower(a) == std::tolower(b);
  };
  for (const auto& [key, value] : headers)
    if (std::equal(key.begin(), key.end(), name.begin(), name.end(), same)) return value;
  return "";
}

auto api_client::follow(const std::string& path, const std::string& last_id,
                        const std::function<bool(const server_event&)>& take) -> reply {
  httplib::Headers headers;
  if (!last_id.empty()) headers.emplace("Last-Event-ID", last_id);
  event_splitter splitter;
  bool ended_by_us = false;
  reply out;
  to_->http.set_read_timeout(10s);  // Heartbeats come every two seconds.
  const auto r = to_->http.Get(
      path, headers,
      [&](const httplib::Response& head) {
        out.status = head.status;
        return true;
      },
      [&](const char* data, std::size_t bytes) {
        if (!out.good()) {
          out.body.append(data, bytes);
          return true;
        }
        ended_by_us = !splitter.feed({data, bytes}, take);
        return !ended_by_us;
      });
  if (ended_by_us || (out.status != 0 && !out.good())) return out;
  return {0, "", r ? "the connection ended" : httplib::to_string(r.error())};
}

auto url_escape(std::string_view text) -> std::string {
  std::string out;
  for (const char c : text) {
    const auto u = static_cast<unsigned char>(c);
    if (std::isalnum(u) != 0 || c == '-' || c == '_' || c == '.' || c == '~')
      out += c;
    else
      out += fmt::format("%{:02X}", static_cast<unsigned>(u));
  }
  return out;
}

auto report(const context& ctx, const reply& r, std::string_view place) -> exit_code {
  if (r.status == 0) {
    ctx.complain(
        fmt::format("unavailable: {} does not answer ({})\n  Is `bestow serve` running? "
                    "--url or BESTOW_URL says where; `bestow doctor` looks further.",
                    ctx.global.url, r.error));
    return exit_code::unavailable;
  }
  const auto doc = nlohmann::json::parse(r.body, nullptr, false);
  std::string code;
  std::string detail;
  if (doc.is_object()) {
    code = doc.value("code", "");
    detail = doc.value("detail", "");
  }
  if (code.empty())
    ctx.complain(fmt::format("HTTP {} from {}: not an answer of bestow", r.status, ctx.global.url));
  else
    ctx.complain(fmt::format("{}{}: {}", place, code, detail));
  const auto* row = find_code(code);
  if (row != nullptr && row->remedy != detail)
    ctx.note(fmt::format("  {}", row->remedy));
  if (r.status == 404) return exit_code::not_found;
  // What the words of the command or the given file said, not what a rule of the service forbids.
  if (r.status == 400 && row != nullptr && row->kind == "request error") return exit_code::usage;
  if (r.status == 503 || r.status == 504 || r.status == 502) return exit_code::unavailable;
  return r.status >= 500 ? exit_code::fault : exit_code::refused;
}

}  // namespace bestow::cli
