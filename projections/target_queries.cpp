#include <fmt/format.h>

#include <algorithm>

#include "projections/queries.hpp"
#include "projections/target_status.hpp"
#include "projections/target_walk.hpp"
#include "store/find_target.hpp"
#include "store/read_fact.hpp"

namespace bestow::projections {

namespace {

/// A snapshot of target_status together with the list it speaks of.
struct sealed_view {
  std::unique_ptr<store::view_reader> rows;
  position as_of{};
  std::shared_ptr<const store::target_list> list;  ///< Null: not sealed, as far as the view knows.
};

auto open_sealed(const view_set& views, const store::event_log& log, store::target_lists& lists,
                 promotion_id id) -> result<sealed_view> {
  sealed_view out;
  auto rows = views.read(target_status::name);
  if (!rows) return tl::unexpected{rows.error()};
  out.rows = std::move(*rows);
  const auto checkpoint = out.rows->checkpoint();
  if (!checkpoint) return tl::unexpected{checkpoint.error()};
  out.as_of = checkpoint->at;
  const auto sizes = list_sizes::read(*out.rows, id);
  if (!sizes) return tl::unexpected{sizes.error()};
  if (!*sizes) return out;
  auto list = lists.open(log, id);
  if (!list) return tl::unexpected{list.error()};
  out.list = std::move(*list);
  return out;
}

auto row_of(const sealed_view& view, const walked_target& t) -> target_view_row {
  target_view_row row;
  row.target = view.list->row(t.partition, t.ordinal);
  row.ordinal = t.ordinal;
  row.state = state_of(t.record.status);
  row.recall = recall_of(t.record.status);
  row.published = is_published(t.record.status);
  row.attempt = t.record.attempt;
  row.published_at = t.record.published_at;
  row.updated_at = t.record.updated_at;
  if (t.record.process != 0) row.process = static_cast<process_status>(t.record.process);
  row.keep = view.list;
  return row;
}

/// Where the texts of a row stand in the log.
struct text_place {
  position at{};
  std::uint32_t row_in_fact{0};
  std::size_t row{0};
};

/// Copies transaction keys and error messages out of the log; each fact is decoded once.
auto fill_texts(const store::event_log& log, std::vector<text_place> places,
                std::vector<target_view_row>& rows) -> result<void> {
  std::sort(places.begin(), places.end(),
            [](const text_place& a, const text_place& b) { return a.at < b.at; });
  for (auto it = places.begin(); it != places.end();) {
    const auto at = it->at;
    result<void> read_it = fail(fault_code::log_corrupt, "target texts",
                                fmt::format("no results_recorded at position {}", at.value));
    const auto seen = store::read_fact(log, at, [&](const store::stored_event& e) {
      if (e.type != event_type::results_recorded) return;
      auto fact = decode_event<results_recorded>(e.payload);
      if (!fact) {
        read_it = tl::unexpected{fact.error()};
        return;
      }
      read_it = {};
      for (; it != places.end() && it->at == at; ++it) {
        if (it->row_in_fact >= fact->transaction_keys.size()) continue;
        rows[it->row].transaction_key = fact->transaction_keys[it->row_in_fact];
        rows[it->row].error_message = fact->error_messages[it->row_in_fact];
      }
    });
    if (!seen) return tl::unexpected{seen.error()};
    if (!read_it) return read_it;
  }
  return {};
}

auto with_texts(const store::event_log& log, const sealed_view& view,
                const std::vector<walked_target>& targets) -> result<std::vector<target_view_row>> {
  std::vector<target_view_row> rows;
  std::vector<text_place> places;
  rows.reserve(targets.size());
  for (const auto& t : targets) {
    if (t.record.result_at.value != 0)
      places.push_back({t.record.result_at, t.record.result_row, rows.size()});
    rows.push_back(row_of(view, t));
  }
  if (auto done = fill_texts(log, std::move(places), rows); !done)
    return tl::unexpected{done.error()};
  return rows;
}

}  // namespace

auto queries::targets(promotion_id id, const target_filter& filter) const
    -> result<answer<std::vector<target_view_row>>> {
  auto view = open_sealed(*views_, *log_, *lists_, id);
  if (!view) return tl::unexpected{view.error()};
  answer<std::vector<target_view_row>> out{{}, view->as_of};
  if (!view->list) return out;
  target_walk walk{*view->rows, *view->list, state_filter{filter.state}};
  for (std::uint32_t k = 0; k < view->list->partition_count(); ++k) {
    const partition_no number{static_cast<partition_no::rep>(k)};
    if (filter.partition && *filter.partition != number) continue;
    if (auto done = walk.add(id, number, filter.after); !done) return tl::unexpected{done.error()};
  }
  std::vector<walked_target> page;
  while (page.size() < filter.limit) {
    const auto target = walk.next();
    if (!target) return tl::unexpected{target.error()};
    if (!*target) break;
    page.push_back(**target);
  }
  auto rows = with_texts(*log_, *view, page);
  if (!rows) return tl::unexpected{rows.error()};
  out.value = std::move(*rows);
  return out;
}

auto queries::target(promotion_id id, target_id target) const
    -> result<answer<std::optional<target_view_row>>> {
  auto view = open_sealed(*views_, *log_, *lists_, id);
  if (!view) return tl::unexpected{view.error()};
  answer<std::optional<target_view_row>> out{std::nullopt, view->as_of};
  const auto found = view->list ? store::find_target(*view->list, target) : std::nullopt;
  if (!found) return out;
  target_status::reader pages{*view->rows, {id, found->partition}};
  const auto record = pages.record(found->ordinal);
  if (!record) return tl::unexpected{record.error()};
  auto rows = with_texts(*log_, *view, {{found->partition, found->ordinal, *record}});
  if (!rows) return tl::unexpected{rows.error()};
  out.value = std::move(rows->front());
  return out;
}

auto queries::states(promotion_id id, partition_no partition) const
    -> result<answer<std::vector<std::uint8_t>>> {
  auto rows = views_->read(target_status::name);
  if (!rows) return tl::unexpected{rows.error()};
  const auto checkpoint = (*rows)->checkpoint();
  if (!checkpoint) return tl::unexpected{checkpoint.error()};
  answer<std::vector<std::uint8_t>> out{{}, checkpoint->at};
  const auto sizes = list_sizes::read(**rows, id);
  if (!sizes) return tl::unexpected{sizes.error()};
  if (!*sizes || partition.value >= (*sizes)->size()) return out;
  target_status::reader pages{**rows, {id, partition}};
  out.value.resize((**sizes)[partition.value]);
  for (std::uint32_t at = 0; at < out.value.size(); ++at) {
    const auto record = pages.record(target_ordinal{at});
    if (!record) return tl::unexpected{record.error()};
    out.value[at] = record->status;
  }
  return out;
}

}  // namespace bestow::projections
