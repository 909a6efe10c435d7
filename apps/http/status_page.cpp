// The page at /: what runs and how it stands, plain HTML without scripts.
#include <fmt/format.h>

#include "apps/http/handlers.hpp"

#include "events/limits.hpp"

namespace bestow::http {
namespace {

auto escaped(std::string_view text) -> std::string {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '&':
        out += "&amp;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

constexpr std::string_view head = R"(<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta http-equiv="refresh" content="5">
<meta name="viewport" content="width=device-width"><title>Bestow</title>
<style>body{font:15px/1.5 system-ui,sans-serif;margin:2em auto;max-width:70em;padding:0 1em}
table{border-collapse:collapse;margin:.5em 0 1.5em}th,td{padding:.2em .8em;text-align:left;
border-bottom:1px solid #8886}td.n{text-align:right;font-variant-numeric:tabular-nums}
@media(prefers-color-scheme:dark){body{background:#111;color:#ddd}a{color:#8bf}}</style></head><body>
<h1>Bestow</h1>
)";

auto korean(promotion_type type) -> std::string_view {
  return type == promotion_type::voucher ? "바우처" : "포인트";
}

auto promotions_table(const http_parts& parts) -> std::string {
  const auto rows =
      parts.answers->promotions({0}, limits::status_page_promotions_max, std::nullopt);
  if (!rows) return "<p>Promotions cannot be read now.</p>";
  if (rows->value.empty())
    return "<p>No promotion yet. <code>bestow promotion create -f FILE</code> makes one.</p>";
  std::string out =
      "<table><thead><tr><th>promotion</th><th>type</th><th>state</th><th>targets</th>"
      "<th>published</th><th>success</th><th>failed</th><th>retrying</th></tr></thead><tbody>\n";
  for (const auto& r : rows->value) {
    const auto id = r.created.promotion.value;
    out += fmt::format(
        "<tr><td><a href=\"/api/v1/promotions/{}\">{}</a></td><td>{} {}</td><td>{}</td>"
        "<td class=n>{}</td><td class=n>{}</td><td class=n>{}</td><td class=n>{}</td>"
        "<td class=n>{}</td></tr>\n",
        id, id, name_of(r.created.type), korean(r.created.type), domain::name_of(r.state),
        r.total_count, r.counts.published, r.counts.success, r.counts.fail, r.counts.retrying);
  }
  return out + "</tbody></table>\n";
}

}  // namespace

auto status_page(const http_parts& parts, const request&) -> answer {
  const auto status = parts.engine->status();
  std::string body{head};
  const bool connected = parts.messages != nullptr && parts.messages->connected();
  body += fmt::format("<p>Version {} &middot; log position {} &middot; broker {}</p>\n",
                      escaped(parts.version), status.head.value,
                      connected ? "connected" : "<strong>not connected</strong>");
  body += "<h2>Promotions</h2>\n" + promotions_table(parts);
  body +=
      "<h2>Streams</h2>\n<table><thead><tr><th>stream</th><th>planned</th><th>confirmed</th>"
      "<th>state</th></tr></thead><tbody>\n";
  for (const auto& d : status.deliveries)
    body += fmt::format("<tr><td>{}</td><td class=n>{}</td><td class=n>{}</td><td>{}</td></tr>\n",
                        escaped(d.stream), d.planned_seq, d.acked_seq, escaped(d.state));
  body +=
      "</tbody></table>\n<h2>Views</h2>\n<table><thead><tr><th>view</th><th>position</th>"
      "<th>lag</th></tr></thead><tbody>\n";
  for (const auto& v : parts.views->status())
    body += fmt::format("<tr><td>{}</td><td class=n>{}</td><td class=n>{}</td></tr>\n",
                        escaped(v.name), v.at.value, v.lag);
  body +=
      "</tbody></table>\n<p><a href=\"/openapi.json\">API</a> &middot; "
      "<a href=\"/metrics\">metrics</a> &middot; <a href=\"/readyz\">readiness</a></p>\n"
      "</body></html>\n";
  response out;
  out.content_type = "text/html; charset=utf-8";
  out.headers.emplace_back("Content-Security-Policy",
                           "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'");
  out.body = std::move(body);
  return out;
}

}  // namespace bestow::http
