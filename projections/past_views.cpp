#include "projections/past_views.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

#include "events/limits.hpp"
#include "projections/registry.hpp"
#include "projections/row_bytes.hpp"
#include "projections/runner.hpp"
#include "projections/stream_merge.hpp"

namespace bestow::projections {

namespace {

using std::chrono::steady_clock;
using go_on_fn = std::function<bool()>;
using refusal = std::variant<past_refusal, fault>;

/// Rows that no one changes any more.
class frozen_views final : public view_set {
 public:
  struct entry {
    std::string name;
    std::uint32_t version{0};
    std::unique_ptr<store::view_store> rows;
  };
  frozen_views(std::vector<entry> entries, position at) : entries_{std::move(entries)}, at_{at} {}

  [[nodiscard]] auto names() const -> std::vector<std::string> override {
    std::vector<std::string> out;
    for (const auto& e : entries_) out.push_back(e.name);
    return out;
  }
  [[nodiscard]] auto step(std::string_view) -> result<step_report> override {
    return step_report{at_, true};
  }
  [[nodiscard]] auto start_rebuild(std::string_view) -> result<bool> override { return false; }
  [[nodiscard]] auto status() const -> std::vector<view_status> override {
    std::vector<view_status> out;
    for (const auto& e : entries_)
      out.push_back({e.name, e.version, view_life::following, at_, 0, ""});
    return out;
  }
  [[nodiscard]] auto wait_for(std::string_view, position at, std::chrono::milliseconds) const
      -> bool override {
    return at <= at_;
  }
  [[nodiscard]] auto read(std::string_view name) const
      -> result<std::unique_ptr<store::view_reader>> override {
    for (const auto& e : entries_)
      if (e.name == name) return e.rows->begin_read();
    return fail(fault_code::internal, "past_views",
                fmt::format("the view {} was not asked for", name));
  }
  [[nodiscard]] auto dump_hash(std::string_view name) const -> result<std::string> override {
    auto rows = read(name);
    if (!rows) return tl::unexpected{rows.error()};
    return hash_rows(**rows);
  }

 private:
  std::vector<entry> entries_;
  position at_;
};

/// One view on its way to the wanted position.
class past_fold {
 public:
  /// `of` and `context` outlive the fold.
  [[nodiscard]] static auto open(const view_definition& of, const view_context& context,
                                 store::view_store_factory& stores) -> result<past_fold> {
    past_fold out;
    out.of_ = &of;
    out.context_ = &context;
    auto rows = stores.open(of.name, of.version, 1);
    if (!rows) return tl::unexpected{rows.error()};
    out.rows_ = std::move(*rows);
    if (auto done = out.begin(); !done) return tl::unexpected{done.error()};
    return out;
  }
  [[nodiscard]] auto handles(event_type t) const -> bool {
    return std::find(of_->types.begin(), of_->types.end(), t) != of_->types.end();
  }
  [[nodiscard]] auto apply(const store::stored_event& e) -> result<void> {
    if (auto done = batch_->apply(e); !done) return done;
    const batch_bounds most;
    const auto load = batch_->load();
    if (++events_ < most.events && load.targets < most.targets &&
        load.dirty_pages < most.dirty_pages)
      return {};
    if (auto done = commit({}); !done) return done;
    return begin();
  }
  [[nodiscard]] auto finish(const store::view_checkpoint& at) -> result<frozen_views::entry> {
    if (auto done = commit(at); !done) return tl::unexpected{done.error()};
    return frozen_views::entry{std::string{of_->name}, of_->version, std::move(rows_)};
  }

 private:
  [[nodiscard]] auto begin() -> result<void> {
    auto txn = rows_->begin_write();
    if (!txn) return tl::unexpected{txn.error()};
    txn_ = std::move(*txn);
    batch_ = of_->begin(*txn_, *context_);
    events_ = 0;
    return {};
  }
  [[nodiscard]] auto commit(const store::view_checkpoint& at) -> result<void> {
    if (auto done = batch_->finish(); !done) return done;
    if (auto done = txn_->set_checkpoint(at); !done) return done;
    if (auto done = txn_->commit(); !done) return done;
    batch_.reset();
    txn_.reset();
    return {};
  }

  const view_definition* of_{nullptr};
  const view_context* context_{nullptr};
  std::unique_ptr<store::view_store> rows_;
  std::unique_ptr<store::view_writer> txn_;
  std::unique_ptr<view_batch> batch_;
  std::size_t events_{0};
};

/// Whether a fold may go on, looked at now and then.
class patience {
 public:
  patience(steady_clock::time_point until, const go_on_fn& go_on) : until_{until}, go_on_{&go_on} {}
  [[nodiscard]] auto lost() -> std::optional<past_refusal> {
    constexpr unsigned every = 32;  // A bulk fact of 1,000 targets takes some 100 us.
    if (++asked_ % every != 0) return std::nullopt;
    if (!(*go_on_)()) return past_refusal::stopping;
    if (steady_clock::now() > until_) return past_refusal::takes_too_long;
    return std::nullopt;
  }

 private:
  steady_clock::time_point until_;
  const go_on_fn* go_on_;
  unsigned asked_{0};
};

/// All folds of one question, fed together so that each fact is read once.
struct fold_group {
  std::vector<past_fold> folds;

  [[nodiscard]] auto types() const -> std::vector<event_type> {
    std::vector<event_type> out;
    for (const auto& view : registered_views())
      for (const auto t : view.types)
        if (std::any_of(folds.begin(), folds.end(),
                        [&](const past_fold& f) { return f.handles(t); }) &&
            std::find(out.begin(), out.end(), t) == out.end())
          out.push_back(t);
    return out;
  }
  [[nodiscard]] auto apply(const store::stored_event& e) -> result<void> {
    for (auto& f : folds)
      if (f.handles(e.type))
        if (auto done = f.apply(e); !done) return done;
    return {};
  }
};

auto feed_promotion(const store::event_log& log, const past_question& question, fold_group& group,
                    patience& time) -> tl::expected<void, refusal> {
  auto facts = stream_merge::open(log, *question.promotion, group.types(), question.at);
  if (!facts) return tl::unexpected<refusal>{facts.error()};
  for (;;) {
    if (const auto no = time.lost()) return tl::unexpected<refusal>{*no};
    const auto e = facts->next();
    if (!e) return tl::unexpected<refusal>{e.error()};
    if (!*e) return {};
    if (auto done = group.apply(**e); !done) return tl::unexpected<refusal>{done.error()};
  }
}

auto feed_log(const store::event_log& log, const past_question& question, fold_group& group,
              patience& time) -> tl::expected<void, refusal> {
  store::read_options options;
  options.types = group.types();
  options.bytes_max = limits::projector_batch_bytes;
  result<void> applied;
  std::optional<past_refusal> no;
  for (position after{}; after < question.at;) {
    const auto seen = log.read(after, options, [&](const store::stored_event& e) {
      if (e.at > question.at) return false;
      no = time.lost();
      if (!no) applied = group.apply(e);
      return !no && applied.has_value();
    });
    if (no) return tl::unexpected<refusal>{*no};
    if (!applied) return tl::unexpected<refusal>{applied.error()};
    if (!seen) return tl::unexpected<refusal>{seen.error()};
    if (*seen == after) break;
    after = *seen;
  }
  return {};
}

auto fold(const store::event_log& log, store::target_lists& lists, const past_question& question,
          std::unique_ptr<store::view_store_factory> scratch, patience time) -> past_answer {
  const auto registered = registered_views();
  const view_context context{&log, &lists, true};
  fold_group group;
  for (const auto& view : registered) {
    if (std::find(question.views.begin(), question.views.end(), view.name) == question.views.end())
      continue;
    auto one = past_fold::open(view, context, *scratch);
    if (!one) return tl::unexpected<refusal>{one.error()};
    group.folds.push_back(std::move(*one));
  }
  auto fed = question.promotion ? feed_promotion(log, question, group, time)
                                : feed_log(log, question, group, time);
  if (!fed) return tl::unexpected{std::move(fed.error())};
  const auto hash = log.frame_hash_at(question.at);
  if (!hash) return tl::unexpected<refusal>{hash.error()};
  const store::view_checkpoint at{question.at, *hash};
  std::vector<frozen_views::entry> rows;
  for (auto& f : group.folds) {
    auto done = f.finish(at);
    if (!done) return tl::unexpected<refusal>{done.error()};
    rows.push_back(std::move(*done));
  }
  return std::make_shared<const past>(std::move(scratch),
                                      std::make_unique<frozen_views>(std::move(rows), at.at), log,
                                      lists, at);
}

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
    const auto seen = log.read({p.value - 1}, {{}, 1}, [&](const store::stored_event& e) {
      found = e.recorded_at;
      return false;
    });
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
    : log_{&log}, lists_{&lists}, scratch_{std::move(scratch)}, allowed_{allowed} {}

auto past_views::find_kept(const past_question& question) -> std::shared_ptr<const past> {
  const auto now = steady_clock::now();
  std::erase_if(kept_, [&](const kept& k) { return now - k.used > limits::as_of_kept_for; });
  for (auto& k : kept_) {
    if (k.question != question) continue;
    k.used = now;
    return k.answer;
  }
  return nullptr;
}

void past_views::keep(const past_question& question, std::shared_ptr<const past> answer) {
  if (kept_.size() >= limits::as_of_kept_max)
    kept_.erase(std::min_element(kept_.begin(), kept_.end(), [](const kept& a, const kept& b) {
      return a.used < b.used;
    }));
  kept_.push_back({question, std::move(answer), steady_clock::now()});
}

auto past_views::at(const past_question& question, const std::function<bool()>& go_on)
    -> past_answer {
  {
    const std::scoped_lock lock{mutex_};
    if (auto found = find_kept(question)) return found;
    if (at_work_ >= allowed_.at_once) return tl::unexpected<refusal>{past_refusal::busy};
    ++at_work_;
  }
  const auto done = [this](std::size_t* at_work) {
    const std::scoped_lock lock{mutex_};
    --*at_work;
  };
  const std::unique_ptr<std::size_t, decltype(done)> work{&at_work_, done};
  auto scratch = scratch_();
  if (!scratch) return tl::unexpected<refusal>{scratch.error()};
  auto answer = fold(*log_, *lists_, question, std::move(*scratch),
                     {steady_clock::now() + allowed_.within, go_on});
  const std::scoped_lock lock{mutex_};
  if (answer) keep(question, *answer);
  return answer;
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
