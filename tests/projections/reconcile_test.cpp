// The three-way check against a stream and a ledger that may lie.
#include "projections/reconcile.hpp"

#include "events/limits.hpp"
#include "tests/projections/stage.hpp"
#include "tests/catch.hpp"

namespace bestow::projections::testing {
namespace {

constexpr promotion_id one{1};

/// Five targets of 100, 101, ... over two partitions: 10, 30, 50 and 20, 40; all published, all
/// granted but 50, which failed. Stream and ledger agree until a test changes them.
struct settled : stage {
  settled() {
    begin(one, 2, some_targets(5, 2));
    for (std::uint16_t k = 0; k < 2; ++k) {
      release(one, k, 10);
      publish(one, k);
    }
    answer(one, 0,
           {answered(0, process_status::success, "a"), answered(1, process_status::success, "b"),
            answered(2, process_status::failed, "", "closed")});
    answer(one, 1,
           {answered(0, process_status::success, "c"), answered(1, process_status::success, "d")});
    list = *lists().open(log(), one);
    for (std::uint64_t i = 0; i < 5; ++i) {
      const auto amount = money_minor{100 + static_cast<std::int64_t>(i)};
      const partition_no k{static_cast<std::uint16_t>(i % 2)};
      on_stream.push_back({target_id{10 * (i + 1)}, amount, 2 + i, 1, k});
      if (i != 4) paid.push_back({target_id{10 * (i + 1)}, amount, std::nullopt});
    }
  }

  auto check(bool with_ledger = true) -> reconcile_report {
    reconcile_sources in;
    in.list = list.get();
    in.states = [this](partition_no k) -> result<std::vector<std::uint8_t>> {
      return partition(one, k.value).states;
    };
    in.published = [this, i = std::size_t{0}]() mutable -> result<std::optional<published_entry>> {
      if (i == on_stream.size()) return std::nullopt;
      return on_stream[i++];
    };
    if (with_ledger)
      in.ledger = [this, i = std::size_t{0}]() mutable -> result<std::optional<ledger_entry>> {
        if (i == paid.size()) return std::nullopt;
        return paid[i++];
      };
    auto report = reconcile(in);
    REQUIRE(report);
    return *report;
  }

  std::shared_ptr<const store::target_list> list;
  std::vector<published_entry> on_stream;
  std::vector<ledger_entry> paid;
};

TEST_CASE("a true run agrees three ways", "[unit][reconcile]") {
  settled s;
  const auto r = s.check();
  CHECK(r.agrees());
  CHECK(r.sealed == balance_side{5, money_minor{510}, false});
  CHECK(r.expected_published == r.sealed);
  CHECK(r.stream == r.sealed);
  CHECK(r.expected_paid == balance_side{4, money_minor{406}, false});
  CHECK(r.ledger == r.expected_paid);
  CHECK(r.stream_grants == 5);
}

TEST_CASE("a grant missing from the stream is named", "[unit][reconcile]") {
  settled s;
  s.on_stream.erase(s.on_stream.begin() + 1);
  const auto r = s.check();
  CHECK_FALSE(r.agrees());
  CHECK(r.missing_on_stream.count == 1);
  CHECK(r.missing_on_stream.named ==
        std::vector{named_target{target_id{20}, money_minor{101}, {}, 0}});
}

TEST_CASE("a message for no target of the list is named with its sequence", "[unit][reconcile]") {
  settled s;
  s.on_stream.push_back({target_id{999}, money_minor{1}, 77, 1, partition_no{0}});
  const auto r = s.check();
  CHECK(r.extra_on_stream.named ==
        std::vector{named_target{target_id{999}, {}, money_minor{1}, 77}});
  CHECK(r.stream.count == 5);
}

TEST_CASE("a grant twice on the stream is named, a later attempt is not", "[unit][reconcile]") {
  settled s;
  s.on_stream.push_back({target_id{50}, money_minor{104}, 8, 2, std::nullopt});
  CHECK(s.check().agrees());
  s.on_stream.push_back({target_id{10}, money_minor{100}, 9, 1, std::nullopt});
  const auto r = s.check();
  CHECK(r.repeated_on_stream.count == 1);
  CHECK(r.repeated_on_stream.named.front().stream_seq == 9);
  CHECK(r.stream_grants == 7);
}

TEST_CASE("a message with another amount is named with both", "[unit][reconcile]") {
  settled s;
  s.on_stream[2].amount = money_minor{1'000};
  const auto r = s.check();
  CHECK(r.amount_differs_on_stream.named ==
        std::vector{named_target{target_id{30}, money_minor{102}, money_minor{1'000}, 4}});
}

TEST_CASE("every lie of a ledger is named", "[unit][reconcile]") {
  settled s;
  s.paid.erase(s.paid.begin());                                        // 10 was never paid
  s.paid.front().amount = money_minor{7};                              // 20 was paid otherwise
  s.paid.push_back({target_id{30}, money_minor{102}, std::nullopt});   // 30 was paid twice
  s.paid.push_back({target_id{50}, money_minor{104}, std::nullopt});   // 50 was refused, and paid
  s.paid.push_back({target_id{60}, money_minor{1}, partition_no{9}});  // 60 is not in the list
  const auto r = s.check();
  CHECK(r.missing_in_ledger.named.front().target == target_id{10});
  CHECK(r.amount_differs_in_ledger.named.front().target == target_id{20});
  CHECK(r.repeated_in_ledger.named.front().target == target_id{30});
  CHECK(r.unexpected_in_ledger.named.front().target == target_id{50});
  CHECK(r.extra_in_ledger.named.front().target == target_id{60});
  for (const auto* d : {&r.missing_in_ledger, &r.amount_differs_in_ledger, &r.repeated_in_ledger,
                        &r.unexpected_in_ledger, &r.extra_in_ledger})
    CHECK(d->count == 1);
}

TEST_CASE("without a ledger the payer's side is left out", "[unit][reconcile]") {
  settled s;
  const auto r = s.check(false);
  CHECK(r.agrees());
  CHECK_FALSE(r.ledger_given);
  CHECK(r.ledger.count == 0);
}

TEST_CASE("a wrong hint of the partition is looked past", "[unit][reconcile]") {
  settled s;
  for (auto& e : s.on_stream) e.partition = partition_no{1};
  CHECK(s.check().agrees());
}

TEST_CASE("names are bounded, counts are not", "[unit][reconcile]") {
  settled s;
  for (std::uint64_t i = 0; i < limits::reconcile_named_max + 5; ++i)
    s.paid.push_back({target_id{100'000 + i}, money_minor{1}, std::nullopt});
  const auto r = s.check();
  CHECK(r.extra_in_ledger.count == limits::reconcile_named_max + 5);
  CHECK(r.extra_in_ledger.named.size() == limits::reconcile_named_max);
}

TEST_CASE("a sum beyond 64 bits is said, not wrapped", "[unit][reconcile]") {
  settled s;
  for (auto& e : s.paid) e.amount = money_minor{INT64_MAX};
  const auto r = s.check();
  CHECK(r.ledger.amount_overflows);
  CHECK(r.ledger.amount == money_minor{INT64_MAX});
}

TEST_CASE("a source that fails ends the check with its fault", "[unit][reconcile]") {
  settled s;
  reconcile_sources in;
  in.list = s.list.get();
  in.published = []() -> result<std::optional<published_entry>> {
    return fail(fault_code::broker_unavailable, "fetch", "no answer");
  };
  const auto report = reconcile(in);
  REQUIRE_FALSE(report);
  CHECK(report.error().code == fault_code::broker_unavailable);
}

}  // namespace
}  // namespace bestow::projections::testing
