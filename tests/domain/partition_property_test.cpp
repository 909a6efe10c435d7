// Random lives of a partition against a model written another way: the model keeps every row of
// every target and asks the rules of the whole history, instead of folding.
#include <rapidcheck.h>

#include <algorithm>
#include <map>
#include <set>

#include "tests/domain/partition_spec.hpp"

namespace bestow::domain::test {
namespace {

constexpr std::uint32_t targets = 12;

struct step {
  enum class kind : std::uint8_t { release, publish, results, conclude, retry };
  kind what{};
  std::uint32_t count{0};
  std::vector<std::uint32_t> picks;
  struct row {
    std::uint32_t target;
    int status;
    std::uint16_t attempt;
    int key;
  };
  std::vector<row> rows;
};

auto any_row() -> rc::Gen<step::row> {
  return rc::gen::construct<step::row>(
      rc::gen::inRange<std::uint32_t>(0, targets), rc::gen::inRange(1, 4),
      rc::gen::inRange<std::uint16_t>(0, 4), rc::gen::inRange(0, 3));
}
auto any_step() -> rc::Gen<step> {
  return rc::gen::construct<step>(
      rc::gen::weightedElement<step::kind>({{3, step::kind::release},
                                            {3, step::kind::publish},
                                            {5, step::kind::results},
                                            {1, step::kind::conclude},
                                            {1, step::kind::retry}}),
      rc::gen::inRange<std::uint32_t>(0, 6),
      rc::gen::container<std::vector<std::uint32_t>>(rc::gen::inRange<std::uint32_t>(0, targets)),
      rc::gen::container<std::vector<step::row>>(any_row()));
}

constexpr std::string_view keys[] = {"", "key-a", "key-b"};

auto rows_of(const step& s, const partition& p) -> std::vector<result_row> {
  std::vector<result_row> rows;
  for (const auto& r : s.rows)
    if (was_released(p, target_ordinal{r.target}))
      rows.push_back({target_ordinal{r.target}, static_cast<process_status>(r.status), r.attempt,
                      timestamp{1}, keys[r.key], ""});
  return rows;
}

/// Failed targets of the picks, released again as the next attempt.
void retry(partition_spec& spec, const step& s) {
  std::map<std::uint16_t, std::set<std::uint32_t>> by_attempt;
  for (const auto t : s.picks)
    if (spec.state_of(t) == target_state::failed)
      by_attempt[static_cast<std::uint16_t>(spec.state().attempts[t] + 1)].insert(t);
  for (const auto& [attempt, ordinals] : by_attempt) {
    std::vector<ordinal_ranges::range> singles;
    for (const auto t : ordinals) singles.push_back({t, 1});
    spec.given({released(singles, attempt)});
  }
}

void perform(partition_spec& spec, const step& s) {
  switch (s.what) {
    case step::kind::release:
      spec.when(releasing(s.count, s.picks));
      return;
    case step::kind::publish:
      if (!spec.state().open.empty())
        spec.when(record_published{spec.state().open[s.count % spec.state().open.size()].at, 1});
      return;
    case step::kind::results:
      spec.when_said(rows_of(s, spec.state()));
      return;
    case step::kind::conclude:
      spec.when(conclude_partition{run_no{1}, false});
      return;
    case step::kind::retry:
      retry(spec, s);
      return;
  }
}

void check_sums(const partition_spec& spec) {
  const auto& c = spec.counts();
  target_counts again;
  std::uint64_t rest = 0;
  for (std::uint32_t t = 0; t < targets; ++t) {
    const auto state = spec.state_of(t);
    const bool granted =
        state == target_state::success || state == target_state::success_after_retry;
    again.success += granted ? 1 : 0;
    again.retry_success += state == target_state::success_after_retry ? 1 : 0;
    again.success_amount.value += granted ? 1'000 + t : 0;
    again.publish_failed += state == target_state::publish_failed ? 1 : 0;
    again.fail += state == target_state::failed || state == target_state::publish_failed ? 1 : 0;
    again.retrying += state == target_state::retrying ? 1 : 0;
    again.published += (spec.state().states[t] & 0x80U) != 0 ? 1 : 0;
    rest += state == target_state::pending || state == target_state::released ||
                    state == target_state::published
                ? 1
                : 0;
  }
  again.total = targets;
  RC_ASSERT(again == c);
  RC_ASSERT(c.success + c.fail + c.retrying + c.unknown + c.abandoned + rest == c.total);
}

/// What the whole history of one target says, by the sentences of the manual.
struct history {
  struct entry {
    process_status status;
    std::uint16_t attempt;
    std::uint16_t released_then;
  };
  std::vector<entry> entries;
  std::uint16_t attempts{0};

  [[nodiscard]] auto speaks_of_latest(const entry& e) const -> bool {
    if (e.released_then != attempts) return false;
    return e.attempt == attempts || (e.attempt == 0 && attempts == 1);
  }
  [[nodiscard]] auto granted() const -> bool {
    return std::ranges::any_of(entries,
                               [](const entry& e) { return e.status == process_status::success; });
  }
  [[nodiscard]] auto says(process_status status) const -> bool {
    return std::ranges::any_of(
        entries, [&](const entry& e) { return e.status == status && speaks_of_latest(e); });
  }
};

void check_history(const partition_spec& spec) {
  std::vector<history> told(targets);
  for (const auto& e : spec.facts()) {
    if (const auto* out = std::get_if<targets_released>(&e))
      out->ordinals.for_each([&](std::uint32_t t) { told[t].attempts = out->attempt.value; });
    if (const auto* in = std::get_if<results_recorded>(&e))
      for (std::size_t i = 0; i < in->ordinals.size(); ++i) {
        auto& h = told[in->ordinals[i]];
        h.entries.push_back({static_cast<process_status>(in->statuses[i]),
                             static_cast<std::uint16_t>(in->attempts[i]), h.attempts});
      }
  }
  for (std::uint32_t t = 0; t < targets; ++t) {
    const auto state = spec.state_of(t);
    const auto& h = told[t];
    const bool granted =
        state == target_state::success || state == target_state::success_after_retry;
    RC_ASSERT(granted == h.granted());
    if (granted || h.attempts == 0) continue;
    const bool failed = h.says(process_status::failed);
    RC_ASSERT((state == target_state::failed) == failed);
    RC_ASSERT((state == target_state::retrying) == (!failed && h.says(process_status::retrying)));
  }
}

auto replayed(const partition_spec& spec, std::size_t from, partition p) -> partition {
  for (auto i = from; i < spec.facts().size(); ++i)
    fold(p, spec.facts()[i], position{i + 1}, rising_amounts{});
  return p;
}
auto empty_partition() -> partition {
  return make_partition(promotion_id{7}, partition_no{2}, promotion_type::point, targets);
}

template <class Property>
void holds(Property property) {
  CHECK(rc::check(property));
}

}  // namespace

TEST_CASE("the counts of a partition add up after any history", "[unit][property]") {
  holds([](const std::vector<int>&) {
    partition_spec spec{targets};
    for (const auto& s : *rc::gen::container<std::vector<step>>(any_step())) {
      perform(spec, s);
      check_sums(spec);
    }
    check_history(spec);
  });
}

TEST_CASE("a snapshot anywhere and the rest of the log give the replayed state",
          "[unit][property]") {
  holds([](const std::vector<int>&) {
    partition_spec spec{targets};
    for (const auto& s : *rc::gen::container<std::vector<step>>(any_step())) perform(spec, s);
    const auto whole = replayed(spec, 0, empty_partition());
    RC_ASSERT(same_partition(whole, spec.state()));
    const auto cut = *rc::gen::inRange<std::size_t>(0, spec.facts().size() + 1);
    auto first = empty_partition();
    for (std::size_t i = 0; i < cut; ++i)
      fold(first, spec.facts()[i], position{i + 1}, rising_amounts{});
    partition restored;
    RC_ASSERT(from_snapshot(to_snapshot(first), restored));
    RC_ASSERT(same_partition(restored, first));
    RC_ASSERT(restored.version == first.version);
    const auto continued = replayed(spec, cut, std::move(restored));
    RC_ASSERT(same_partition(continued, whole));
    RC_ASSERT(to_snapshot(continued) == to_snapshot(whole));
  });
}

TEST_CASE("results sent twice are stored once", "[unit][property]") {
  holds([](const std::vector<int>&) {
    partition_spec spec{targets};
    for (auto s : *rc::gen::container<std::vector<step>>(any_step())) {
      if (s.what == step::kind::retry) continue;  // See "rather kept twice than lost".
      perform(spec, s);
      if (s.what != step::kind::results) continue;
      const auto before = spec.state();
      const auto rows = rows_of(s, before);
      spec.when_said(rows);
      RC_ASSERT(spec.state().duplicates == before.duplicates + rows.size());
      auto after = spec.state();
      after.duplicates = before.duplicates;
      RC_ASSERT(same_partition(after, before));
    }
  });
}

TEST_CASE("results in one command are as good as one by one", "[unit][property]") {
  holds([](const std::vector<int>&) {
    partition_spec together{targets};
    for (const auto& s : *rc::gen::container<std::vector<step>>(any_step())) perform(together, s);
    auto singly = together;
    step s;
    s.rows = *rc::gen::container<std::vector<step::row>>(any_row());
    const auto rows = rows_of(s, together.state());
    together.when_said(rows);
    for (const auto& row : rows) singly.when_said({row});
    RC_ASSERT(same_partition(together.state(), singly.state()));
  });
}

TEST_CASE("commands without results decided twice say nothing new", "[unit][property]") {
  holds([](const std::vector<int>&) {
    partition_spec spec{targets};
    for (const auto& s : *rc::gen::container<std::vector<step>>(any_step())) perform(spec, s);
    spec.when(conclude_partition{run_no{1}, false});
    const auto facts = spec.facts().size();
    spec.when(conclude_partition{run_no{1}, false});
    RC_ASSERT(spec.facts().size() == facts);
    if (spec.state().open.empty()) return;
    const record_published c{spec.state().open.front().at, 1};
    spec.when(c);
    RC_ASSERT(spec.facts().size() == facts + 1);
    spec.when(c);
    RC_ASSERT(spec.facts().size() == facts + 1);
  });
}

}  // namespace bestow::domain::test
