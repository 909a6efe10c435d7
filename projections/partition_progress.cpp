#include "projections/partition_progress.hpp"

#include "projections/row_bytes.hpp"

namespace bestow::projections {

namespace {

auto encode(const partition_progress::row& r) -> std::string {
  byte_writer out;
  out.number(r.released);
  out.number(r.published);
  out.number(r.release_count);
  out.number(r.done_at_release);
  write_counts(out, r.counts);
  out.number(r.updated_at);
  return out.take();
}

auto decode(std::string_view value) -> std::optional<partition_progress::row> {
  byte_reader in{value};
  partition_progress::row r;
  r.released = in.number<std::uint64_t>();
  r.published = in.number<std::uint64_t>();
  r.release_count = in.number<std::uint64_t>();
  r.done_at_release = in.number<std::uint64_t>();
  r.counts = read_counts(in);
  r.updated_at = in.strong_number<timestamp>();
  if (!in.complete()) return std::nullopt;
  return r;
}

}  // namespace

auto partition_progress::read(const store::view_reader& rows, promotion_id id)
    -> result<std::vector<partition_row>> {
  std::vector<partition_row> out;
  bool damaged = false;
  const auto prefix = promotion_key(table::row, id);
  const auto done = rows.scan(prefix, [&](std::string_view key, std::string_view value) {
    if (!key.starts_with(prefix)) return false;
    const auto bytes = checked_row(key, value);
    const auto r = bytes ? decode(*bytes) : std::nullopt;
    damaged = !r || key.size() != prefix.size() + sizeof(partition_no::rep);
    if (damaged) return false;
    partition_row shown;
    shown.number = partition_no{key_number<partition_no::rep>(key, prefix.size())};
    shown.planned = r->counts.total;
    shown.released = r->released;
    shown.counts = r->counts;
    shown.in_flight = r->released - r->published;
    shown.done = r->done_at_release == r->release_count;
    shown.updated_at = r->updated_at;
    out.push_back(shown);
    return true;
  });
  if (!done) return tl::unexpected{done.error()};
  if (damaged) return damaged_row(name, prefix);
  return out;
}

auto partition_progress::fold::touch(const fact_head& head) -> result<row*> {
  const auto place = place_of(head);
  auto it = changed_.find(place);
  if (it == changed_.end()) {
    const auto key = partition_key(table::row, place.promotion, place.number);
    auto found = get_row(*rows_, name, key);
    if (!found) return tl::unexpected{found.error()};
    if (!*found) return poison(head, name, "its list was never sealed");
    auto r = decode(**found);
    if (!r) return damaged_row(name, key);
    it = changed_.emplace(place, *r).first;
  }
  it->second.updated_at = head.recorded_at;
  return &it->second;
}

auto partition_progress::fold::apply(const fact_head& head, const list_sealed& e) -> result<void> {
  for (std::size_t k = 0; k < e.partition_counts.size(); ++k) {
    row r;
    r.counts.total = e.partition_counts[k];
    r.updated_at = head.recorded_at;
    const partition_no number{static_cast<partition_no::rep>(k)};
    changed_.insert_or_assign({promotion_id{head.stream.id}, number}, r);
  }
  return targets_.apply(head, e);
}

template <class Event>
auto partition_progress::fold::count_targets(const fact_head& head, const Event& e)
    -> result<void> {
  auto r = touch(head);
  if (!r) return tl::unexpected{r.error()};
  target_counter count;
  if (auto done = targets_.apply(head, e, count); !done) return done;
  count.tally.apply_to((*r)->counts);
  return {};
}

template <class Event>
auto partition_progress::fold::count_with_amounts(const fact_head& head, const Event& e)
    -> result<void> {
  auto r = touch(head);
  if (!r) return tl::unexpected{r.error()};
  const auto place = place_of(head);
  auto list = amounts_.of(place.promotion);
  if (!list) return tl::unexpected{list.error()};
  target_counter count{{}, *list, place.number};
  if (auto done = targets_.apply(head, e, count); !done) return tl::unexpected{done.error()};
  count.tally.apply_to((*r)->counts);
  return {};
}

auto partition_progress::fold::apply(const fact_head& head, const targets_released& e)
    -> result<void> {
  if (auto done = count_targets(head, e); !done) return done;
  auto r = touch(head);
  if (!r) return tl::unexpected{r.error()};
  (*r)->released += e.ordinals.size();
  // As the partition counts them: a recall concludes nothing anew.
  if (e.kind != release_kind::recall) ++(*r)->release_count;
  return {};
}

auto partition_progress::fold::apply(const fact_head& head, const targets_publish_failed& e)
    -> result<void> {
  return count_targets(head, e);
}

auto partition_progress::fold::apply(const fact_head& head, const targets_abandoned& e)
    -> result<void> {
  return count_targets(head, e);
}

auto partition_progress::fold::apply(const fact_head& head, const results_overdue& e)
    -> result<void> {
  return count_targets(head, e);
}

auto partition_progress::fold::apply(const fact_head& head, const grants_published& e)
    -> result<void> {
  auto r = touch(head);
  if (!r) return tl::unexpected{r.error()};
  target_counter count;
  const auto grants = targets_.apply(head, e, count);
  if (!grants) return tl::unexpected{grants.error()};
  count.tally.apply_to((*r)->counts);
  (*r)->published += *grants;
  return {};
}

auto partition_progress::fold::apply(const fact_head& head, const results_recorded& e)
    -> result<void> {
  return count_with_amounts(head, e);
}

auto partition_progress::fold::apply(const fact_head& head, const recalls_recorded& e)
    -> result<void> {
  return count_with_amounts(head, e);
}

auto partition_progress::fold::apply(const fact_head& head, const partition_done& e)
    -> result<void> {
  auto r = touch(head);
  if (!r) return tl::unexpected{r.error()};
  (*r)->done_at_release = e.release_count;
  return {};
}

auto partition_progress::fold::finish() -> result<void> {
  for (const auto& [place, r] : changed_) {
    const auto key = partition_key(table::row, place.promotion, place.number);
    if (auto done = put_row(*rows_, key, encode(r)); !done) return done;
  }
  return targets_.write();
}

}  // namespace bestow::projections
