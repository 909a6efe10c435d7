// A customer's facts over all promotions: complete, in log order, page by page.
#include "projections/customer_trace.hpp"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>

#include "events/limits.hpp"
#include "projections/customer_grants.hpp"
#include "tests/catch.hpp"
#include "tests/projections/player.hpp"
#include "tests/projections/stage.hpp"

namespace bestow::projections::testing {
namespace {

auto always() -> bool {
  return true;
}
/// Longer than any test.
auto an_hour(std::function<bool()> go_on = always) -> patience {
  return {std::chrono::steady_clock::now() + std::chrono::hours{1}, std::move(go_on)};
}

struct traced : stage {
  explicit traced(std::uint64_t seed = 1) : stage{seed} {}
  auto ask(trace_question q) -> projections::answer<trace_page> {
    follow_all(*views);
    auto page = trace_customer(*views, log(), lists(), q, an_hour());
    REQUIRE(page);
    return std::move(*page);
  }
  /// All pages, one after the other.
  auto all(std::uint64_t customer, std::size_t limit, std::optional<position> until = {})
      -> std::vector<trace_line> {
    std::vector<trace_line> out;
    trace_question q{{customer}, {}, limit, until};
    for (;;) {
      auto page = ask(q);
      REQUIRE(page.value.lines.size() <= limit);
      out.insert(out.end(), page.value.lines.begin(), page.value.lines.end());
      if (!page.value.next) return out;
      REQUIRE(page.value.lines.size() == limit);
      q.after = *page.value.next;
    }
  }
  std::unique_ptr<store::view_store_factory> stores{store::make_memory_view_stores()};
  std::unique_ptr<view_set> views{open_all(*this, *stores)};
};

auto words(const std::vector<trace_line>& lines) -> std::vector<std::string> {
  std::vector<std::string> out;
  for (const auto& l : lines)
    out.push_back(std::to_string(l.fact.at.value) + " " + std::to_string(l.promotion.value) + "/" +
                  std::to_string(l.target.value) + " " + l.fact.what + ": " + l.fact.detail);
  return out;
}

TEST_CASE("a trace tells a customer's story over two promotions", "[unit][trace]") {
  traced s;
  s.create({1}, 2);
  s.open_batch({1}, "may");
  s.import({1}, "may", {{10, 0, 500, 42}, {11, 0, 600, 43}}, 1);
  s.import({1}, "may", {{12, 1, 700, 42}});
  s.close_batch({1}, "may");
  s.seal({1});
  s.tell(promotion_id{1}, domain::approve_promotion{"approver"});
  s.start({1});
  s.begin({2}, 1, {{90, 0, 50, 42}});
  s.release({1}, 0, 2);
  s.publish({1}, 0);
  s.answer({1}, 0, {answered(0, process_status::success, "tx-1"),
                    answered(1, process_status::failed, "", "closed")});
  s.release({2}, 0, 1);
  const auto page = s.ask({{42}, {}, 100, {}});
  CHECK(page.value.promotions == 2);
  CHECK(page.value.targets == 3);
  CHECK_FALSE(page.value.next);
  const auto& lines = page.value.lines;
  std::vector<std::string> events;
  for (const auto& l : lines) events.push_back(l.fact.what);
  CHECK(events == std::vector<std::string>{"targets_imported", "targets_imported",
                                           "targets_imported", "targets_released",
                                           "grants_published", "results_recorded",
                                           "targets_released"});
  CHECK(lines[0].batch == "may");
  CHECK(lines[0].row == 1);
  CHECK(lines[0].amount.value == 500);
  CHECK(lines[0].currency == "KRW");
  CHECK(lines[1].target.value == 12);
  CHECK(lines[1].row == 4);  // Rows 1 and 2 were good, 3 was refused.
  CHECK(lines[2].promotion.value == 2);
  CHECK(lines[3].fact.attempt.value == 1);
  CHECK(lines[3].fact.run.value == 1);
  CHECK(lines[4].fact.stream_seq > 0);
  CHECK(lines[5].fact.status == "SUCCESS");
  CHECK(lines[5].fact.transaction_key == "tx-1");
  CHECK(lines[5].fact.said_at.value == 1'700'000'000'500);
  CHECK(lines[6].promotion.value == 2);
  for (const auto& l : lines) CHECK(l.fact.recorded_at.value > 0);
  // As it stood before the second promotion was sealed.
  const auto before = s.ask({{42}, {}, 100, lines[2].fact.at});
  CHECK(before.value.promotions == 1);
  CHECK(before.value.lines.size() == 2);
  CHECK(before.as_of == lines[2].fact.at);
  // Someone else, and no one.
  CHECK(s.ask({{43}, {}, 100, {}}).value.targets == 1);
  for (const std::uint64_t none : {0ULL, 1ULL, 44ULL, ~0ULL}) {
    const auto nothing = s.ask({{none}, {}, 100, {}});
    CHECK(nothing.value.promotions == 0);
    CHECK(nothing.value.lines.empty());
  }
}

TEST_CASE("pages part even a fact that touched many of a customer's targets", "[unit][trace]") {
  traced s;
  std::vector<target_spec> targets;
  for (std::uint64_t i = 1; i <= 50; ++i)
    targets.push_back({i, static_cast<std::uint16_t>(i % 3), 10, i % 2 == 0 ? 7ULL : 8ULL});
  s.begin({1}, 3, targets);
  for (std::uint16_t k = 0; k < 3; ++k) {
    s.release({1}, k, 100);
    s.publish({1}, k);
  }
  const auto whole = words(s.all(7, 1'000));
  CHECK(whole.size() == 25 * 3);
  for (const std::size_t limit : {1, 2, 3, 7, 24, 25, 26, 74, 75, 76})
    CHECK(words(s.all(7, limit)) == whole);
}

TEST_CASE("a customer with more targets than a trace follows is told so", "[unit][trace]") {
  traced s;
  std::vector<target_spec> targets;
  for (std::uint64_t i = 1; i <= limits::trace_targets_max; ++i) targets.push_back({i, 0, 10, 7});
  s.begin({1}, 1, targets);
  CHECK_FALSE(s.ask({{7}, {}, 10, {}}).value.too_many);
  s.begin({2}, 1, {{1, 0, 10, 7}});
  const auto page = s.ask({{7}, {}, 10, {}});
  CHECK(page.value.too_many);
  CHECK(page.value.lines.empty());
}

/// Imports and every target's own history, put together by hand.
auto expected(traced& s, const std::vector<promotion_id>& ids, std::uint64_t customer)
    -> std::vector<std::string> {
  const queries ask{*s.views, s.log(), s.lists()};
  std::vector<trace_line> out;
  for (const auto id : ids) {
    const auto target = ask.target(id, {customer - 7'000'000});
    REQUIRE(target);
    if (!target->value) continue;
    const auto imports = s.log().read_stream(
        stream_of(id), {}, {{event_type::targets_imported}}, [&](const store::stored_event& e) {
          trace_line line;
          line.promotion = id;
          line.target = target->value->target.id;
          line.fact.at = e.at;
          line.fact.what = "targets_imported";
          line.fact.detail = "batch one, row " + std::to_string((customer - 7'000'001) / 7 + 1);
          out.push_back(line);
          return true;
        });
    REQUIRE(imports);
    const auto history = ask.history(id, target->value->target.id);
    for (const auto& fact : history->value) {
      trace_line line;
      line.promotion = id;
      line.target = target->value->target.id;
      line.fact = fact;
      out.push_back(line);
    }
  }
  std::stable_sort(out.begin(), out.end(), [](const trace_line& a, const trace_line& b) {
    return a.fact.at < b.fact.at;
  });
  return words(out);
}

TEST_CASE("a trace is the histories of a customer's targets, in log order", "[unit][trace]") {
  std::size_t lines = 0;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    INFO("seed " << seed);
    traced s{seed};
    player game{s, seed};
    for (int moment = 0; moment < 60; ++moment) game.play();
    follow_all(*s.views);
    for (std::uint64_t t = 0; t < 400; t += 1 + seed % 37) {
      const auto customer = 7'000'001 + t * 7;
      const auto wanted = expected(s, game.ids(), customer);
      REQUIRE(words(s.all(customer, 1 + seed % 5)) == wanted);
      lines += wanted.size();
    }
  }
  CHECK(lines > 1'000);
}

TEST_CASE("a trace is stopped and ends in time, also where no fact concerns it", "[unit][trace]") {
  traced s;
  s.begin({1}, 1, {{1, 0, 10, 7}});
  // Facts that no history handles, and never decodes.
  const encoded_event other{event_type::retry_planned, {},
                            std::vector<std::byte>(limits::append_bytes_max / 2)};
  for (std::size_t bytes = 0; bytes < 4 * limits::log_read_txn_bytes; bytes += other.payload.size())
    s.append(stream_of(promotion_id{1}, partition_no{0}), other);
  follow(*s.views, customer_grants::name);
  const trace_question question{{7}, {}, 10, {}};
  const auto ask = [&](const patience& time) {
    return trace_customer(*s.views, s.log(), s.lists(), question, time);
  };
  int all = 0;
  REQUIRE(ask(an_hour([&] { return ++all > 0; })));
  CHECK(all >= 3 + 4);  // The list twice, the import, and each bounded part of the stream.
  for (int looks = 0; looks < all; ++looks) {
    int asked = 0;
    const auto stopped = ask(an_hour([&] { return asked++ < looks; }));
    REQUIRE_FALSE(stopped);
    CHECK(std::get<read_refusal>(stopped.error()) == read_refusal::stopping);
  }
  const auto late = ask({std::chrono::steady_clock::now() - std::chrono::hours{1}, always});
  REQUIRE_FALSE(late);
  CHECK(std::get<read_refusal>(late.error()) == read_refusal::takes_too_long);
}

TEST_CASE("a damaged run is built again by the question that meets it", "[unit][trace]") {
  const temp_directory dir;
  stage s;
  std::vector<target_spec> targets;
  for (std::uint64_t i = 1; i <= 2'000; ++i) targets.push_back({i, 0, 10, 3 * i});
  s.begin({1}, 1, targets);
  const auto lists = store::make_target_lists(dir.path());
  const auto stores = store::make_memory_view_stores();
  const auto views = open_views(*stores, s.log(), **lists);
  follow_all(**views);
  const auto path = dir.path() + "/1/customers";
  const auto size = std::filesystem::file_size(path);
  for (std::uintmax_t at = size / 2; at < size; at += 512) {  // Its blocks, while it is mapped.
    std::fstream file{path, std::ios::binary | std::ios::in | std::ios::out};
    file.seekp(static_cast<std::streamoff>(at));
    file.put('\x5a');
  }
  for (std::uint64_t i = 1; i <= 2'000; i += 97) {
    const auto page = trace_customer(**views, s.log(), **lists, {{3 * i}, {}, 10, {}}, an_hour());
    REQUIRE(page);
    REQUIRE(page->value.lines.size() == 1);
    REQUIRE(page->value.lines[0].target.value == i);
  }
}

}  // namespace
}  // namespace bestow::projections::testing
