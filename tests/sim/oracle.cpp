#include "tests/sim/oracle.hpp"

#include <map>
#include <set>
#include <tuple>

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
  std::map<std::uint16_t, std::uint32_t> next;
  for (const auto& r : releases) {
    const auto chunk = actors::encode_release(r, **list, 0, r.message_count);
    std::string disorder;
    r.ordinals.for_each([&](std::uint32_t ordinal) {
      if (ordinal != next[r.partition.value]++) disorder = "not in list order" + at_seq(seq + 1);
    });
    if (!disorder.empty()) return disorder;
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
  if (last > seq) return "more messages than planned" + at_seq(last);
  if (!complete) return {};
  for (std::uint32_t k = 0; k < (*list)->partition_count(); ++k) {
    const partition_no number{static_cast<std::uint16_t>(k)};
    if (next[number.value] != (*list)->size(number)) return "targets of a partition are missing";
  }
  return {};
}

auto check_runs(world& w, promotion_id id, std::uint64_t targets) -> std::string {
  std::string problem;
  bool on = false;
  run_no run{};
  std::uint64_t released = 0;
  std::uint64_t stored = 0;
  const auto seen = w.log->read(position{}, {}, [&](const store::stored_event& e) {
    if (e.stream.id != id.value) return true;
    if (e.type == event_type::run_started) {
      const auto facts = decode_event<run_started>(e.payload);
      if (on) problem = "two runs at a time";
      if (facts->run.value != run.value + 1) problem = "a run number was skipped or used twice";
      run = facts->run;
      on = true;
    }
    if (e.type == event_type::run_stopped && released != stored)
      problem = "stopped with releases that are not stored";
    if (e.type == event_type::run_stopped) on = false;
    if (e.type == event_type::promotion_completed) {
      const auto facts = decode_event<promotion_completed>(e.payload);
      if (facts->success_count + facts->fail_count != targets)
        problem = "completed without an answer for every target";
      if (facts->success_amount.value != static_cast<std::int64_t>(facts->success_count) * 500)
        problem = "the amount of the completion is wrong";
      on = false;
    }
    if (e.type == event_type::grants_published) ++stored;
    if (e.type == event_type::targets_released) {
      const auto facts = decode_event<targets_released>(e.payload);
      ++released;
      if (!on) problem = "a release outside running";
      if (facts->run != run) problem = "a release of a run that is over";
    }
    return problem.empty();
  });
  if (!seen) return "the log cannot be read";
  return problem;
}

auto check_results(world& w, promotion_id id) -> std::string {
  std::string problem;
  std::set<std::tuple<std::uint32_t, std::uint64_t, std::uint64_t>> rows;  // part, ordinal, status
  std::set<std::tuple<std::uint32_t, std::uint32_t, std::string>> alarms;
  const auto seen = w.log->read(position{}, {}, [&](const store::stored_event& e) {
    if (e.stream.id != id.value) return true;
    if (e.type == event_type::results_recorded) {
      const auto facts = decode_event<results_recorded>(e.payload);
      for (std::size_t i = 0; i < facts->ordinals.size(); ++i)
        if (!rows.emplace(e.stream.part, facts->ordinals[i], facts->statuses[i]).second)
          problem = "a repeated result was recorded as news";
    }
    if (e.type == event_type::double_grant_detected) {
      const auto facts = decode_event<double_grant_detected>(e.payload);
      if (!alarms.emplace(e.stream.part, facts->ordinal.value, facts->transaction_key).second)
        problem = "an alarm was raised twice";
    }
    return problem.empty();
  });
  return seen ? problem : "the log cannot be read";
}

auto check_counts(process& p, promotion_id id, std::uint64_t targets, const payer_model& payer)
    -> std::string {
  const auto row = p.row(id);
  const auto& c = row.counts;
  const auto show = [](std::uint64_t have, std::uint64_t want) {
    return " is " + std::to_string(have) + ", the payer says " + std::to_string(want);
  };
  if (c.total != targets) return "the list has " + std::to_string(c.total) + " targets";
  if (payer.answered().size() != targets) return "a target was not granted";
  if (c.success != payer.paid().size())
    return "success_count" + show(c.success, payer.paid().size());
  if (c.fail != c.total - payer.paid().size())
    return "fail_count" + show(c.fail, c.total - payer.paid().size());
  if (c.published != payer.answered().size())
    return "published_count" + show(c.published, payer.answered().size());
  if (c.success + c.fail + c.retrying + c.unknown + c.abandoned != c.total) return "G2 is broken";
  if (row.double_grants != payer.double_grants())
    return "double_grants" + show(row.double_grants, payer.double_grants());
  if (c.success_amount.value != static_cast<std::int64_t>(payer.paid().size()) * 500)
    return "success_amount is wrong";
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
