// Server-Sent Events: facts as they become durable, and promotions as they change.
//
// A viewer is a cursor on the log: its event id is a log position, so Last-Event-ID resumes
// exactly, after a restart of the server too. Nothing is buffered for a viewer; a slow one only
// falls behind.
#include <chrono>
#include <set>

#include <fmt/format.h>

#include "apps/http/fact_json.hpp"
#include "apps/http/handlers.hpp"
#include "apps/http/input.hpp"
#include "apps/http/render.hpp"
#include "events/limits.hpp"

namespace bestow::http {
namespace {

using std::chrono::steady_clock;
using namespace std::chrono_literals;

constexpr auto heartbeat = 2'000ms;
/// How often one promotion's row is sent at most.
constexpr auto promotion_pace = 200ms;
constexpr std::string_view summary_view = "promotion_summary";

struct wanted_events {
  std::uint64_t promotion{0};  ///< 0 = all.
  bool facts{true};
  bool promotions{true};
};

class viewer {
 public:
  viewer(const http_parts& parts, wanted_events wanted, position from)
      : parts_{&parts}, wanted_{wanted}, at_{from}, last_sent_{steady_clock::now()} {
    parts_->state->viewers.fetch_add(1);
    if (wanted_.promotion != 0) touched_.insert(wanted_.promotion);
  }
  viewer(const viewer&) = delete;
  auto operator=(const viewer&) -> viewer& = delete;
  ~viewer() { parts_->state->viewers.fetch_sub(1); }

  /// One step: waits for news, sends them. False: the viewer is gone.
  auto step(const body_sink& put) -> bool {
    const auto wait = touched_.empty() ? 500ms : promotion_pace;
    const bool news = parts_->views->wait_for(summary_view, {at_.value + 1}, wait);
    std::string out;
    if (news && !read_facts(out)) return false;
    send_promotions(out);
    if (out.empty() && steady_clock::now() - last_sent_ > heartbeat) out = ":\n\n";
    if (out.empty()) return true;
    last_sent_ = steady_clock::now();
    return put(out);
  }

 private:
  auto concerns(const stream_id& s) const -> bool {
    const bool has_promotion = s.kind != aggregate::delivery;
    return wanted_.promotion == 0 || (has_promotion && s.id == wanted_.promotion);
  }

  auto read_facts(std::string& out) -> bool {
    store::read_options options;
    options.events_max = limits::http_stream_step_facts;
    const auto seen = parts_->log->read(at_, options, [&](const store::stored_event& e) {
      if (!concerns(e.stream)) return true;
      if (e.stream.kind != aggregate::delivery) touched_.insert(e.stream.id);
      if (!wanted_.facts) return true;
      json_writer w;
      write_fact(w, e);
      out += fmt::format("id: {}\nevent: fact\ndata: {}\n\n", e.at.value, w.str());
      return true;
    });
    if (!seen) return false;
    at_ = *seen;
    return true;
  }

  void send_promotions(std::string& out) {
    const auto now = steady_clock::now();
    if (!wanted_.promotions) touched_.clear();
    if (touched_.empty() || now - promotions_sent_ < promotion_pace) return;
    promotions_sent_ = now;
    std::set<std::uint64_t> behind;
    for (const auto id : touched_) {
      const auto row = parts_->answers->promotion({id});
      if (!row || !row->value) continue;
      // The view may still be short of the facts this viewer has passed: look again.
      if (row->as_of < at_) behind.insert(id);
      json_writer w;
      w.begin_object();
      write_promotion(w, *row->value, row->as_of);
      w.end_object();
      out += fmt::format("id: {}\nevent: promotion\ndata: {}\n\n", at_.value, w.str());
    }
    touched_ = std::move(behind);
  }

  const http_parts* parts_;
  wanted_events wanted_;
  position at_;
  std::set<std::uint64_t> touched_;
  steady_clock::time_point last_sent_;
  steady_clock::time_point promotions_sent_{};
};

auto read_wanted(const request& in) -> checked_value<wanted_events> {
  wanted_events wanted;
  auto id = query_number(in, "promotion", 0, {1, limits::id_max});
  if (!id) return tl::unexpected(std::move(id.error()));
  wanted.promotion = *id;
  const auto kind = in.query_value("kind");
  wanted.facts = kind != "promotion";
  wanted.promotions = kind != "fact";
  if (kind.empty() || kind == "promotion" || kind == "fact") return wanted;
  return tl::unexpected(
      problem_of(request_error::query_invalid,
                 fmt::format("kind is '{}'; allowed are promotion, fact", shown(kind)), "kind"));
}

}  // namespace

auto stream_events(const http_parts& parts, const request& in) -> answer {
  auto wanted = read_wanted(in);
  if (!wanted) return tl::unexpected(std::move(wanted.error()));
  if (parts.state->viewers.load() >= parts.settings->http.stream_viewers)
    return tl::unexpected(
        problem_of(request_error::too_many_viewers,
                   fmt::format("at most {}", parts.settings->http.stream_viewers)));
  const auto head = parts.log->head().last;
  auto from = head;
  bool reset = false;
  const auto last = in.header("Last-Event-ID");
  if (!last.empty()) {
    request as_query;
    as_query.query.emplace_back("Last-Event-ID", last);
    auto given = query_number(as_query, "Last-Event-ID", 0, {0, ~0ULL});
    if (!given) return tl::unexpected(std::move(given.error()));
    reset = *given > head.value || head.value - *given > limits::http_stream_replay_max;
    if (!reset) from = {*given};
  }
  auto state = std::make_shared<viewer>(parts, *wanted, from);
  response out;
  out.content_type = "text/event-stream";
  out.headers.emplace_back("X-Accel-Buffering", "no");
  out.stream = [state, reset, first = true](const body_sink& put) mutable {
    if (first) {
      first = false;
      if (!put(reset ? "retry: 1000\nevent: reset\ndata: {}\n\n" : "retry: 1000\n\n")) return false;
    }
    return state->step(put);
  };
  return out;
}

}  // namespace bestow::http
