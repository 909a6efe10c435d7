#include "projections/past_views.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <utility>

#include <fmt/format.h>

#include "events/limits.hpp"
#include "projections/frozen_views.hpp"
#include "projections/past_fold.hpp"
#include "projections/registry.hpp"
#include "projections/row_bytes.hpp"
#include "store/read_fact.hpp"

namespace bestow::projections {

namespace {

using std::chrono::steady_clock;
using refusal = refused_read;

/// Puts every row of `from` (of one promotion when given) into `to`, in bounded transactions.
auto copy_rows(const store::view_reader& from, store::view_store& to,
               std::optional<promotion_id> promotion, const store::view_checkpoint& at)
    -> result<void> {
  auto txn = to.begin_write();
  if (!txn) return tl::unexpected{txn.error()};
  std::size_t bytes = 0;
  result<void> put;
  const auto copy = [&](std::string_view key, std::string_view value) {
    put = (*txn)->put(key, value);
    bytes += key.size() + value.size();
    if (!put || bytes < limits::export_copy_bytes) return put.has_value();
    bytes = 0;
    put = (*txn)->commit();
    if (put) txn = to.begin_write();
    if (!txn) put = tl::unexpected{txn.error()};
    return put.has_value();
  };
  result<void> read;
  if (!promotion) {
    read = from.scan("", copy);
  } else {
    for (const auto t : {table::sizes, table::row, table::page}) {
      const auto prefix = promotion_key(t, *promotion);
      if (read && put)
        read = from.scan(prefix, [&](std::string_view key, std::string_view value) {
          return key.starts_with(prefix) && copy(key, value);
        });
    }
  }
  if (!read) return read;
  if (!put) return put;
  if (auto done = (*txn)->set_checkpoint(at); !done) return done;
  return (*txn)->commit();
}

}  // namespace

auto position_at(const store::event_log& log, timestamp at) -> result<position> {
  const auto recorded_at = [&](position p) -> result<timestamp> {
    timestamp found;
    const auto seen = store::read_fact(
        log, p, [&](const store::stored_event& e) { found = e.recorded_at; });
    if (!seen) return tl::unexpected{seen.error()};
    return found;
  };
  const auto head = log.head();
  if (head.last.value > 0 && head.recorded_at <= at) return head.last;
  std::uint64_t low = 0;  // Recorded at or before, or no position.
  std::uint64_t high = head.last.value;
  while (low < high) {
    const auto middle = low + (high - low + 1) / 2;
    const auto then = recorded_at({middle});
    if (!then) return tl::unexpected{then.error()};
    if (*then <= at)
      low = middle;
    else
      high = middle - 1;
  }
  return position{low};
}

auto next_promotion(const view_set& views, std::string_view view, promotion_id after)
    -> result<std::optional<promotion_id>> {
  auto rows = views.read(view);
  if (!rows) return tl::unexpected{rows.error()};
  std::optional<promotion_id> found;
  if (after.value == ~0ULL) return found;
  const auto kind = view == target_status::name ? table::sizes : table::row;
  const auto from = promotion_key(kind, {after.value + 1});
  const auto done = (*rows)->scan(from, [&](std::string_view key, std::string_view) {
    if (key.size() >= from.size() && key.front() == from.front())
      found = promotion_id{key_number<std::uint64_t>(key, 1)};
    return false;
  });
  if (!done) return tl::unexpected{done.error()};
  return found;
}

past_views::past_views(const store::event_log& log, store::target_lists& lists,
                       scratch_maker scratch)
    : past_views{log, lists, std::move(scratch), {limits::as_of_folds_max, limits::as_of_within}} {}

past_views::past_views(const store::event_log& log, store::target_lists& lists,
                       scratch_maker scratch, bounds allowed)
    : log_{&log}, lists_{&lists}, scratch_{std::move(scratch)}, allowed_{allowed} {
  expiry_ = std::thread{[this] { expire(); }};
}

past_views::~past_views() {
  {
    const std::scoped_lock lock{mutex_};
    ended_ = true;
  }
  changed_.notify_all();
  expiry_.join();
}

auto past_views::find_kept(const past_question& question) -> std::shared_ptr<const past> {
  const auto now = steady_clock::now();
  for (auto& k : kept_) {
    if (k.question != question || now - k.used > allowed_.kept_for) continue;
    k.used = now;
    return k.answer;
  }
  return nullptr;
}

auto past_views::keep(const past_question& question, std::shared_ptr<const past> answer)
    -> std::shared_ptr<const past> {
  std::vector<kept> gone;  // Declared before the lock: removing files can take seconds.
  const std::scoped_lock lock{mutex_};
  if (auto first = find_kept(question)) {
    gone.push_back({question, std::move(answer), {}});
    return first;
  }
  if (kept_.size() >= limits::as_of_kept_max) {
    const auto oldest = std::min_element(
        kept_.begin(), kept_.end(), [](const kept& a, const kept& b) { return a.used < b.used; });
    gone.push_back(std::move(*oldest));
    kept_.erase(oldest);
  }
  kept_.push_back({question, answer, steady_clock::now()});
  changed_.notify_all();
  return answer;
}

void past_views::expire() {
  std::unique_lock lock{mutex_};
  while (!ended_) {
    const auto now = steady_clock::now();
    auto next = steady_clock::time_point::max();
    const auto due = std::stable_partition(kept_.begin(), kept_.end(), [&](const kept& k) {
      return now - k.used <= allowed_.kept_for;
    });
    std::vector<kept> gone{std::make_move_iterator(due), std::make_move_iterator(kept_.end())};
    kept_.erase(due, kept_.end());
    for (const auto& k : kept_) next = std::min(next, k.used + allowed_.kept_for);
    if (!gone.empty()) {
      lock.unlock();
      gone.clear();  // Removes files: others may ask meanwhile.
      lock.lock();
    } else if (kept_.empty()) {
      changed_.wait(lock);
    } else {
      changed_.wait_until(lock, next + std::chrono::milliseconds{1});
    }
  }
}

auto past_views::at(const past_question& question, const std::function<bool()>& go_on)
    -> past_answer {
  {
    const std::scoped_lock lock{mutex_};
    if (auto found = find_kept(question)) return found;
    if (at_work_ >= allowed_.at_once) return tl::unexpected<refusal>{read_refusal::busy};
    ++at_work_;
  }
  const auto done = [this](std::size_t* at_work) {
    const std::scoped_lock lock{mutex_};
    --*at_work;
  };
  const std::unique_ptr<std::size_t, decltype(done)> work{&at_work_, done};
  auto scratch = scratch_();
  if (!scratch) return tl::unexpected<refusal>{scratch.error()};
  auto answer = fold_past(*log_, *lists_, question, std::move(*scratch),
                          {steady_clock::now() + allowed_.within, go_on});
  if (!answer) return answer;
  return keep(question, std::move(*answer));
}

auto past_views::copy(const view_set& live, std::string_view view,
                      std::optional<promotion_id> promotion)
    -> result<std::shared_ptr<const past>> {
  auto scratch = scratch_();
  if (!scratch) return tl::unexpected{scratch.error()};
  for (const auto& definition : registered_views()) {
    if (definition.name != view) continue;
    auto from = live.read(view);
    if (!from) return tl::unexpected{from.error()};
    const auto at = (*from)->checkpoint();
    if (!at) return tl::unexpected{at.error()};
    auto rows = (*scratch)->open(view, definition.version, 1);
    if (!rows) return tl::unexpected{rows.error()};
    if (auto done = copy_rows(**from, **rows, promotion, *at); !done)
      return tl::unexpected{done.error()};
    std::vector<frozen_views::entry> entries;
    entries.push_back({std::string{view}, definition.version, std::move(*rows)});
    return std::make_shared<const past>(
        std::move(*scratch), std::make_unique<frozen_views>(std::move(entries), at->at), *log_,
        *lists_, *at);
  }
  return fail(fault_code::internal, "past_views", fmt::format("there is no view named {}", view));
}

}  // namespace bestow::projections
