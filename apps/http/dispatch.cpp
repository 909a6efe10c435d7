#include <algorithm>
#include <cctype>
#include <exception>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "apps/http/auth.hpp"
#include "apps/http/header_fields.hpp"
#include "apps/http/route.hpp"
#include "config/suggest.hpp"
#include "domain/target_row.hpp"
#include "events/limits.hpp"

namespace bestow::http {
namespace {

auto words_of(std::string_view text) -> std::vector<std::string> {
  std::vector<std::string> words;
  while (!text.empty()) {
    const auto space = text.find(' ');
    words.emplace_back(text.substr(0, space));
    text = space == std::string_view::npos ? "" : text.substr(space + 1);
  }
  return words;
}

auto no_route(const request& in, const std::vector<std::string>& methods) -> problem {
  if (methods.empty())
    return problem_of(request_error::route_unknown, "there is nothing at this path");
  auto p = problem_of(request_error::method_not_allowed,
                      fmt::format("{} is not allowed; allowed: {}",
                                  domain::utf8_length(in.method) ? in.method : "this method",
                                  fmt::join(methods, ", ")));
  p.allow = fmt::format("{}", fmt::join(methods, ", "));
  return p;
}

auto wrong_query(const route& to, const request& in) -> std::optional<problem> {
  const auto allowed = words_of(to.query);
  for (const auto& [name, value] : in.query) {
    if (std::find(allowed.begin(), allowed.end(), name) != allowed.end()) continue;
    const auto shown = std::string{
        domain::utf8_prefix(domain::utf8_length(name) ? std::string_view{name} : "?", 64)};
    const auto detail =
        allowed.empty()
            ? fmt::format("unknown parameter '{}'; this path takes none", shown)
            : fmt::format("unknown parameter '{}'.{} Allowed: {}", shown,
                          config::did_you_mean(shown, allowed), fmt::join(allowed, ", "));
    return problem_of(request_error::query_unknown, detail, shown);
  }
  return std::nullopt;
}

auto media_type(const request& in) -> std::string {
  std::string type{in.header("Content-Type")};
  type = type.substr(0, type.find(';'));
  while (!type.empty() && type.back() == ' ') type.pop_back();
  for (auto& c : type) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return type;
}

auto wrong_media(const route& to, const request& in) -> std::optional<problem> {
  if (!in.has_body || to.body == body_kind::none) return std::nullopt;
  const auto type = media_type(in);
  const bool json = to.body == body_kind::json || to.body == body_kind::json_required;
  const bool good = json ? type == "application/json"
                         : !type.starts_with("multipart/") && type != "application/json" &&
                               type != "application/x-www-form-urlencoded";
  if (good || (type.empty() && !json)) return std::nullopt;
  return problem_of(
      request_error::media_type_unsupported,
      fmt::format("Content-Type is '{}'; send {}", domain::utf8_length(type) ? type : "?",
                  json                           ? "application/json"
                  : to.body == body_kind::ledger ? "text/csv"
                                                 : "text/csv or application/x-ndjson"));
}

auto read_json_body(const http_parts& parts, const route& to, request& in)
    -> std::optional<problem> {
  if (!in.has_body) {
    if (to.body == body_kind::json_required)
      return problem_of(request_error::body_missing, "send a JSON object");
    return std::nullopt;
  }
  const auto most = parts.settings->http.body_max;
  bool too_large = false;
  const bool whole = in.read_body([&](std::string_view piece) {
    too_large = in.body.size() + piece.size() > most;
    if (!too_large) in.body += piece;
    return !too_large;
  });
  if (too_large)
    return problem_of(request_error::body_too_large, fmt::format("at most {} bytes", most));
  if (!whole) return problem_of(request_error::body_interrupted, "the body broke off");
  return std::nullopt;
}

/// Who tried what they may not do leaves a line in the program's log: names, never tokens. The
/// route's pattern stands for the path, which is the caller's text.
void record_refusal(const request& in, const route& to, const problem& p) {
  const bool by_role = p.code == name_of(request_error::role_insufficient);
  const bool by_rule = !in.params.empty() &&
                       p.code == domain::name_of(domain::rejection::approver_is_creator);
  if (by_role || by_rule)
    spdlog::warn("refused {} {}{}: {}: {}", to.method, to.pattern,
                 by_rule ? fmt::format(" for promotion {}", in.params[0]) : "", p.code, p.detail);
}

auto checked(const http_parts& parts, request& in) -> answer {
  auto found = match(in.method, in.path);
  if (auto* methods = std::get_if<std::vector<std::string>>(&found))
    return tl::unexpected(no_route(in, *methods));
  auto& to = std::get<route_match>(found);
  if (auto p = foreign_origin(*parts.settings, in)) return tl::unexpected(std::move(*p));
  auto principal = authorise(*parts.settings, in, to.to->needs);
  if (!principal) return tl::unexpected(std::move(principal.error()));
  in.principal = std::move(principal->name);
  in.named = principal->named;
  in.params = std::move(to.params);
  if (auto p = wrong_query(*to.to, in)) return tl::unexpected(std::move(*p));
  if (auto p = wrong_media(*to.to, in)) return tl::unexpected(std::move(*p));
  if (to.to->body == body_kind::json || to.to->body == body_kind::json_required)
    if (auto p = read_json_body(parts, *to.to, in)) return tl::unexpected(std::move(*p));
  auto answered = to.to->run(parts, in);
  if (!answered) record_refusal(in, *to.to, answered.error());
  return answered;
}

}  // namespace

auto request::header(std::string_view name) const -> std::string_view {
  return field_value(headers, name);
}
auto request::query_value(std::string_view name) const -> std::string_view {
  for (const auto& [key, value] : query)
    if (key == name) return value;
  return "";
}
auto request::has_query(std::string_view name) const -> bool {
  return std::any_of(query.begin(), query.end(), [&](const auto& q) { return q.first == name; });
}

auto json_response(std::string body, std::uint16_t status) -> response {
  response r;
  r.status = status;
  r.body = std::move(body);
  return r;
}

auto problem_response(const problem& p) -> response {
  response r;
  r.status = p.status;
  r.code = p.code;
  r.content_type = "application/problem+json";
  r.body = to_json(p);
  if (!p.allow.empty()) r.headers.emplace_back("Allow", p.allow);
  if (p.status == 401) r.headers.emplace_back("WWW-Authenticate", "Bearer");
  if (p.status == 503) r.headers.emplace_back("Retry-After", "1");
  return r;
}

auto refuse_early(const http_parts& parts, const request& in) -> std::optional<problem> {
  if (in.path.size() > limits::http_uri_chars_max)
    return problem_of(request_error::uri_too_long,
                      fmt::format("at most {} characters", limits::http_uri_chars_max));
  const auto found = match(in.method, in.path);
  if (const auto* methods = std::get_if<std::vector<std::string>>(&found))
    return no_route(in, *methods);
  const auto& to = *std::get<route_match>(found).to;
  if (auto p = foreign_origin(*parts.settings, in)) return p;
  if (auto who = authorise(*parts.settings, in, to.needs); !who) {
    record_refusal(in, to, who.error());
    return std::move(who.error());
  }
  return wrong_media(to, in);
}

auto answer_request(const http_parts& parts, request& in) -> response {
  try {
    if (auto early = refuse_early(parts, in)) return problem_response(*early);
    auto answered = checked(parts, in);
    return answered ? std::move(*answered) : problem_response(answered.error());
  } catch (const std::exception& e) {
    // A bug or no memory: the request ends, the process and its log stay sound.
    spdlog::error("internal in {} {}: {}", in.method, in.path, e.what());
    return problem_response(problem_of(
        fault{fault_code::internal, fault_action::retry_later, "dispatch", "exception"}));
  }
}

auto dispatch(const http_parts& parts, request& in) -> response {
  parts.state->requests.fetch_add(1, std::memory_order_relaxed);
  auto out = answer_request(parts, in);
  if (out.status >= 500)
    parts.state->failed.fetch_add(1, std::memory_order_relaxed);
  else if (out.status >= 400)
    parts.state->refused.fetch_add(1, std::memory_order_relaxed);
  return out;
}

}  // namespace bestow::http
