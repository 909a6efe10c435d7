#include "tests/apps/spy_engine.hpp"

#include <fmt/format.h>

namespace bestow::testing {

auto spy_engine::calls() const -> std::vector<std::string> {
  const std::lock_guard lock{mutex_};
  return calls_;
}
auto spy_engine::last_created() const -> promotion_created {
  const std::lock_guard lock{mutex_};
  return created_;
}
auto spy_engine::last_caller() const -> actors::caller {
  const std::lock_guard lock{mutex_};
  return caller_;
}
auto spy_engine::imported_rows() const -> std::uint64_t {
  const std::lock_guard lock{mutex_};
  return rows_;
}

auto spy_engine::note(std::string what, const actors::caller& by)
    -> actors::outcome<actors::command_receipt> {
  if (before) before();
  const std::lock_guard lock{mutex_};
  calls_.push_back(what + " by " + by.principal);
  caller_ = by;
  return next;
}

auto spy_engine::create(promotion_created wanted, const actors::caller& by)
    -> actors::outcome<actors::command_receipt> {
  {
    const std::lock_guard lock{mutex_};
    created_ = wanted;
  }
  return note(fmt::format("create {}", wanted.promotion.value), by);
}

auto spy_engine::open_batch(promotion_id id, std::string batch, import_format format,
                            const actors::caller& by) -> actors::outcome<actors::batch_receipt> {
  static_cast<void>(note(fmt::format("open {} {}", id.value, batch), by));
  if (batch.empty())
    return tl::unexpected(actors::trouble{
        domain::refusal{domain::rejection::batch_id_missing, "a batch needs an id"}});
  if (import_trouble) return tl::unexpected(*import_trouble);
  actors::batch_receipt r;
  r.batch = batch_;
  r.batch.format = format;
  r.batch.opened_at = {1'000};
  r.type = promotion_type::point;
  r.currency = "KRW";
  return r;
}

auto spy_engine::import(promotion_id, actors::import_chunk chunk)
    -> actors::outcome<actors::chunk_receipt> {
  const std::lock_guard lock{mutex_};
  if (chunk_trouble) return tl::unexpected{*chunk_trouble};
  actors::chunk_receipt r;
  r.accepted = chunk.row_numbers.size();
  rows_ += chunk.row_numbers.size();
  batch_.accepted += r.accepted;
  batch_.rows += chunk.facts.row_count;
  batch_.rejected += chunk.facts.row_count - r.accepted;
  return r;
}

void spy_engine::import_async(promotion_id id, actors::import_chunk chunk,
                              std::function<void(actors::outcome<actors::chunk_receipt>)> done) {
  done(import(id, std::move(chunk)));
}

auto spy_engine::probe(promotion_id, actors::import_chunk)
    -> actors::outcome<actors::probe_receipt> {
  if (import_trouble) return tl::unexpected{*import_trouble};
  return actors::probe_receipt{};
}

auto spy_engine::close_batch(promotion_id id, domain::close_batch c, const actors::caller& by)
    -> actors::outcome<actors::batch_receipt> {
  static_cast<void>(note(fmt::format("close {} {}", id.value, c.batch), by));
  actors::batch_receipt r;
  const std::lock_guard lock{mutex_};
  r.batch = batch_;
  r.batch.state = domain::batch_state::life::closed;
  r.batch.rows = c.rows;
  r.batch.sha256 = c.sha256;
  return r;
}

auto spy_engine::abandon_batch(promotion_id id, domain::abandon_batch c, const actors::caller& by)
    -> actors::outcome<actors::command_receipt> {
  return note(fmt::format("abandon {} {} '{}'", id.value, c.batch, c.reason), by);
}
auto spy_engine::seal(promotion_id id, const actors::caller& by)
    -> actors::outcome<actors::command_receipt> {
  return note(fmt::format("seal {}", id.value), by);
}
auto spy_engine::approve(promotion_id id, const actors::caller& by)
    -> actors::outcome<actors::command_receipt> {
  return note(fmt::format("approve {}", id.value), by);
}
auto spy_engine::start_run(promotion_id id, std::uint32_t run_date, const actors::caller& by)
    -> actors::outcome<actors::command_receipt> {
  return note(fmt::format("start {} {}", id.value, run_date), by);
}
auto spy_engine::stop_run(promotion_id id, std::string reason, const actors::caller& by)
    -> actors::outcome<actors::command_receipt> {
  return note(fmt::format("stop {} '{}'", id.value, reason), by);
}
auto spy_engine::resume(promotion_id id, const actors::caller& by)
    -> actors::outcome<actors::command_receipt> {
  return note(fmt::format("resume {}", id.value), by);
}
auto spy_engine::schedule(promotion_id id, timestamp at, const actors::caller& by)
    -> actors::outcome<actors::command_receipt> {
  return note(fmt::format("schedule {} {}", id.value, at.value), by);
}
auto spy_engine::cancel(promotion_id id, std::string reason, const actors::caller& by)
    -> actors::outcome<actors::command_receipt> {
  return note(fmt::format("cancel {} '{}'", id.value, reason), by);
}
auto spy_engine::close(promotion_id id, std::string reason, const actors::caller& by)
    -> actors::outcome<actors::command_receipt> {
  return note(fmt::format("close {} '{}'", id.value, reason), by);
}
auto spy_engine::retry(promotion_id id, retry_scope scope, std::vector<std::uint64_t> targets,
                       const actors::caller& by) -> actors::outcome<actors::command_receipt> {
  return note(fmt::format("retry {} {} [{}]", id.value, name_of(scope), fmt::join(targets, ",")),
              by);
}
auto spy_engine::recall(promotion_id id, std::string reason, std::vector<std::uint64_t> targets,
                        const actors::caller& by) -> actors::outcome<actors::command_receipt> {
  return note(fmt::format("recall {} '{}' [{}]", id.value, reason, fmt::join(targets, ",")), by);
}
auto spy_engine::record_results(std::shared_ptr<const std::vector<bus::decoded_result>> results)
    -> actors::outcome<actors::results_receipt> {
  const std::lock_guard lock{mutex_};
  actors::results_receipt receipt;
  for (std::uint32_t i = 0; i < results->size(); ++i) {
    const auto& r = (*results)[i];
    if (r.transaction_key == "known")
      ++receipt.duplicates;
    else if (r.transaction_key == "too early")
      receipt.refused.push_back({i, "the target was never released"});
    else
      recorded_.push_back(r);
  }
  receipt.at = position{recorded_.size()};
  return receipt;
}

auto spy_engine::rebuild_stream(promotion_type type, const actors::caller& by)
    -> actors::outcome<actors::stream_receipt> {
  static_cast<void>(note(fmt::format("rebuild stream {}", name_of(type)), by));
  return next_stream;
}
auto spy_engine::rebuild_events(const actors::caller& by)
    -> actors::outcome<actors::stream_receipt> {
  static_cast<void>(note("rebuild events", by));
  return next_stream;
}
auto spy_engine::adopt_stream(promotion_type type, const actors::caller& by)
    -> actors::outcome<actors::adoption_receipt> {
  static_cast<void>(note(fmt::format("adopt stream {}", name_of(type)), by));
  return next_adoption;
}
auto spy_engine::rebuild_view(std::string_view name) -> result<bool> {
  static_cast<void>(note(fmt::format("rebuild {}", name), {}));
  return next_rebuild;
}

}  // namespace bestow::testing
