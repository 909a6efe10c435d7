// Views of an earlier moment equal what the live views held then, whatever is asked.
#include "projections/past_views.hpp"

#include <fmt/format.h>

#include <atomic>
#include <functional>
#include <map>
#include <random>
#include <thread>

#include "events/limits.hpp"
#include "projections/row_bytes.hpp"
#include "store/scratch_views.hpp"
#include "tests/catch.hpp"
#include "tests/projections/player.hpp"
#include "tests/projections/stage.hpp"

namespace bestow::projections::testing {
namespace {

using namespace std::chrono_literals;

auto memory_scratch() -> past_views::scratch_maker {
  return []() -> result<std::unique_ptr<store::view_store_factory>> {
        return store::make_memory_view_stores();
      };
}
auto always() -> bool {
  return true;
}
auto all_views() -> std::vector<std::string> {
  std::vector<std::string> out;
  for (const auto& v : registered_views()) out.emplace_back(v.name);
  return out;
}

/// A log with the first facts of another, at the same positions.
struct cut_log {
  cut_log(const store::event_log& from, position until) : log{99} {
    const auto seen = from.read({}, {}, [&](const store::stored_event& e) {
      if (e.at > until) return false;
      const auto version = log.version_of(e.stream);
      const encoded_event copy{
          e.type, *decode_metadata(e.metadata), {e.payload.begin(), e.payload.end()}};
      const store::append_batch batch{e.stream, *version, {copy}};
      REQUIRE(log.append_group({&batch, 1}, e.recorded_at)->front());
      return true;
    });
    REQUIRE(seen);
    REQUIRE(log.head().last == until);
    views = std::move(*open_views(*stores, log, *lists));
    follow_all(*views);
  }
  store::memory_log log;
  std::unique_ptr<store::target_lists> lists{std::move(*store::make_target_lists(""))};
  std::unique_ptr<store::view_store_factory> stores{store::make_memory_view_stores()};
  std::unique_ptr<view_set> views;
};

/// Rows of one promotion. Releases that wait are kept by position and left out.
auto rows_of(const view_set& views, std::string_view view, promotion_id id)
    -> std::map<std::string, std::string> {
  std::map<std::string, std::string> out;
  const auto rows = views.read(view);
  REQUIRE(rows);
  REQUIRE((*rows)->scan("", [&](std::string_view key, std::string_view value) {
    if (key.front() != static_cast<char>(table::release) &&
        key_number<std::uint64_t>(key, 1) == id.value)
      out.emplace(key, value);
    return true;
  }));
  return out;
}

TEST_CASE("as of any position the rows are those of the live views at that position",
          "[unit][past]") {
  std::size_t compared = 0;
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    INFO("seed " << seed);
    stage s{seed};
    player game{s, seed};
    for (int moment = 0; moment < 60; ++moment) game.play();
    if (seed % 2 == 0) game.finish();
    past_views past{s.log(), s.lists(), memory_scratch()};
    std::mt19937_64 random{seed};
    const auto head = s.log().head().last.value;
    for (const auto at : {random() % (head + 1), random() % (head + 1), head}) {
      INFO("position " << at);
      const cut_log then{s.log(), {at}};
      const auto whole = past.at({all_views(), std::nullopt, {at}}, always);
      REQUIRE(whole);
      CHECK((*whole)->at().at == position{at});
      CHECK((*whole)->at().frame_hash == *s.log().frame_hash_at({at}));
      REQUIRE(hashes((*whole)->views()) == hashes(*then.views));
      for (const auto id : game.ids()) {
        const auto one = past.at({all_views(), id, {at}}, always);
        REQUIRE(one);
        for (const auto& view : all_views()) {
          INFO(view << " of promotion " << id.value);
          const auto rows = rows_of((*one)->views(), view, id);
          REQUIRE(rows == rows_of(*then.views, view, id));
          compared += rows.size();
        }
      }
    }
  }
  CHECK(compared > 2'000);
}

TEST_CASE("answers of an earlier moment are those that were given then", "[unit][past]") {
  stage s;
  s.begin({1}, 2, some_targets(40, 2));
  s.release({1}, 0, 20);
  s.publish({1}, 0);
  const auto then = s.log().head().last;
  const auto history_then = [&] {
    const auto stores = store::make_memory_view_stores();
    const auto views = open_all(s, *stores);
    follow_all(*views);
    return queries{*views, s.log(), s.lists()}.history({1}, {10})->value.size();
  }();
  s.answer({1}, 0, {answered(0, process_status::success, "tx")});
  past_views past{s.log(), s.lists(), memory_scratch()};
  const auto was = past.at({{"promotion_summary", "target_status"}, promotion_id{1}, then}, always);
  REQUIRE(was);
  const auto& ask = (*was)->answers();
  CHECK(ask.promotion({1})->value->counts.success == 0);
  CHECK(ask.promotion({1})->value->counts.published == 20);
  CHECK(ask.promotion({1})->as_of == then);
  CHECK(ask.target({1}, {10})->value->state == domain::target_state::published);
  CHECK(ask.history({1}, {10})->value.size() == history_then);
  CHECK(ask.history({1}, {10})->as_of == then);
  const auto is = past.at({{"target_status"}, promotion_id{1}, s.log().head().last}, always);
  CHECK((*is)->answers().target({1}, {10})->value->state == domain::target_state::success);
  CHECK((*is)->answers().target({1}, {10})->value->transaction_key == "tx");
  CHECK_FALSE((*is)->views().read("promotion_summary"));  // Not asked for.
}

TEST_CASE("a time is the last position recorded by then", "[unit][past]") {
  stage s{5};
  player game{s, 5};
  for (int moment = 0; moment < 60; ++moment) game.play();
  std::map<std::int64_t, std::uint64_t> last;
  REQUIRE(s.log().read({}, {}, [&](const store::stored_event& e) {
    last[e.recorded_at.value] = e.at.value;
    return true;
  }));
  REQUIRE(last.size() > 10);
  CHECK(position_at(s.log(), {last.begin()->first - 1})->value == 0);
  for (auto it = last.begin(); it != last.end(); ++it) {
    CHECK(position_at(s.log(), {it->first})->value == it->second);
    if (std::next(it) != last.end())
      CHECK(position_at(s.log(), {std::next(it)->first - 1})->value == it->second);
  }
  CHECK(position_at(s.log(), {last.rbegin()->first + 1'000'000}) == s.log().head().last);
  const store::memory_log empty{1};
  CHECK(position_at(empty, {5})->value == 0);
}

TEST_CASE("only a few pasts are folded at once, and none for long", "[unit][past]") {
  stage s;
  s.begin({1}, 2, some_targets(4'000, 2));
  for (int i = 0; i < 40; ++i) s.release({1}, 0, 10);
  const auto head = s.log().head().last;
  past_views past{s.log(), s.lists(), memory_scratch(), {1, 60'000ms}};
  std::atomic<bool> inside{false};
  std::atomic<bool> go_on{false};
  std::thread slow{[&] {
    const auto answer = past.at({{"target_status"}, std::nullopt, head}, [&] {
      inside = true;
      inside.notify_all();
      go_on.wait(false);
      return true;
    });
    CHECK(answer);
  }};
  inside.wait(false);
  const auto refused = past.at({{"target_status"}, promotion_id{1}, head}, always);
  REQUIRE_FALSE(refused);
  CHECK(std::get<read_refusal>(refused.error()) == read_refusal::busy);
  go_on = true;
  go_on.notify_all();
  slow.join();
  // What was folded is kept: asking again folds nothing.
  const auto again = past.at({{"target_status"}, std::nullopt, head}, [] { return false; });
  CHECK(again);
  const auto stopped = past.at({{"target_status"}, promotion_id{1}, head}, [] { return false; });
  REQUIRE_FALSE(stopped);
  CHECK(std::get<read_refusal>(stopped.error()) == read_refusal::stopping);
  past_views hasty{s.log(), s.lists(), memory_scratch(), {1, 0ms}};
  const auto late = hasty.at({{"target_status"}, promotion_id{1}, head}, always);
  REQUIRE_FALSE(late);
  CHECK(std::get<read_refusal>(late.error()) == read_refusal::takes_too_long);
  CHECK_FALSE(hasty.at({{"target_status"}, std::nullopt, head}, always));
}

TEST_CASE("a fold that finds nothing to apply is stopped and ends in time", "[unit][past]") {
  stage s;
  s.begin({1}, 1, some_targets(10, 1));
  // Facts that customer_grants does not handle, and never decodes.
  const encoded_event other{event_type::double_grant_detected, {},
                            std::vector<std::byte>(limits::append_bytes_max / 2)};
  const auto until = 4 * limits::log_read_txn_bytes;
  for (std::size_t bytes = 0; bytes < until; bytes += other.payload.size())
    s.append(stream_of(promotion_id{1}, partition_no{0}), other);
  const auto head = s.log().head().last;
  for (const auto of : {std::optional<promotion_id>{}, std::optional{promotion_id{1}}}) {
    INFO("of one promotion: " << of.has_value());
    past_views past{s.log(), s.lists(), memory_scratch()};
    const past_question question{{"customer_grants"}, of, head};
    int asked = 0;
    // The first looks find the list_sealed; what is told later can only come between two reads.
    const auto stopped = past.at(question, [&] { return ++asked < 5; });
    REQUIRE_FALSE(stopped);
    CHECK(std::get<read_refusal>(stopped.error()) == read_refusal::stopping);
    CHECK(asked == 5);
    past_views hasty{s.log(), s.lists(), memory_scratch(), {1, -1ms}};
    const auto late = hasty.at(question, always);
    REQUIRE_FALSE(late);
    CHECK(std::get<read_refusal>(late.error()) == read_refusal::takes_too_long);
    CHECK(past.at(question, always));
  }
}

/// Stores in memory that say when they go, and are counted until then.
class told_stores final : public store::view_store_factory {
 public:
  told_stores(std::atomic<int>& alive, const std::function<void()>& going)
      : alive_{&alive}, going_{&going} {
    ++*alive_;
  }
  ~told_stores() override {
    (*going_)();
    --*alive_;
    alive_->notify_all();
  }
  auto open(std::string_view name, std::uint32_t version, std::uint32_t generation)
      -> result<std::unique_ptr<store::view_store>> override {
    return real_->open(name, version, generation);
  }
  auto serving(std::string_view name, std::uint32_t version) const
      -> result<std::uint32_t> override {
    return real_->serving(name, version);
  }
  auto flip(std::string_view name, std::uint32_t version, std::uint32_t generation)
      -> result<void> override {
    return real_->flip(name, version, generation);
  }

 private:
  std::atomic<int>* alive_;
  const std::function<void()>* going_;
  std::unique_ptr<store::view_store_factory> real_{store::make_memory_view_stores()};
};

TEST_CASE("a kept past goes by itself, and holds no one up while it goes", "[unit][past]") {
  stage s;
  s.begin({1}, 1, some_targets(10, 1));
  const auto head = s.log().head().last;
  const past_question question{{"target_status"}, std::nullopt, head};
  std::atomic<int> alive{0};
  std::atomic<bool> going{false};
  std::atomic<bool> let_go{false};
  const std::function<void()> slowly = [&] {
    going = true;
    going.notify_all();
    let_go.wait(false);
  };
  past_views past{s.log(), s.lists(),
                  [&]() -> result<std::unique_ptr<store::view_store_factory>> {
                    return std::make_unique<told_stores>(alive, slowly);
                  },
                  {2, 60'000ms, 1ms}};
  REQUIRE(past.at(question, always));
  going.wait(false);  // No one asked again.
  auto other = past.at({{"target_status"}, promotion_id{1}, head}, always);
  CHECK(other);  // Answered while the first one's files are being removed.
  let_go = true;
  let_go.notify_all();
  other = tl::unexpected<refused_read>{read_refusal::busy};
  for (int n = alive; n > 0; n = alive) alive.wait(n);
  CHECK(alive == 0);
}

TEST_CASE("of two equal questions at once one answer is kept", "[unit][past]") {
  stage s;
  s.begin({1}, 1, some_targets(10, 1));
  const past_question question{{"target_status"}, std::nullopt, s.log().head().last};
  std::atomic<int> alive{0};
  const std::function<void()> at_once = [] {};
  past_views past{s.log(), s.lists(),
                  [&]() -> result<std::unique_ptr<store::view_store_factory>> {
                    return std::make_unique<told_stores>(alive, at_once);
                  },
                  {2, 60'000ms}};
  const auto ask = [&] {
    const auto answer = past.at(question, [&] {
      for (int n = alive; n < 2; n = alive) std::this_thread::yield();  // Both are folding.
      return true;
    });
    CHECK(answer);
  };
  std::thread first{ask};
  ask();
  first.join();
  CHECK(alive == 1);
}

TEST_CASE("a copy of a live view has its rows and leaves no file behind", "[unit][past]") {
  const temp_directory dir;
  stage s;
  s.begin({1}, 2, some_targets(4'000, 2));
  s.begin({2}, 1, some_targets(10, 1));
  s.release({1}, 0, 500);
  const auto stores = store::make_memory_view_stores();
  const auto views = open_all(s, *stores);
  follow_all(*views);
  past_views past{s.log(), s.lists(), [&] {
                    return store::make_scratch_view_stores(dir.path(), 1ULL << 30U);
                  }};
  for (const auto& view : all_views()) {
    auto copy = past.copy(*views, view, std::nullopt);
    REQUIRE(copy);
    CHECK_FALSE(std::filesystem::is_empty(dir.path()));
    CHECK(*(*copy)->views().dump_hash(view) == *views->dump_hash(view));
    CHECK((*copy)->at().at == s.log().head().last);
    auto one = past.copy(*views, view, promotion_id{2});
    REQUIRE(one);
    CHECK(rows_of((*one)->views(), view, {2}) == rows_of(*views, view, {2}));
    CHECK(rows_of((*one)->views(), view, {1}).empty());
  }
  CHECK(std::filesystem::is_empty(dir.path()));
  CHECK_FALSE(past.copy(*views, "no_such_view", std::nullopt));
}

}  // namespace
}  // namespace bestow::projections::testing
