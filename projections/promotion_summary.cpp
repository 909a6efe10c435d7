#include "projections/promotion_summary.hpp"

#include "projections/row_bytes.hpp"

namespace bestow::projections {

namespace {

using domain::promotion_state;

auto encode(const promotion_row& row) -> std::string {
  byte_writer out;
  out.blob(encode_event(row.created).payload);
  out.number(row.created_at);
  out.number(static_cast<std::uint8_t>(row.state));
  out.number(row.total_count);
  out.number(row.total_amount);
  out.text(row.approved_by);
  out.blob(encode_event(row.run).payload);
  if (row.list)
    out.blob(encode_event(*row.list).payload);
  else
    out.blob({});
  write_counts(out, row.counts);
  out.number(row.duplicate_results);
  out.number(row.ignored_results);
  out.number(row.double_grants);
  out.number(row.rejected_rows);
  out.number(row.open_batches);
  out.number(row.started_at);
  out.number(row.completed_at);
  out.number(row.updated_at);
  out.number(row.start_at);
  out.number(static_cast<std::uint8_t>(row.closed));
  out.text(row.end_reason);
  out.text(row.failure);
  out.number(row.recall_no);
  out.number(static_cast<std::uint8_t>(row.recall_open));
  return out.take();
}

}  // namespace

auto promotion_summary::decode(std::string_view value) -> result<promotion_row> {
  byte_reader in{value};
  promotion_row row;
  const auto created = decode_event<promotion_created>(in.blob());
  row.created_at = in.strong_number<timestamp>();
  row.state = static_cast<promotion_state>(in.number<std::uint8_t>());
  row.total_count = in.number<std::uint64_t>();
  row.total_amount = in.strong_number<money_minor>();
  row.approved_by = in.text();
  const auto run = decode_event<run_started>(in.blob());
  if (const auto bytes = in.blob(); !bytes.empty()) {
    auto list = decode_event<list_sealed>(bytes);
    if (!list) return damaged_row(name, {});
    row.list = std::move(*list);
  }
  row.counts = read_counts(in);
  row.duplicate_results = in.number<std::uint64_t>();
  row.ignored_results = in.number<std::uint64_t>();
  row.double_grants = in.number<std::uint64_t>();
  row.rejected_rows = in.number<std::uint64_t>();
  row.open_batches = in.number<std::uint32_t>();
  row.started_at = in.strong_number<timestamp>();
  row.completed_at = in.strong_number<timestamp>();
  row.updated_at = in.strong_number<timestamp>();
  row.start_at = in.strong_number<timestamp>();
  row.closed = in.number<std::uint8_t>() != 0;
  row.end_reason = in.text();
  row.failure = in.text();
  row.recall_no = in.number<std::uint32_t>();
  row.recall_open = in.number<std::uint8_t>() != 0;
  if (!in.complete() || !created || !run) return damaged_row(name, {});
  row.created = *created;
  row.run = *run;
  return row;
}

auto promotion_summary::read(const store::view_reader& rows, promotion_id id)
    -> result<std::optional<promotion_row>> {
  auto found = get_row(rows, name, promotion_key(table::row, id));
  if (!found) return tl::unexpected{found.error()};
  if (!*found) return std::nullopt;
  auto row = decode(**found);
  if (!row) return tl::unexpected{row.error()};
  return std::optional{std::move(*row)};
}

auto promotion_summary::fold::touch(const fact_head& head) -> result<promotion_row*> {
  const promotion_id id{head.stream.id};
  auto it = changed_.find(id);
  if (it == changed_.end()) {
    auto row = read(*rows_, id);
    if (!row) return tl::unexpected{row.error()};
    if (!*row) return poison(head, name, "there is no such promotion");
    it = changed_.emplace(id, std::move(**row)).first;
  }
  it->second.updated_at = head.recorded_at;
  return &it->second;
}

auto promotion_summary::fold::apply(const fact_head& head, const promotion_created& e)
    -> result<void> {
  const promotion_id id{head.stream.id};
  if (e.promotion != id) return poison(head, e.name, "the fact names another promotion");
  promotion_row row;
  row.created = e;
  row.created_at = head.recorded_at;
  row.updated_at = head.recorded_at;
  row.state = promotion_state::draft;
  changed_.insert_or_assign(id, std::move(row));
  return {};
}

auto promotion_summary::fold::apply(const fact_head& head, const list_sealed& e) -> result<void> {
  auto row = touch(head);
  if (!row) return tl::unexpected{row.error()};
  (*row)->state = promotion_state::sealed;
  (*row)->total_count = e.total_count;
  (*row)->total_amount = e.total_amount;
  (*row)->counts.total = e.total_count;
  (*row)->list = e;
  return targets_.apply(head, e);
}

void promotion_summary::fold::change(const fact_head&, promotion_row& row, const batch_opened&) {
  ++row.open_batches;
}

void promotion_summary::fold::change(const fact_head&, promotion_row& row, const batch_closed& e) {
  --row.open_batches;
  row.total_count += e.accepted;
  row.rejected_rows += e.rejected;
}

void promotion_summary::fold::change(const fact_head&, promotion_row& row, const batch_abandoned&) {
  --row.open_batches;
}

void promotion_summary::fold::change(const fact_head&, promotion_row& row,
                                     const promotion_approved& e) {
  row.state = promotion_state::approved;
  row.approved_by = e.approved_by;
}

void promotion_summary::fold::change(const fact_head& head, promotion_row& row,
                                     const run_started& e) {
  row.state = promotion_state::running;
  row.run = e;
  row.failure.clear();
  if (row.started_at == timestamp{}) row.started_at = head.recorded_at;
}

void promotion_summary::fold::change(const fact_head&, promotion_row& row, const run_stopping&) {
  row.state = promotion_state::stopping;
}

void promotion_summary::fold::change(const fact_head&, promotion_row& row, const run_stopped&) {
  row.state = promotion_state::stopped;
}

void promotion_summary::fold::change(const fact_head& head, promotion_row& row,
                                     const promotion_completed&) {
  row.state = promotion_state::completed;
  if (row.completed_at == timestamp{}) row.completed_at = head.recorded_at;
}

void promotion_summary::fold::change(const fact_head&, promotion_row& row,
                                     const promotion_scheduled& e) {
  row.state = promotion_state::scheduled;
  row.start_at = e.start_at;
}

void promotion_summary::fold::change(const fact_head&, promotion_row& row,
                                     const promotion_cancelled& e) {
  row.state = promotion_state::cancelled;
  row.end_reason = e.reason;
}

void promotion_summary::fold::change(const fact_head&, promotion_row& row,
                                     const promotion_closed& e) {
  row.closed = true;
  row.end_reason = e.reason;
}

void promotion_summary::fold::change(const fact_head&, promotion_row& row,
                                     const promotion_failed& e) {
  row.state = promotion_state::failed;
  row.failure = e.code + ": " + e.detail;
}

void promotion_summary::fold::change(const fact_head&, promotion_row& row,
                                     const recall_started& e) {
  row.recall_no = e.recall.value;
  row.recall_open = true;
}

void promotion_summary::fold::change(const fact_head&, promotion_row& row,
                                     const recall_finished&) {
  row.recall_open = false;
}

void promotion_summary::fold::change(const fact_head&, promotion_row& row,
                                     const double_grant_detected&) {
  ++row.double_grants;
}

template <class Event>
auto promotion_summary::fold::count_targets(const fact_head& head, const Event& e) -> result<void> {
  auto row = touch(head);
  if (!row) return tl::unexpected{row.error()};
  target_counter count;
  if (auto done = targets_.apply(head, e, count); !done) return tl::unexpected{done.error()};
  count.tally.apply_to((*row)->counts);
  return {};
}

auto promotion_summary::fold::apply(const fact_head& head, const targets_released& e)
    -> result<void> {
  return count_targets(head, e);
}

auto promotion_summary::fold::apply(const fact_head& head, const targets_publish_failed& e)
    -> result<void> {
  return count_targets(head, e);
}

auto promotion_summary::fold::apply(const fact_head& head, const targets_abandoned& e)
    -> result<void> {
  return count_targets(head, e);
}

auto promotion_summary::fold::apply(const fact_head& head, const results_overdue& e)
    -> result<void> {
  return count_targets(head, e);
}

auto promotion_summary::fold::apply(const fact_head& head, const grants_published& e)
    -> result<void> {
  return count_targets(head, e);
}

auto promotion_summary::fold::apply(const fact_head& head, const recalls_recorded& e)
    -> result<void> {
  auto row = touch(head);
  if (!row) return tl::unexpected{row.error()};
  auto list = amounts_.of((*row)->created.promotion);
  if (!list) return tl::unexpected{list.error()};
  target_counter count{{}, *list, place_of(head).number};
  if (auto done = targets_.apply(head, e, count); !done) return done;
  count.tally.apply_to((*row)->counts);
  (*row)->duplicate_results += e.duplicate_count;
  return {};
}

auto promotion_summary::fold::apply(const fact_head& head, const results_recorded& e)
    -> result<void> {
  auto row = touch(head);
  if (!row) return tl::unexpected{row.error()};
  auto list = amounts_.of((*row)->created.promotion);
  if (!list) return tl::unexpected{list.error()};
  target_counter count{{}, *list, place_of(head).number};
  auto done = targets_.apply(head, e, count);
  if (!done) return tl::unexpected{done.error()};
  count.tally.apply_to((*row)->counts);
  (*row)->ignored_results += done->ignored;
  (*row)->duplicate_results += e.duplicate_count;
  return {};
}

auto promotion_summary::fold::finish() -> result<void> {
  for (const auto& [id, row] : changed_)
    if (auto done = put_row(*rows_, promotion_key(table::row, id), encode(row)); !done) return done;
  return targets_.write();
}

}  // namespace bestow::projections
