#include "tests/sim/history_check.hpp"

#include <map>
#include <set>
#include <tuple>

namespace bestow::tests {

namespace {

/// A target as the facts so far tell it.
struct told {
  std::uint16_t attempts{0};
  bool granted{false};
  bool failed{false};   ///< The latest attempt.
  bool overdue{false};  ///< The latest attempt.
  bool abandoned{false};
  std::uint32_t recall{0};
  bool recalling{false};
  bool taken_back{false};
  [[nodiscard]] auto has_end() const -> bool { return granted || failed || overdue || abandoned; }
};
using place = std::pair<std::uint32_t, std::uint32_t>;  // Partition, ordinal.

class history {
 public:
  explicit history(std::uint64_t targets) : targets_{targets} {}

  auto problem() const -> const std::string& { return problem_; }

  void see(const store::stored_event& e) {
    part_ = e.stream.part;
    at_ = e.at;
    switch (e.type) {
      case event_type::run_started: return take<run_started>(e);
      case event_type::run_stopped: return take<run_stopped>(e);
      case event_type::promotion_completed: return take<promotion_completed>(e);
      case event_type::promotion_closed: closed_ = true; return;
      case event_type::targets_released: return take<targets_released>(e);
      case event_type::grants_published: return take<grants_published>(e);
      case event_type::results_recorded: return take<results_recorded>(e);
      case event_type::recalls_recorded: return take<recalls_recorded>(e);
      case event_type::results_overdue: return take<results_overdue>(e);
      case event_type::targets_abandoned: return take<targets_abandoned>(e);
      case event_type::double_grant_detected: return take<double_grant_detected>(e);
      default: return;
    }
  }

 private:
  template <class Event>
  void take(const store::stored_event& e) {
    const auto facts = decode_event<Event>(e.payload);
    if (!facts) return say("a fact cannot be read");
    apply(*facts);
  }
  void say(std::string what) {
    if (problem_.empty()) problem_ = std::move(what) + ", position " + std::to_string(at_.value);
  }
  auto target(std::uint64_t ordinal) -> told& {
    return targets_told_[place{part_, static_cast<std::uint32_t>(ordinal)}];
  }

  void apply(const run_started& e) {
    if (on_) say("two runs at a time");
    if (closed_) say("a run of a closed promotion");
    if (e.run.value != run_.value + 1) say("a run number was skipped or used twice");
    run_ = e.run;
    on_ = true;
  }

  void apply(const run_stopped&) {
    if (grants_not_stored() > 0) say("stopped with releases that are not stored");
    on_ = false;
  }

  void apply(const promotion_completed& e) {
    std::uint64_t ended = 0;
    std::uint64_t granted = 0;
    for (const auto& [where, t] : targets_told_) {
      ended += t.has_end() ? 1 : 0;
      granted += t.granted ? 1 : 0;
    }
    if (ended != targets_) say("completed with " + std::to_string(ended) + " targets at their end");
    if (e.success_count > granted) say("completed with more successes than were recorded");
    if (e.success_count + e.fail_count > targets_) say("completed with more than the list has");
    if (e.success_amount.value != static_cast<std::int64_t>(e.success_count) * 500)
      say("the amount of the completion is wrong");
    on_ = false;
  }

  void apply(const targets_released& e) {
    if (closed_) say("a release of a closed promotion");
    open_.emplace(at_.value, e.kind);
    if (e.kind == release_kind::recall)
      return e.ordinals.for_each([&](std::uint32_t ordinal) { recall(target(ordinal), e); });
    if (!on_) say("a release outside running");
    if (e.run != run_) say("a release of a run that is over");
    e.ordinals.for_each([&](std::uint32_t ordinal) { grant(ordinal, e); });
  }

  void grant(std::uint32_t ordinal, const targets_released& e) {
    auto& t = target(ordinal);
    if (e.attempt.value != t.attempts + 1) say("an attempt was skipped or made twice");
    if (e.kind == release_kind::grant) {
      if (ordinal != next_[part_]++) say("not in list order");
    } else {
      if (t.granted) say("a granted target was published again");
      if (!t.failed && !t.overdue) say("a target was published again before its answer was due");
    }
    if (t.abandoned) say("an abandoned target was published");
    t.attempts = e.attempt.value;
    t.failed = t.overdue = false;
  }

  void recall(told& t, const targets_released& e) {
    if (!t.granted) say("a target that was not granted was recalled");
    if (t.recalling || t.taken_back) say("a target was recalled twice");
    if (e.recall.value <= t.recall) say("a recall came out of order");
    t.recall = e.recall.value;
    t.recalling = true;
  }

  void apply(const grants_published& e) {
    if (open_.erase(e.released_at.value) == 0) say("published twice, or never released");
  }

  void apply(const results_recorded& e) {
    for (std::size_t i = 0; i < e.ordinals.size(); ++i) {
      auto& t = target(e.ordinals[i]);
      const auto status = static_cast<process_status>(e.statuses[i]);
      const auto said = e.attempts[i] == 0 ? 1 : e.attempts[i];
      // Of several older attempts, repeats are kept rather than told apart.
      const bool told_apart = t.attempts <= 2 || said == t.attempts;
      const auto attempt = status == process_status::success ? 0 : said;
      const auto row = std::tuple{part_, e.ordinals[i], e.statuses[i], attempt};
      if (!rows_.insert(row).second && told_apart) say("a repeated result was recorded as news");
      if (t.attempts == 0) say("a result of a target that was never released");
      if (status == process_status::success) t.granted = true;
      if (status == process_status::failed && said == t.attempts) t.failed = true;
    }
  }

  void apply(const recalls_recorded& e) {
    for (std::size_t i = 0; i < e.ordinals.size(); ++i) {
      auto& t = target(e.ordinals[i]);
      if (t.recall == 0) say("an answer to a recall that never was");
      t.recalling = false;
      if (static_cast<recall_status>(e.recall_statuses[i]) == recall_status::recalled)
        t.taken_back = true;
    }
  }

  void apply(const results_overdue& e) {
    e.ordinals.for_each([&](std::uint32_t ordinal) {
      auto& t = target(ordinal);
      if (t.granted || t.failed) say("an answered target is called overdue");
      if (t.overdue) say("a target became overdue twice");
      if (t.attempts != e.attempt.value) say("an older attempt is called overdue");
      t.overdue = true;
    });
  }

  void apply(const targets_abandoned& e) {
    if (!closed_) say("abandoned and not closed");
    e.ordinals.for_each([&](std::uint32_t ordinal) {
      if (target(ordinal).attempts > 0) say("a released target was abandoned");
      target(ordinal).abandoned = true;
    });
  }

  void apply(const double_grant_detected& e) {
    if (!alarms_.emplace(part_, e.ordinal.value, e.transaction_key).second)
      say("an alarm was raised twice");
  }

  auto grants_not_stored() const -> std::uint64_t {
    std::uint64_t n = 0;
    for (const auto& [released_at, kind] : open_) n += kind == release_kind::recall ? 0 : 1;
    return n;
  }

  const std::uint64_t targets_;
  std::string problem_;
  std::uint32_t part_{0};
  position at_{};
  bool on_{false};
  bool closed_{false};
  run_no run_{};
  std::map<std::uint64_t, release_kind> open_;  ///< Released and not stored, by position.
  std::map<std::uint32_t, std::uint32_t> next_;
  std::map<place, told> targets_told_;
  std::set<std::tuple<std::uint32_t, std::uint64_t, std::uint64_t, std::uint64_t>> rows_;
  std::set<std::tuple<std::uint32_t, std::uint32_t, std::string>> alarms_;
};

}  // namespace

auto check_history(world& w, promotion_id id, std::uint64_t targets) -> std::string {
  history h{targets};
  const auto seen = w.log->read(position{}, {}, [&](const store::stored_event& e) {
    if (e.stream.id == id.value) h.see(e);
    return h.problem().empty();
  });
  return seen ? h.problem() : "the log cannot be read";
}

}  // namespace bestow::tests
