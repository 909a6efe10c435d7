#include "projections/runner.hpp"

#include <utility>

#include "projections/row_bytes.hpp"

namespace bestow::projections {

namespace {

/// A snapshot that keeps its store: rows are not thrown away under a reader.
class held_reader final : public store::view_reader {
 public:
  held_reader(std::shared_ptr<store::view_store> rows, std::unique_ptr<store::view_reader> snapshot)
      : rows_{std::move(rows)}, snapshot_{std::move(snapshot)} {}
  [[nodiscard]] auto get(std::string_view key) const
      -> result<std::optional<std::string_view>> override {
    return snapshot_->get(key);
  }
  [[nodiscard]] auto scan(std::string_view from,
                          const std::function<bool(std::string_view, std::string_view)>& visit)
      const -> result<void> override {
    return snapshot_->scan(from, visit);
  }
  [[nodiscard]] auto checkpoint() const -> result<store::view_checkpoint> override {
    return snapshot_->checkpoint();
  }

 private:
  std::shared_ptr<store::view_store> rows_;  ///< Declared first: outlives the snapshot.
  std::unique_ptr<store::view_reader> snapshot_;
};

}  // namespace

auto view_runner::open(const view_definition& definition, const view_context& context,
                       store::view_store_factory& stores, const batch_bounds& bounds)
    -> result<std::unique_ptr<view_runner>> {
  std::unique_ptr<view_runner> runner{new view_runner{definition, context, stores, bounds}};
  if (auto done = runner->open_serving(); !done) return tl::unexpected{done.error()};
  return runner;
}

auto view_runner::open_rows(std::uint32_t generation) -> result<build> {
  auto rows = stores_->open(definition_.name, definition_.version, generation);
  if (!rows) return tl::unexpected{rows.error()};
  return build{std::move(*rows), generation, position{}};
}

/// How far the rows have read; nullopt: they belong to another history.
auto view_runner::fits(const store::view_store& rows) const -> result<std::optional<position>> {
  auto snapshot = rows.begin_read();
  if (!snapshot) return tl::unexpected{snapshot.error()};
  const auto checkpoint = (*snapshot)->checkpoint();
  if (!checkpoint && checkpoint.error().code == fault_code::log_corrupt) return std::nullopt;
  if (!checkpoint) return tl::unexpected{checkpoint.error()};
  if (checkpoint->at == position{}) return position{};
  if (checkpoint->at > context_.log->head().last) return std::nullopt;
  const auto hash = context_.log->frame_hash_at(checkpoint->at);
  if (!hash) return tl::unexpected{hash.error()};
  if (*hash != checkpoint->frame_hash) return std::nullopt;
  return checkpoint->at;
}

auto view_runner::open_serving() -> result<void> {
  auto generation = stores_->serving(definition_.name, definition_.version);
  if (!generation) return tl::unexpected{generation.error()};
  last_generation_ = *generation;
  auto opened = open_rows(last_generation_);
  if (!opened) return tl::unexpected{opened.error()};
  const auto at = fits(*opened->rows);
  if (!at) return tl::unexpected{at.error()};
  if (*at) {
    opened->at = **at;
  } else {
    opened->rows.reset();
    opened = open_rows(++last_generation_);
    if (!opened) return tl::unexpected{opened.error()};
  }
  serving_ = std::move(*opened);
  return stores_->flip(definition_.name, definition_.version, serving_.generation);
}

void view_runner::start_rebuild() {
  const std::lock_guard lock{mutex_};
  rebuild_wanted_ = !rebuild_;
}

auto view_runner::begin_wanted_rebuild() -> result<void> {
  {
    const std::lock_guard lock{mutex_};
    if (!rebuild_wanted_ || retired_ || flip_due_) return {};
  }
  auto fresh = open_rows(++last_generation_);
  if (!fresh) return tl::unexpected{fresh.error()};
  const std::lock_guard lock{mutex_};
  rebuild_ = std::move(*fresh);
  rebuild_wanted_ = false;
  problem_.clear();
  return {};
}

auto view_runner::commit(build& b, store::view_writer& rows, position at) -> result<void> {
  const auto hash = context_.log->frame_hash_at(at);
  if (!hash) return tl::unexpected{hash.error()};
  if (auto done = rows.set_checkpoint({at, *hash}); !done) return done;
  if (auto done = rows.commit(); !done) return done;
  const std::lock_guard lock{mutex_};
  b.at = at;
  moved_.notify_all();
  return {};
}

/// One transaction. True: nothing more in the log.
auto view_runner::advance(build& b) -> result<bool> {
  const auto& log = *context_.log;
  if (b.at >= log.head().last) return true;
  auto rows = b.rows->begin_write();
  if (!rows) return tl::unexpected{rows.error()};
  const auto batch = definition_.begin(**rows, context_);
  result<void> applied;
  const auto within_bounds = [&] {
    const auto load = batch->load();
    return load.targets < bounds_.targets && load.dirty_pages < bounds_.dirty_pages;
  };
  const store::read_options options{definition_.types, bounds_.events, bounds_.log_bytes};
  const auto seen = log.read(b.at, options, [&](const store::stored_event& e) {
    applied = batch->apply(e);
    return applied && within_bounds();
  });
  if (!applied) return tl::unexpected{applied.error()};
  if (!seen) return tl::unexpected{seen.error()};
  if (*seen > b.at) {
    if (auto done = batch->finish(); !done) return tl::unexpected{done.error()};
    if (auto done = commit(b, **rows, *seen); !done) return tl::unexpected{done.error()};
  }
  return b.at >= log.head().last;
}

void view_runner::switch_to_rebuild() {
  const std::lock_guard lock{mutex_};
  retired_ = std::move(serving_.rows);
  serving_ = std::move(*rebuild_);
  rebuild_.reset();
  flip_due_ = true;
  stopped_ = false;
  problem_.clear();
  moved_.notify_all();
}

/// Once the last reader of the old rows is gone, the new ones are made to serve on disk too. A
/// process killed before that serves the old rows again after its restart: they are as true.
auto view_runner::retire_old_rows() -> result<void> {
  if (!flip_due_ || retired_.use_count() > 1) return {};
  {
    const std::lock_guard lock{mutex_};
    retired_.reset();
  }
  if (auto done = stores_->flip(definition_.name, definition_.version, serving_.generation); !done)
    return done;
  const std::lock_guard lock{mutex_};
  flip_due_ = false;
  return {};
}

auto view_runner::stop(const fault& why) -> fault {
  const std::lock_guard lock{mutex_};
  problem_ = why.detail;
  stopped_ = true;
  rebuild_wanted_ = rebuild_wanted_ || (why.operation == damaged_rows && !rebuild_);
  moved_.notify_all();
  return why;
}

auto view_runner::advance_rebuild() -> result<bool> {
  auto done = advance(*rebuild_);
  if (done) {
    const bool ready = *done && (stopped_ || rebuild_->at >= serving_.at);
    if (ready) switch_to_rebuild();
    return ready;
  }
  if (done.error().code == fault_code::view_poisoned) {
    const std::lock_guard lock{mutex_};
    problem_ = "the rebuild ended: " + done.error().detail;
    rebuild_.reset();
    moved_.notify_all();
  }
  return done;
}

auto view_runner::step() -> result<step_report> {
  auto report = take_step();
  const bool held_up = !report && report.error().code != fault_code::view_poisoned;
  const std::lock_guard lock{mutex_};
  held_up_ = held_up ? to_string(report.error()) : "";
  return report;
}

auto view_runner::take_step() -> result<step_report> {
  if (auto done = retire_old_rows(); !done) return tl::unexpected{done.error()};
  if (auto done = begin_wanted_rebuild(); !done) return tl::unexpected{done.error()};
  bool caught_up = true;
  if (!stopped_) {
    const auto done = advance(serving_);
    if (!done && done.error().code == fault_code::view_poisoned)
      return tl::unexpected{stop(done.error())};
    if (!done) return tl::unexpected{done.error()};
    caught_up = *done;
  } else if (!rebuild_) {
    return fail(fault_code::view_poisoned, "view step", problem_);
  }
  if (rebuild_) {
    const auto done = advance_rebuild();
    if (!done) return tl::unexpected{done.error()};
    caught_up = caught_up && *done;
    if (auto retired = retire_old_rows(); !retired) return tl::unexpected{retired.error()};
  }
  return step_report{serving_.at, caught_up};
}

auto view_runner::status() const -> view_status {
  const auto head = context_.log->head().last;
  const std::lock_guard lock{mutex_};
  view_status s;
  s.name = definition_.name;
  s.version = definition_.version;
  s.life = rebuild_ || rebuild_wanted_ ? view_life::rebuilding
           : stopped_                  ? view_life::stopped
                                       : view_life::following;
  s.at = serving_.at;
  s.lag = head > serving_.at ? head.value - serving_.at.value : 0;
  s.problem = held_up_.empty() ? problem_ : held_up_;
  return s;
}

auto view_runner::wait_for(position at, std::chrono::milliseconds within) const -> bool {
  std::unique_lock lock{mutex_};
  const auto hopeless = [&] { return stopped_ && !rebuild_ && !rebuild_wanted_; };
  moved_.wait_for(lock, within, [&] { return serving_.at >= at || hopeless(); });
  return serving_.at >= at;
}

auto view_runner::read() const -> result<std::unique_ptr<store::view_reader>> {
  std::shared_ptr<store::view_store> rows;
  {
    const std::lock_guard lock{mutex_};
    rows = serving_.rows;
  }
  auto snapshot = rows->begin_read();
  if (!snapshot) return tl::unexpected{snapshot.error()};
  return std::make_unique<held_reader>(std::move(rows), std::move(*snapshot));
}

}  // namespace bestow::projections
