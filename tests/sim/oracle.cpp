#include "tests/sim/oracle.hpp"

#include <map>

#include "actors/grant_content.hpp"

namespace bestow::tests {

namespace {

auto releases_of(world& w) -> std::vector<targets_released> {
  std::vector<targets_released> all;
  store::read_options options;
  options.types = {event_type::targets_released};
  const auto seen = w.log->read(position{}, options, [&](const store::stored_event& stored) {
    if (auto facts = decode_event<targets_released>(stored.payload)) all.push_back(*facts);
    return true;
  });
  return seen ? all : std::vector<targets_released>{};
}

auto at_seq(std::uint64_t seq) -> std::string { return " at sequence " + std::to_string(seq); }

}  // namespace

auto check_stream(world& w, promotion_id id, bool complete) -> std::string {
  bus::memory_bus link{w.broker};
  const auto state = link.state_of("GRANTS_POINT");
  const auto last = state ? state->last_seq : 0;
  if (const auto other = link.state_of("GRANTS_VOUCHER"); other && other->last_seq > 1)
    return "points on the stream of vouchers";
  const auto releases = releases_of(w);
  if (releases.empty()) return last > 1 ? "grants on the stream, no release in the log" : "";
  const auto lists = *store::make_target_lists("");
  const auto list = lists->open(*w.log, id);
  if (!list) return "the list cannot be opened: " + to_string(list.error());
  std::uint64_t seq = 1;
  for (const auto& r : releases) {
    const auto chunk = actors::encode_release(r, **list, 0, r.message_count);
    for (std::uint32_t i = 0; i < r.message_count; ++i) {
      ++seq;
      if (seq > last) {
        if (complete) return "missing" + at_seq(seq);
        continue;
      }
      const auto stored = link.read("GRANTS_POINT", seq);
      if (!stored || !*stored) return "a hole" + at_seq(seq);
      if ((*stored)->payload != chunk.message(i) || (*stored)->subject != chunk.subject)
        return "other bytes than planned" + at_seq(seq);
    }
  }
  return last > seq ? "more messages than planned" + at_seq(last) : "";
}

auto check_counts(process& p, promotion_id id, std::uint64_t targets, const payer_model& payer)
    -> std::string {
  using end = payer_model::end;
  std::map<end, std::uint64_t> ends;
  std::uint64_t recalled = 0;
  std::uint64_t recall_failed = 0;
  std::uint64_t paid_twice = 0;
  for (const auto& [target, a] : payer.accounts()) {
    ++ends[payer.end_of(a)];
    recalled += a.taken_back ? 1 : 0;
    recall_failed += a.recall_refused ? 1 : 0;
    paid_twice += a.paid_twice ? 1 : 0;
  }
  const auto granted = payer.accounts().size();
  const auto row = p.row(id);
  const auto& c = row.counts;
  if (!row.closed && granted != targets) return "a target was not granted";
  struct pair {
    std::string_view name;
    std::uint64_t have;
    std::uint64_t want;
  };
  for (const auto& [name, have, want] :
       {pair{"total", c.total, targets}, pair{"success", c.success, ends[end::success]},
        pair{"fail", c.fail, ends[end::failed]}, pair{"unknown", c.unknown, ends[end::unknown]},
        pair{"published", c.published, granted}, pair{"abandoned", c.abandoned, targets - granted},
        pair{"retrying", c.retrying, 0}, pair{"recalling", c.recalling, 0},
        pair{"recalled", c.recalled, recalled}, pair{"recall_failed", c.recall_failed, recall_failed},
        pair{"double_grants", row.double_grants, paid_twice},
        pair{"success_amount", static_cast<std::uint64_t>(c.success_amount.value),
             ends[end::success] * 500},
        pair{"recalled_amount", static_cast<std::uint64_t>(c.recalled_amount.value), recalled * 500}})
    if (have != want)
      return std::string{name} + " is " + std::to_string(have) + ", the payer says " +
             std::to_string(want);
  return {};
}

auto check_views(process& p) -> std::string {
  const auto head = p.w.log->head().last;
  const auto stores = store::make_memory_view_stores();
  const auto lists = store::make_target_lists("");
  auto fresh = projections::open_views(*stores, *p.w.log, **lists);
  if (!fresh) return "views cannot be opened";
  for (const auto& name : p.views->names()) {
    p.drive_until([&] { return p.views->wait_for(name, head, {}); });
    for (;;) {
      const auto report = (*fresh)->step(name);
      if (!report) return name + " cannot be built: " + to_string(report.error());
      if (report->caught_up) break;
    }
    const auto live = p.views->dump_hash(name);
    const auto rebuilt = (*fresh)->dump_hash(name);
    if (!live || !rebuilt || *live != *rebuilt) return name + " differs from its rebuild";
  }
  return {};
}

auto check_list(world& w, promotion_id id) -> std::string {
  const auto lists = *store::make_target_lists("");
  const auto built = lists->build(*w.log, id);
  if (!built) return "the list cannot be built: " + to_string(built.error());
  std::string problem = "no seal in the log";
  const auto seen = w.log->read_stream(
      stream_of(id), stream_version{}, {}, [&](const store::stored_event& stored) {
        if (stored.type != event_type::list_sealed) return true;
        const auto sealed = decode_event<list_sealed>(stored.payload);
        problem = sealed && sealed->list_sha256 == built->totals.list_sha256
                      ? ""
                      : "the list's hash is not the sealed one";
        return false;
      });
  return seen ? problem : "the log cannot be read";
}

}  // namespace bestow::tests
