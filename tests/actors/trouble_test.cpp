// What happens to all others when one part of the engine cannot go on.
#include <algorithm>

#include "actors/log_writer.hpp"
#include "events/limits.hpp"
#include "tests/actors/engine_on_fakes.hpp"
#include "tests/catch.hpp"

using namespace bestow;
using namespace bestow::tests;
using domain::promotion_state;

namespace {

/// Lists of which one promotion's cannot be read while `broken`.
class breakable_lists final : public store::target_lists {
 public:
  breakable_lists(store::target_lists& real, promotion_id one) : real_{&real}, one_{one} {}
  auto build(const store::event_log& log, promotion_id p)
      -> result<store::list_totals_result> override {
    return real_->build(log, p);
  }
  auto open(const store::event_log& log, promotion_id p)
      -> result<std::shared_ptr<const store::target_list>> override {
    if (broken && p == one_) {
      ++refused;
      return fail(fault_code::file_io_failed, "open list", "lists/1/list: no permission");
    }
    return real_->open(log, p);
  }
  auto build_customers(const store::event_log& log, promotion_id p)
      -> result<std::shared_ptr<const store::customer_run>> override {
    return real_->build_customers(log, p);
  }
  auto customers(const store::event_log& log, promotion_id p, const sha256_digest& list)
      -> result<std::shared_ptr<const store::customer_run>> override {
    return real_->customers(log, p, list);
  }
  void cancel_builds() override { real_->cancel_builds(); }
  bool broken{false};
  int refused{0};

 private:
  store::target_lists* real_;
  promotion_id one_;
};

constexpr promotion_id sick{1};
constexpr promotion_id well{2};

void prepare(process& p, promotion_id id, std::uint32_t targets) {
  REQUIRE(p.create(point_promotion(id.value, 1)));
  REQUIRE(p.import_points(id, "batch", 1'000 * id.value, targets, 500));
  REQUIRE(p.seal(id));
  REQUIRE(p.approve(id));
}

auto has_state(process& p, promotion_id id, promotion_state wanted) -> bool {
  return p.row(id).state == wanted;
}

}  // namespace

TEST_CASE("results of a partition that cannot be read do not hold back those of others",
          "[actor]") {
  world w{21};
  {
    process p{w};
    prepare(p, sick, 60);
    prepare(p, well, 60);
    REQUIRE(p.start(sick));
    REQUIRE(p.start(well));
    REQUIRE(p.drive_until([&] {
      return p.row(sick).counts.published == 60 && p.row(well).counts.published == 60;
    }));
  }
  // Killed; on the next start the list of one promotion cannot be read.
  process p{w};
  breakable_lists lists{*p.lists, sick};
  lists.broken = true;
  p.context->parts.lists = &lists;
  // More batches than may be under way; those of the sick one come first.
  small_wallet wallet{w};
  p.drive();
  while (wallet.answer_new(0, 10) > 0) p.drive();
  REQUIRE(p.drive_until([&] { return has_state(p, well, promotion_state::completed); }, 4'000));
  REQUIRE(p.drive_until([&] { return p.context->counters.results_dead == 60; }, 4'000));
  CHECK(p.row(well).counts.success == 60);
  CHECK(p.fatal.empty());
  const auto faulted = p.context->faults.list(10);
  REQUIRE(faulted.size() == 1);
  CHECK(to_string(faulted.front().first) == "partition-1-0");
  CHECK(faulted.front().second.why.code == fault_code::file_io_failed);
  // Tried again, but slowly: not with every result.
  CHECK(lists.refused < 60);
  // Nothing is lost: what waited too long stands in the dead letters, word for word.
  bus::memory_bus link{w.broker};
  CHECK(link.state_of("GRANT_RESULTS_DEAD")->messages == 60);

  SECTION("once it is mended it is taken up by itself, and its results can be sent again") {
    lists.broken = false;
    REQUIRE(p.drive_until([&] { return p.context->faults.size() == 0; }, 4'000));
    small_wallet again{w};
    REQUIRE(again.answer_new() == 120);
    REQUIRE(p.drive_until([&] { return has_state(p, sick, promotion_state::completed); }));
    CHECK(p.row(sick).counts.success == 60);
  }
}

TEST_CASE("a short trouble of one partition parks nothing", "[actor]") {
  world w{22};
  {
    process p{w};
    prepare(p, sick, 40);
    REQUIRE(p.start(sick));
    REQUIRE(p.drive_until([&] { return p.row(sick).counts.published == 40; }));
  }
  process p{w};
  breakable_lists lists{*p.lists, sick};
  lists.broken = true;
  p.context->parts.lists = &lists;
  small_wallet wallet{w};
  REQUIRE(wallet.answer_new() == 40);
  REQUIRE(p.drive_until([&] { return p.context->faults.size() == 1; }));
  lists.broken = false;
  REQUIRE(p.drive_until([&] { return has_state(p, sick, promotion_state::completed); }, 4'000));
  CHECK(p.row(sick).counts.success == 40);
  CHECK(p.context->counters.results_dead == 0);
}

TEST_CASE("the end of the directory stops the process with its name", "[actor]") {
  world w{23};
  process p{w};
  p.drive();
  caf::anon_send_exit(p.core.directory, caf::exit_reason::kill);
  p.drive();
  REQUIRE(p.fatal.size() == 1);
  CHECK(p.fatal.front().action == fault_action::stop_process);
  CHECK(p.fatal.front().detail.starts_with("the directory ended"));
}

TEST_CASE("an orderly end of the directory is no fault", "[actor]") {
  world w{24};
  process p{w};
  p.drive();
  p.context->stopping = true;
  static_cast<void>(p.ask<actors::shutdown_done>(p.core.directory, actors::shutdown{}));
  p.drive();
  CHECK(p.fatal.empty());
}

TEST_CASE("the log writer forgets who has ended", "[actor]") {
  world w{25};
  process p{w};
  p.drive();
  auto* writer = caf::actor_cast<caf::abstract_actor*>(p.core.log_writer);
  auto& state = dynamic_cast<caf::stateful_actor<actors::log_writer_state>&>(*writer).state;
  const auto before = state.followers.size();
  REQUIRE(before > 0);
  const auto run = [](caf::event_based_actor* self, int) -> caf::behavior {
    return {[=](const actors::head_moved&) {}, [=](const actors::shutdown&) { self->quit(); }};
  };
  auto follower = p.system->spawn(run, 0);
  caf::anon_send(p.core.log_writer, actors::follow_head{follower});
  p.drive();
  CHECK(state.followers.size() == before + 1);
  caf::anon_send(follower, actors::shutdown{});
  follower = nullptr;
  p.drive();
  CHECK(state.followers.size() == before);
}

TEST_CASE("a log that was full says so, and is ready again when there is room without an append",
          "[actor]") {
  world w{25};
  process p{w};
  std::vector<std::optional<fault>> told;
  p.context->options.on_log_trouble = [&](const std::optional<fault>& why) {
    told.push_back(why);
  };
  REQUIRE(p.create(point_promotion(2, 1)));
  p.drive();  // Whoever appends at the start has done so.
  w.log->fail_next_commit(store::commit_fault::full);
  const auto refused = p.create(point_promotion(1, 1));
  REQUIRE_FALSE(refused);
  REQUIRE(std::holds_alternative<fault>(refused.error()));
  CHECK(std::get<fault>(refused.error()).code == fault_code::log_full);
  CHECK_FALSE(p.context->counters.log_ready);
  CHECK(p.context->counters.log_trouble.get()->code == fault_code::log_full);
  const auto commits = p.context->counters.commits.load();
  REQUIRE(p.drive_until([&] { return p.context->counters.log_ready.load(); }));
  CHECK(p.context->counters.commits == commits);
  CHECK_FALSE(p.context->counters.log_trouble.get());
  REQUIRE(told.size() == 2);
  CHECK((told[0] && !told[1]));
  CHECK(p.fatal.empty());
  CHECK(p.create(point_promotion(1, 1)));
}

TEST_CASE("a promotion stands in the book of those awake until it rests", "[actor]") {
  world w{5};
  process p{w};
  prepare(p, well, 10);
  const auto awake = p.context->awake.find(well);
  REQUIRE(awake);
  CHECK(awake == p.ask<actors::found>(p.core.directory, actors::find_promotion{well}).host);
  REQUIRE(p.drive_until(
      [&] {
        p.pass(limits::idle_after);
        return !p.context->awake.find(well);
      },
      10));
  CHECK(p.start(well).value().state == promotion_state::running);
  CHECK(p.context->awake.find(well));
}

TEST_CASE("an append that nobody answers is given up, and the promotion goes on from the log",
          "[actor]") {
  world w{6};
  process p{w};
  prepare(p, well, 10);
  const auto writer = p.context->book.log_writer();
  const auto run = [](caf::event_based_actor* self, int) -> caf::behavior {
    self->set_default_handler(caf::drop);
    return {[=](const actors::append_request&) -> caf::result<actors::append_reply> {
              return self->make_response_promise();  // Never delivered.
            },
            [=](const actors::shutdown&) { self->quit(); }};
  };
  auto silent = p.system->spawn(run, 0);
  p.context->book.set(actors::address_book::entry::log_writer, silent);
  const auto before = p.context->counters.restarts.load();
  const auto begun = w.time.steady();
  std::optional<actors::outcome<actors::command_receipt>> answer;
  const auto ask = [&](caf::event_based_actor* self, int) {
    self->request(p.context->awake.find(well), caf::infinite,
                  actors::start_request{20261121, false, {}})
        .then([&](const actors::command_reply& r) { answer = r.answer; });
  };
  p.system->spawn(ask, 0);
  REQUIRE(p.drive_until([&] { return answer.has_value(); }, 1'000));
  REQUIRE_FALSE(*answer);
  CHECK(std::get<fault>(answer->error()).code == fault_code::outcome_unknown);
  CHECK(w.time.steady() - begun >= limits::append_timeout);
  CHECK(w.time.steady() - begun < limits::request_timeout);
  p.context->book.set(actors::address_book::entry::log_writer, writer);
  caf::anon_send(silent, actors::shutdown{});
  silent = nullptr;
  REQUIRE(p.drive_until([&] { return p.context->counters.restarts > before; }));
  p.pass(std::chrono::seconds{1});
  CHECK(p.start(well).value().state == promotion_state::running);
}
