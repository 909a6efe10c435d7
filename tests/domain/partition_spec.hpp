// Given a partition of targets, when a command, then facts. Facts are folded at ascending log
// positions, from 1. Target o is worth 1,000 + o.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "domain/partition.hpp"
#include "tests/catch.hpp"

namespace bestow::domain::test {

class rising_amounts final : public amount_source {
 public:
  [[nodiscard]] auto amount_of(target_ordinal ordinal) const -> money_minor override {
    return money_minor{1'000 + std::int64_t{ordinal.value}};
  }
};

/// Every field of a partition but `version` and `awaited_before`, compared one by one.
[[nodiscard]] inline auto same_partition(const partition& a, const partition& b) -> bool {
  // A field added to partition does not bind here until it is compared too.
  const auto& [promotion, number, type, states, attempts, key_hashes, seen, next, open, counts, run,
               release_count, done_at_release, duplicates, ignored, double_grants, double_keys,
               awaited, awaited_before, retry_run, retry_next, retry_count, retry_done, recall, recall_next,
               recall_count, recall_amount, recall_done, recalls, version] = a;
  static_cast<void>(version);
  static_cast<void>(awaited_before);  // Numbers the chunks of one process; a snapshot starts at 0.
  const auto same_open = [](const open_release& x, const open_release& y) {
    return x.at == y.at && x.ordinals == y.ordinals && x.message_count == y.message_count &&
           x.attempt == y.attempt && x.kind == y.kind;
  };
  const auto same_awaited = [](const awaited_chunk& x, const awaited_chunk& y) {
    return x.published_at == y.published_at && x.ordinals == y.ordinals && x.attempt == y.attempt;
  };
  return promotion == b.promotion && number == b.number && type == b.type && states == b.states &&
         attempts == b.attempts && key_hashes == b.key_hashes && seen == b.seen && next == b.next &&
         std::equal(open.begin(), open.end(), b.open.begin(), b.open.end(), same_open) &&
         counts == b.counts && run == b.run && release_count == b.release_count &&
         done_at_release == b.done_at_release && duplicates == b.duplicates &&
         ignored == b.ignored && double_grants == b.double_grants && double_keys == b.double_keys &&
         std::equal(awaited.begin(), awaited.end(), b.awaited.begin(), b.awaited.end(),
                    same_awaited) &&
         retry_run == b.retry_run && retry_next == b.retry_next && retry_count == b.retry_count &&
         retry_done == b.retry_done && recall == b.recall && recall_next == b.recall_next &&
         recall_count == b.recall_count && recall_amount == b.recall_amount &&
         recall_done == b.recall_done && recalls == b.recalls;
}

[[nodiscard]] inline auto run_of(std::uint32_t no) -> run_started {
  run_started e;
  e.run = run_no{no};
  e.chunk = 4;
  e.topic = "prepay.campaign.point.publish";
  return e;
}
[[nodiscard]] inline auto releasing(std::uint32_t count_max,
                                    std::vector<std::uint32_t> too_large = {},
                                    std::uint32_t run = 1) -> release_next {
  return {run_of(run), count_max, timestamp{1'000}, std::move(too_large)};
}
[[nodiscard]] inline auto ranges(std::vector<ordinal_ranges::range> of) -> ordinal_ranges {
  ordinal_ranges o;
  for (const auto& r : of) o.append(r.first, r.count);
  return o;
}
[[nodiscard]] inline auto released(std::vector<ordinal_ranges::range> of, std::uint16_t attempt = 1,
                                   std::uint32_t run = 1) -> targets_released {
  targets_released e;
  e.kind = attempt == 1 ? release_kind::grant : release_kind::retry;
  e.promotion = promotion_id{7};
  e.run = run_no{run};
  e.attempt = attempt_no{attempt};
  e.partition = partition_no{2};
  e.ordinals = ranges(std::move(of));
  e.message_count = static_cast<std::uint32_t>(e.ordinals.size());
  e.topic = "prepay.campaign.point.publish";
  e.sent_at = timestamp{1'000};
  return e;
}

[[nodiscard]] inline auto said(std::uint32_t ordinal, process_status status, std::string_view key,
                               std::uint16_t attempt = 1) -> result_row {
  return {target_ordinal{ordinal}, status, attempt, timestamp{5'000}, key, ""};
}
[[nodiscard]] inline auto success(std::uint32_t ordinal, std::string_view key,
                                  std::uint16_t attempt = 1) -> result_row {
  return said(ordinal, process_status::success, key, attempt);
}
[[nodiscard]] inline auto retrying(std::uint32_t ordinal, std::uint16_t attempt = 1) -> result_row {
  return said(ordinal, process_status::retrying, "", attempt);
}
[[nodiscard]] inline auto failed(std::uint32_t ordinal, std::uint16_t attempt = 1) -> result_row {
  return said(ordinal, process_status::failed, "", attempt);
}
/// The fact that holds these rows.
[[nodiscard]] inline auto recorded(const std::vector<result_row>& rows,
                                   std::uint32_t duplicate_count = 0) -> results_recorded {
  std::vector<std::uint64_t> ordinals, statuses, attempts, at;
  results_recorded e;
  for (const auto& r : rows) {
    ordinals.push_back(r.ordinal.value);
    statuses.push_back(static_cast<std::uint64_t>(r.status));
    attempts.push_back(r.attempt);
    at.push_back(static_cast<std::uint64_t>(r.at.value));
    e.transaction_keys.push_back(r.transaction_key);
    e.error_messages.push_back(r.error_message);
  }
  e.ordinals = u64_column::of(ordinals);
  e.statuses = u64_column::of(statuses);
  e.attempts = u64_column::of(attempts);
  e.at = u64_column::of(at);
  e.duplicate_count = duplicate_count;
  return e;
}

class partition_spec {
 public:
  explicit partition_spec(std::uint32_t targets)
      : state_{make_partition(promotion_id{7}, partition_no{2}, promotion_type::point, targets)} {}

  auto given(std::vector<partition_event> facts) -> partition_spec& {
    for (const auto& e : facts) take(e);
    return *this;
  }
  template <class Command>
  auto when(const Command& c) -> partition_spec& {
    last_ = decide(c, state_);
    if (const auto* facts = std::get_if<std::vector<partition_event>>(&last_))
      for (const auto& e : *facts) take(e);
    return *this;
  }
  auto when_said(std::vector<result_row> rows) -> partition_spec& {
    return when(record_results{std::move(rows)});
  }
  auto then(const std::vector<partition_event>& wanted) -> partition_spec& {
    const auto* facts = std::get_if<std::vector<partition_event>>(&last_);
    REQUIRE(facts != nullptr);
    REQUIRE(facts->size() == wanted.size());
    CHECK((*facts == wanted));
    return *this;
  }
  auto then_nothing() -> partition_spec& { return then({}); }
  auto then_refused(rejection why) -> partition_spec& {
    const auto* no = std::get_if<refusal>(&last_);
    REQUIRE(no != nullptr);
    CHECK(std::string{name_of(no->why)} == std::string{name_of(why)});
    CHECK_FALSE(no->detail.empty());
    return *this;
  }
  auto and_target(std::uint32_t ordinal, target_state wanted) -> partition_spec& {
    CHECK(static_cast<int>(state_of(ordinal)) == static_cast<int>(wanted));
    return *this;
  }
  [[nodiscard]] auto state_of(std::uint32_t ordinal) const -> target_state {
    return static_cast<target_state>(state_.states[ordinal] & 0x0FU);
  }
  [[nodiscard]] auto recall_of(std::uint32_t ordinal) const -> recall_state {
    return static_cast<recall_state>((state_.states[ordinal] & 0x30U) >> 4U);
  }
  [[nodiscard]] auto state() const -> const partition& { return state_; }
  [[nodiscard]] auto counts() const -> const target_counts& { return state_.counts; }
  [[nodiscard]] auto facts() const -> const std::vector<partition_event>& { return facts_; }

 private:
  void take(const partition_event& e) {
    facts_.push_back(e);
    fold(state_, e, position{facts_.size()}, rising_amounts{});
  }
  partition state_;
  partition_decision last_;
  std::vector<partition_event> facts_;
};

}  // namespace bestow::domain::test
