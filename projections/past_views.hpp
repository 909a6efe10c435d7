// Views as they stood at an earlier position: folded anew, aside, from the log's first fact on.
//
// For one promotion only that promotion's streams are read; else the whole log. A fold has a time
// limit, and only a few run at once. What was folded is kept for a while, because pages of one
// question follow each other; then it goes by itself, and its files with it. A copy of a live view
// is such a past too: an export reads it without holding back the view's own pages.
// Promise: rows and answers equal what the live view held when it had applied exactly these facts.
// Thread-safe. Memory: that of one batch of a projector and of as_of_ahead_bytes; the rows lie in a
// scratch store, gone with the answer.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "events/limits.hpp"
#include "events/result.hpp"
#include "events/types.hpp"
#include "projections/patience.hpp"
#include "projections/queries.hpp"
#include "projections/view_set.hpp"
#include "store/event_log.hpp"
#include "store/target_list.hpp"
#include "store/view_store.hpp"

namespace bestow::projections {

/// The last position recorded at or before `at`; 0: there is none.
/// Cost: about 30 reads of one frame each. @fault as event_log::read.
[[nodiscard]] auto position_at(const store::event_log& log, timestamp at) -> result<position>;

/// The next promotion above `after` of which the view holds rows. @fault internal  no such view.
[[nodiscard]] auto next_promotion(const view_set& views, std::string_view view, promotion_id after)
    -> result<std::optional<promotion_id>>;

/// Which rows, of when.
struct past_question {
  std::vector<std::string> views;         ///< Registered names.
  std::optional<promotion_id> promotion;  ///< Only this promotion's rows.
  position at{};
  auto operator==(const past_question&) const -> bool = default;
};

/// Some views at one moment. Immutable.
class past {
 public:
  past(std::unique_ptr<store::view_store_factory> scratch, std::unique_ptr<view_set> views,
       const store::event_log& log, store::target_lists& lists, store::view_checkpoint at)
      : scratch_{std::move(scratch)},
        views_{std::move(views)},
        answers_{*views_, log, lists, at.at},
        at_{at} {}
  [[nodiscard]] auto views() const -> const view_set& { return *views_; }
  [[nodiscard]] auto answers() const -> const queries& { return answers_; }
  [[nodiscard]] auto at() const -> const store::view_checkpoint& { return at_; }

 private:
  std::unique_ptr<store::view_store_factory> scratch_;  ///< Declared first: outlives its stores.
  std::unique_ptr<view_set> views_;
  queries answers_;
  store::view_checkpoint at_;
};

using past_answer = tl::expected<std::shared_ptr<const past>, refused_read>;

class past_views {
 public:
  /// Makes an empty store that removes its files with itself.
  using scratch_maker = std::function<result<std::unique_ptr<store::view_store_factory>>()>;
  struct bounds {
    std::size_t at_once;
    std::chrono::milliseconds within;
    std::chrono::milliseconds kept_for{limits::as_of_kept_for};
  };
  /// With the bounds of limits.hpp. `log` and `lists` outlive this.
  past_views(const store::event_log& log, store::target_lists& lists, scratch_maker scratch);
  past_views(const store::event_log& log, store::target_lists& lists, scratch_maker scratch,
             bounds allowed);
  past_views(const past_views&) = delete;
  auto operator=(const past_views&) -> past_views& = delete;
  /// Ends the expiry. No question may be under way.
  ~past_views();

  /// The views as of `question.at`, kept or folded now. Blocks up to limits::as_of_within and what
  /// lies between two looks at the clock: one bounded call of the log, one fact, one commit, or the
  /// building of one sealed list's missing run of customers (a second per 5 M targets).
  /// `go_on` is asked as often: it must be quick.
  /// Refusals: busy, takes_too_long, stopping.
  [[nodiscard]] auto at(const past_question& question, const std::function<bool()>& go_on)
      -> past_answer;
  /// A copy of what `live` holds of one view now; of one promotion when given. Blocks for the copy:
  /// about a second for 10^7 targets.
  [[nodiscard]] auto copy(const view_set& live, std::string_view view,
                          std::optional<promotion_id> promotion)
      -> result<std::shared_ptr<const past>>;

 private:
  struct kept {
    past_question question;
    std::shared_ptr<const past> answer;
    std::chrono::steady_clock::time_point used;
  };
  /// With the mutex held.
  [[nodiscard]] auto find_kept(const past_question& question) -> std::shared_ptr<const past>;
  /// Keeps the answer, or an equal one that came first. @returns what is kept
  [[nodiscard]] auto keep(const past_question& question, std::shared_ptr<const past> answer)
      -> std::shared_ptr<const past>;
  /// Gives up what no one has used for a while, until the end.
  void expire();

  const store::event_log* log_;
  store::target_lists* lists_;
  scratch_maker scratch_;
  bounds allowed_;
  std::mutex mutex_;  ///< Guards what follows.
  std::size_t at_work_{0};
  std::vector<kept> kept_;
  bool ended_{false};
  std::condition_variable changed_;  ///< kept_ has grown, or ended_.
  std::thread expiry_;               ///< Waits; removes files.
};

}  // namespace bestow::projections
