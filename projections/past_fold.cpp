#include "projections/past_fold.hpp"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "events/limits.hpp"
#include "projections/frozen_views.hpp"
#include "projections/registry.hpp"
#include "projections/runner.hpp"
#include "projections/stream_merge.hpp"

namespace bestow::projections {

namespace {

using refusal = refused_read;

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
                    const patience& time) -> tl::expected<void, refusal> {
  auto facts = stream_merge::open(log, *question.promotion, group.types(), question.at, time);
  if (!facts) return tl::unexpected<refusal>{facts.error()};
  for (;;) {
    if (const auto no = time.lost()) return tl::unexpected<refusal>{*no};
    const auto e = facts->next();
    if (!e) return tl::unexpected{e.error()};
    if (!*e) return {};
    if (auto done = group.apply(**e); !done) return tl::unexpected<refusal>{done.error()};
  }
}

auto feed_log(const store::event_log& log, const past_question& question, fold_group& group,
              const patience& time) -> tl::expected<void, refusal> {
  store::read_options options;
  options.types = group.types();
  options.bytes_max = limits::log_read_txn_bytes;
  result<void> applied;
  std::optional<read_refusal> no;
  for (position after{}; after < question.at;) {
    // Here too: where wanted facts are rare, whole calls visit none.
    if (no = time.lost(); no) return tl::unexpected<refusal>{*no};
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

}  // namespace

auto fold_past(const store::event_log& log, store::target_lists& lists,
               const past_question& question, std::unique_ptr<store::view_store_factory> scratch,
               const patience& time) -> past_answer {
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
    if (const auto no = time.lost()) return tl::unexpected<refusal>{*no};
    auto done = f.finish(at);
    if (!done) return tl::unexpected<refusal>{done.error()};
    rows.push_back(std::move(*done));
  }
  return std::make_shared<const past>(std::move(scratch),
                                      std::make_unique<frozen_views>(std::move(rows), at.at), log,
                                      lists, at);
}

}  // namespace bestow::projections
