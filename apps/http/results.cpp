// Results by hand: dead letters, and results files of payers that write tables.
#include <fmt/format.h>

#include "apps/http/dead_letters.hpp"
#include "apps/http/handlers.hpp"
#include "apps/http/input.hpp"
#include "apps/http/json_writer.hpp"
#include "domain/target_row.hpp"
#include "events/limits.hpp"

namespace bestow::http {
namespace {

auto parts_of(const http_parts& parts) -> letter_parts {
  return {parts.messages, parts.engine, parts.time, parts.settings->grants.dead_stream};
}

auto state_name(const numbered_letter& l) -> std::string_view {
  if (!l.retried_at) return "open";
  return l.accepted ? "accepted" : "dead_again";
}

void write_letter(json_writer& w, const numbered_letter& l) {
  w.id("number", l.number)
      .field("state", state_name(l))
      .field("reason", l.letter.reason)
      .field("subject", l.letter.subject)
      .id("stream_seq", l.letter.stream_seq)
      .time("at", l.letter.at);
  const auto linked = [&](std::string_view name, std::uint64_t number) {
    if (number == 0)
      w.key(name).null();
    else
      w.id(name, number);
  };
  linked("retry_of", l.letter.retry_of);
  linked("next_letter", l.retried_at && !l.accepted ? *l.retried_at : 0);
}

void write_payload(json_writer& w, const bus::dead_letter& l) {
  w.count("payload_bytes", l.payload_bytes);
  if (domain::utf8_length(l.payload)) {
    w.field("payload", l.payload).key("payload_hex").null();
  } else {
    std::string hex;
    for (const char c : l.payload) hex += fmt::format("{:02x}", static_cast<unsigned char>(c));
    w.key("payload").null().field("payload_hex", hex);
  }
  w.key("headers").begin_object();
  for (const auto& [name, value] : l.headers) w.field(name, value);
  w.end_object();
}

auto no_letter(std::uint64_t number) -> answer {
  return tl::unexpected(
      problem_of(request_error::letter_not_found, fmt::format("number {}", number)));
}

}  // namespace

auto list_dead_letters(const http_parts& parts, const request& in) -> answer {
  const auto after = query_number(in, "after", 0, {0, limits::id_max});
  if (!after) return tl::unexpected(after.error());
  const auto limit = page_limit(in);
  if (!limit) return tl::unexpected(limit.error());
  const auto open = query_number(in, "open", 0, {0, 1});
  if (!open) return tl::unexpected(open.error());
  const auto page = parts.state->dead.page(parts_of(parts), *after, *limit, *open == 1);
  if (!page) return tl::unexpected(problem_of(page.error()));
  json_writer w;
  w.begin_object().key("letters").begin_array();
  for (const auto& l : page->letters) {
    w.begin_object();
    write_letter(w, l);
    w.end_object();
  }
  w.end_array();
  if (page->next)
    w.id("next", *page->next);
  else
    w.key("next").null();
  w.count("count", page->count).count("open_count", page->open_count).end_object();
  return json_response(w.take());
}

auto show_dead_letter(const http_parts& parts, const request& in) -> answer {
  const auto number = path_id(in, 0);
  if (!number) return tl::unexpected(number.error());
  const auto found = parts.state->dead.show(parts_of(parts), *number);
  if (!found) return tl::unexpected(problem_of(found.error()));
  if (!*found) return no_letter(*number);
  json_writer w;
  w.begin_object();
  write_letter(w, **found);
  write_payload(w, (*found)->letter);
  w.end_object();
  return json_response(w.take());
}

auto retry_dead_letter(const http_parts& parts, const request& in) -> answer {
  const auto number = path_id(in, 0);
  if (!number) return tl::unexpected(number.error());
  auto fields = body_fields(in);
  if (!fields) return tl::unexpected(std::move(fields.error()));
  if (auto p = fields->finish()) return tl::unexpected(std::move(*p));
  const auto done = parts.state->dead.retry(parts_of(parts), *number);
  if (!done) return tl::unexpected(problem_of(done.error()));
  if (!*done) return no_letter(*number);
  const auto& r = **done;
  if (!r.accepted)
    return tl::unexpected(problem_of(request_error::letter_still_dead,
                                     fmt::format("{}; it is letter {} now", r.reason,
                                                 r.next_letter)));
  json_writer w;
  w.begin_object().id("number", *number).flag("accepted", true).flag("repeated", r.repeated);
  w.count("position", r.at.value).end_object();
  return json_response(w.take());
}

}  // namespace bestow::http
