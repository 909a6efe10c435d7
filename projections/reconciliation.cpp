#include "projections/reconciliation.hpp"

#include "projections/row_bytes.hpp"

namespace bestow::projections {

namespace {

auto encode(const reconciliation_row& r) -> std::string {
  byte_writer out;
  out.number(static_cast<std::uint8_t>(r.type));
  out.number(r.run);
  out.number(r.sealed_count);
  out.number(r.sealed_amount);
  out.number(r.released_count);
  out.number(r.released_retries);
  out.number(r.published_count);
  out.number(r.published_amount);
  out.number(r.publish_failed_count);
  out.number(r.publish_failed_amount);
  out.number(r.abandoned_count);
  out.number(r.abandoned_amount);
  out.number(r.provider_count);
  out.number(r.provider_amount);
  out.number(r.refused_count);
  out.number(r.double_grants);
  out.number(static_cast<std::uint8_t>(r.completed));
  return out.take();
}

auto decode(promotion_id id, std::string_view value) -> std::optional<reconciliation_row> {
  byte_reader in{value};
  reconciliation_row r;
  r.promotion = id;
  r.type = static_cast<promotion_type>(in.number<std::uint8_t>());
  r.run = in.strong_number<run_no>();
  r.sealed_count = in.number<std::uint64_t>();
  r.sealed_amount = in.strong_number<money_minor>();
  r.released_count = in.number<std::uint64_t>();
  r.released_retries = in.number<std::uint64_t>();
  r.published_count = in.number<std::uint64_t>();
  r.published_amount = in.strong_number<money_minor>();
  r.publish_failed_count = in.number<std::uint64_t>();
  r.publish_failed_amount = in.strong_number<money_minor>();
  r.abandoned_count = in.number<std::uint64_t>();
  r.abandoned_amount = in.strong_number<money_minor>();
  r.provider_count = in.number<std::uint64_t>();
  r.provider_amount = in.strong_number<money_minor>();
  r.refused_count = in.number<std::uint64_t>();
  r.double_grants = in.number<std::uint64_t>();
  r.completed = in.number<std::uint8_t>() != 0;
  if (!in.complete()) return std::nullopt;
  return r;
}

/// Moves count and amount of targets between the sides of the balance.
struct balance {
  reconciliation_row& row;
  const store::target_list& list;
  partition_no number;

  void changed(const counted_target&, const target_change& c) const {
    const auto published = is_published(c.after) - is_published(c.before);
    const auto unpublishable = (state_of(c.after) == domain::target_state::publish_failed) -
                               (state_of(c.before) == domain::target_state::publish_failed);
    const auto abandoned = (state_of(c.after) == domain::target_state::abandoned) -
                           (state_of(c.before) == domain::target_state::abandoned);
    const auto granted = is_success(c.after) - is_success(c.before);
    row.refused_count +=
        static_cast<std::uint64_t>((state_of(c.after) == domain::target_state::failed) -
                                   (state_of(c.before) == domain::target_state::failed));
    if (published == 0 && unpublishable == 0 && abandoned == 0 && granted == 0) return;
    const auto amount = list.amount(number, c.ordinal).value;
    add(row.published_count, row.published_amount, published, amount);
    add(row.publish_failed_count, row.publish_failed_amount, unpublishable, amount);
    add(row.abandoned_count, row.abandoned_amount, abandoned, amount);
    add(row.provider_count, row.provider_amount, granted, amount);
  }

 private:
  static void add(std::uint64_t& count, money_minor& sum, int sign, std::int64_t amount) {
    count += static_cast<std::uint64_t>(sign);
    sum.value += sign * amount;
  }
};

}  // namespace

auto reconciliation::read(const store::view_reader& rows, promotion_id id)
    -> result<std::optional<reconciliation_row>> {
  const auto key = promotion_key(table::row, id);
  auto found = get_row(rows, name, key);
  if (!found) return tl::unexpected{found.error()};
  if (!*found) return std::nullopt;
  auto row = decode(id, **found);
  if (!row) return damaged_row(name, key);
  return row;
}

auto reconciliation::fold::touch(const fact_head& head) -> result<reconciliation_row*> {
  const promotion_id id{head.stream.id};
  auto it = changed_.find(id);
  if (it == changed_.end()) {
    auto row = read(*rows_, id);
    if (!row) return tl::unexpected{row.error()};
    if (!*row) return poison(head, name, "there is no such promotion");
    it = changed_.emplace(id, **row).first;
  }
  return &it->second;
}

template <class Event>
auto reconciliation::fold::move_targets(const fact_head& head, const Event& e) -> result<void> {
  auto row = touch(head);
  if (!row) return tl::unexpected{row.error()};
  auto list = amounts_.of((*row)->promotion);
  if (!list) return tl::unexpected{list.error()};
  const auto done = targets_.apply(head, e, balance{**row, **list, place_of(head).number});
  if (!done) return tl::unexpected{done.error()};
  return {};
}

auto reconciliation::fold::apply(const fact_head& head, const promotion_created& e)
    -> result<void> {
  reconciliation_row row;
  row.promotion = promotion_id{head.stream.id};
  row.type = e.type;
  changed_.insert_or_assign(row.promotion, row);
  return {};
}

auto reconciliation::fold::apply(const fact_head& head, const list_sealed& e) -> result<void> {
  auto row = touch(head);
  if (!row) return tl::unexpected{row.error()};
  (*row)->sealed_count = e.total_count;
  (*row)->sealed_amount = e.total_amount;
  return targets_.apply(head, e);
}

auto reconciliation::fold::apply(const fact_head& head, const run_started& e) -> result<void> {
  auto row = touch(head);
  if (!row) return tl::unexpected{row.error()};
  (*row)->run = e.run;
  (*row)->completed = false;
  return {};
}

auto reconciliation::fold::apply(const fact_head& head, const promotion_completed&)
    -> result<void> {
  auto row = touch(head);
  if (!row) return tl::unexpected{row.error()};
  (*row)->completed = true;
  return {};
}

auto reconciliation::fold::apply(const fact_head& head, const targets_released& e) -> result<void> {
  auto row = touch(head);
  if (!row) return tl::unexpected{row.error()};
  if (e.kind == release_kind::grant) (*row)->released_count += e.ordinals.size();
  if (e.kind == release_kind::retry) (*row)->released_retries += e.ordinals.size();
  return move_targets(head, e);
}

auto reconciliation::fold::apply(const fact_head& head, const targets_publish_failed& e)
    -> result<void> {
  return move_targets(head, e);
}

auto reconciliation::fold::apply(const fact_head& head, const grants_published& e) -> result<void> {
  return move_targets(head, e);
}

auto reconciliation::fold::apply(const fact_head& head, const results_recorded& e) -> result<void> {
  return move_targets(head, e);
}

auto reconciliation::fold::apply(const fact_head& head, const targets_abandoned& e)
    -> result<void> {
  return move_targets(head, e);
}

auto reconciliation::fold::apply(const fact_head& head, const results_overdue& e) -> result<void> {
  return move_targets(head, e);
}

auto reconciliation::fold::apply(const fact_head& head, const double_grant_detected&)
    -> result<void> {
  auto row = touch(head);
  if (!row) return tl::unexpected{row.error()};
  ++(*row)->double_grants;
  return {};
}

auto reconciliation::fold::finish() -> result<void> {
  for (const auto& [id, row] : changed_)
    if (auto done = put_row(*rows_, promotion_key(table::row, id), encode(row)); !done) return done;
  return targets_.write();
}

}  // namespace bestow::projections
