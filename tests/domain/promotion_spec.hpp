// Given facts, when a command, then facts or a refusal. Every accepted command is decided a second
// time by itself: a repeat must stay quiet.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "domain/promotion.hpp"
#include "tests/catch.hpp"

namespace bestow::domain::test {

class promotion_spec {
 public:
  promotion_spec() = default;
  explicit promotion_spec(const std::vector<promotion_event>& given) {
    for (const auto& e : given) fold(state_, e);
  }

  template <class Command>
  auto when(const Command& c) -> promotion_spec& {
    last_ = decide(c, state_);
    if (const auto* facts = std::get_if<std::vector<promotion_event>>(&last_)) {
      for (const auto& e : *facts) fold(state_, e);
      CHECK(says_nothing(decide(c, state_)));
    }
    return *this;
  }

  auto then(const std::vector<promotion_event>& wanted) -> promotion_spec& {
    INFO(describe());
    const auto* facts = std::get_if<std::vector<promotion_event>>(&last_);
    REQUIRE(facts != nullptr);
    REQUIRE(facts->size() == wanted.size());
    CHECK((*facts == wanted));
    return *this;
  }
  auto then_nothing() -> promotion_spec& {
    INFO(describe());
    CHECK(says_nothing(last_));
    return *this;
  }
  auto then_refused(rejection why) -> promotion_spec& {
    INFO(describe());
    const auto* no = std::get_if<refusal>(&last_);
    REQUIRE(no != nullptr);
    CHECK(std::string{name_of(no->why)} == std::string{name_of(why)});
    CHECK_FALSE(no->detail.empty());
    return *this;
  }
  [[nodiscard]] auto state() const -> const promotion& { return state_; }

 private:
  static auto says_nothing(const promotion_decision& d) -> bool {
    const auto* facts = std::get_if<std::vector<promotion_event>>(&d);
    return facts != nullptr && facts->empty();
  }
  [[nodiscard]] auto describe() const -> std::string {
    if (const auto* no = std::get_if<refusal>(&last_))
      return std::string{"refused: "}.append(name_of(no->why)).append(": ").append(no->detail);
    std::string text{"facts:"};
    for (const auto& e : std::get<std::vector<promotion_event>>(last_))
      std::visit([&text](const auto& f) { text.append(" ").append(f.name); }, e);
    return text;
  }

  promotion state_;
  promotion_decision last_;
};

inline constexpr timestamp now{1'800'000'000'000};
inline constexpr timestamp later{1'900'000'000'000};

[[nodiscard]] inline auto digest(unsigned char fill) -> sha256_digest {
  sha256_digest d{};
  d.fill(static_cast<std::byte>(fill));
  return d;
}

/// A promotion of points over four partitions with every default given.
[[nodiscard]] inline auto points() -> promotion_created {
  promotion_created e;
  e.promotion = promotion_id{7};
  e.external_id = "spring";
  e.currency = "KRW";
  e.partition_count = 4;
  e.default_reason = "welcome";
  e.default_amount = money_minor{1'000};
  e.default_expiry_at = later;
  e.created_by = "kim";
  return e;
}

/// `count` good rows from data row `first`, 100 bytes each. Customers are 1000 + row.
[[nodiscard]] inline auto rows(std::string batch, std::uint64_t first, std::uint32_t count)
    -> targets_imported {
  targets_imported e;
  e.batch = std::move(batch);
  e.first_row = first;
  e.row_count = count;
  e.byte_end = (first - 1 + count) * 100;
  e.prefix_sha256 = digest(static_cast<unsigned char>(first - 1 + count));
  e.customer_uids = u64_column::arithmetic(1'000 + first, 1, count);
  e.partitions = u64_column::constant(0, count);
  e.amounts = u64_column::constant(500, count);
  e.expiries = u64_column::constant(static_cast<std::uint64_t>(later.value), count);
  e.reasons = string_column::constant("thanks", count);
  e.withdrawals = u64_column::constant(0, count);
  return e;
}
/// The fact that becomes of rows(): ids assigned from `first_id`.
[[nodiscard]] inline auto numbered(targets_imported e, std::uint64_t first_id) -> targets_imported {
  e.target_ids = u64_column::arithmetic(first_id, 1, e.customer_uids.size());
  return e;
}
[[nodiscard]] inline auto with_ids(targets_imported e, std::uint64_t first_id) -> targets_imported {
  e.ids_given = true;
  return numbered(std::move(e), first_id);
}

[[nodiscard]] inline auto opened(std::string batch) -> batch_opened {
  return {std::move(batch), import_format::csv, now};
}
/// Ends a batch of `count` rows() without rejects.
[[nodiscard]] inline auto closing(std::string batch, std::uint64_t count) -> close_batch {
  return {std::move(batch), count, count * 100, digest(static_cast<unsigned char>(count))};
}
[[nodiscard]] inline auto closed(std::string batch, std::uint64_t count) -> batch_closed {
  return {std::move(batch), count, count, 0, digest(static_cast<unsigned char>(count))};
}
[[nodiscard]] inline auto totals(std::uint64_t count, std::int64_t amount) -> list_sealed {
  list_sealed e;
  e.total_count = count;
  e.total_amount = money_minor{amount};
  e.list_sha256 = digest(9);
  return e;
}
[[nodiscard]] inline auto settings() -> run_started {
  run_started e;
  e.run_date = 20260121;
  e.topic = "prepay.campaign.point.publish";
  e.started_by = "kim";
  return e;
}
[[nodiscard]] inline auto run(std::uint32_t no, bool resumed) -> run_started {
  auto e = settings();
  e.run = run_no{no};
  e.resumed = resumed;
  return e;
}

/// Facts of a promotion with ten targets, up to each station of its life.
[[nodiscard]] inline auto draft() -> std::vector<promotion_event> {
  return {points(), opened("a"), numbered(rows("a", 1, 10), 1), closed("a", 10)};
}
[[nodiscard]] inline auto and_then(std::vector<promotion_event> facts,
                                   std::vector<promotion_event> more)
    -> std::vector<promotion_event> {
  facts.insert(facts.end(), more.begin(), more.end());
  return facts;
}
[[nodiscard]] inline auto sealed() -> std::vector<promotion_event> {
  return and_then(draft(), {totals(10, 5'000)});
}
[[nodiscard]] inline auto approved() -> std::vector<promotion_event> {
  return and_then(sealed(), {promotion_approved{"lee"}});
}
[[nodiscard]] inline auto running() -> std::vector<promotion_event> {
  return and_then(approved(), {run(1, false)});
}
[[nodiscard]] inline auto stopping() -> std::vector<promotion_event> {
  return and_then(running(), {run_stopping{run_no{1}, "lunch", "lee"}});
}
[[nodiscard]] inline auto stopped() -> std::vector<promotion_event> {
  return and_then(stopping(), {run_stopped{run_no{1}}});
}
[[nodiscard]] inline auto completed() -> std::vector<promotion_event> {
  return and_then(running(), {promotion_completed{run_no{1}, 9, 1, money_minor{4'500}}});
}

}  // namespace bestow::domain::test
