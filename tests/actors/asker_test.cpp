// Requests from threads that are no actors, on a real actor system.
#include "actors/asker.hpp"

#include <thread>
#include <vector>

#include "tests/catch.hpp"

namespace {

using namespace bestow;
using namespace std::chrono_literals;

constexpr auto soon = 10s;

struct ground {
  ground() { config.set("scheduler.max-threads", std::size_t{2}); }
  caf::actor_system_config config;
  caf::actor_system system{config};
  actors::asker ask{system};
};

// The int: CAF's spawn dereferences a null pointer when there are no arguments.
auto doubling(caf::event_based_actor*, int) -> caf::behavior {
  return {[](int n) { return 2 * n; },
          [](const std::string&) -> caf::result<int> { return caf::sec::invalid_argument; }};
}

/// Keeps the first question until it is told to answer; the others it answers at once.
struct slow_state {
  caf::response_promise kept;
  bool keeping{false};
};
auto slow(caf::stateful_actor<slow_state>* self, int) -> caf::behavior {
  return {[self](int n) -> caf::result<int> {
            auto promise = self->make_response_promise();
            if (self->state.keeping) {
              promise.deliver(n);
            } else {
              self->state.keeping = true;
              self->state.kept = promise;
            }
            return promise;
          },
          [self](caf::ok_atom) {
            self->state.kept.deliver(-1);
            return 0;
          }};
}

TEST_CASE("an answer comes back, and so does an error", "[actor]") {
  ground g;
  const auto one = g.system.spawn(doubling, 0);
  CHECK(g.ask.ask<int>(one, soon, 21).value() == 42);
  const auto refused = g.ask.ask<int>(one, soon, std::string{"?"});
  REQUIRE_FALSE(refused);
  CHECK(refused.error() == caf::sec::invalid_argument);
  const auto other = g.ask.ask<std::string>(one, soon, 21);
  REQUIRE_FALSE(other);
  CHECK(other.error() == caf::sec::unexpected_response);
  caf::anon_send_exit(one, caf::exit_reason::user_shutdown);
}

TEST_CASE("who has ended looks at no message", "[actor]") {
  ground g;
  const auto one = g.system.spawn(doubling, 0);
  caf::anon_send_exit(one, caf::exit_reason::user_shutdown);
  {
    caf::scoped_actor self{g.system};
    self->wait_for(one);
  }
  const auto answer = g.ask.ask<int>(one, soon, 21);
  REQUIRE_FALSE(answer);
  CHECK(answer.error() == caf::sec::request_receiver_down);
}

TEST_CASE("an answer that comes too late is not taken for the next one's", "[actor]") {
  ground g;
  const auto one = g.system.spawn(slow, 0);
  const auto late = g.ask.ask<int>(one, 1ms, 7);
  REQUIRE_FALSE(late);
  CHECK(late.error() == caf::sec::request_timeout);
  // The answer to 7 is sent before that to ok_atom, from the same actor to the same box.
  CHECK(g.ask.ask<int>(one, soon, caf::ok_atom::value).value() == 0);
  CHECK(g.ask.ask<int>(one, soon, 8).value() == 8);
  caf::anon_send_exit(one, caf::exit_reason::user_shutdown);
}

TEST_CASE("many threads ask at once and each gets its own answers", "[actor]") {
  ground g;
  const auto one = g.system.spawn(doubling, 0);
  std::vector<int> wrong(8, 0);
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 8; ++t)
      threads.emplace_back([&, t] {
        for (int i = 0; i < 500; ++i)
          if (g.ask.ask<int>(one, soon, t * 1'000 + i).value_or(-1) != 2 * (t * 1'000 + i))
            ++wrong[static_cast<std::size_t>(t)];
      });
  }
  CHECK(wrong == std::vector<int>(8, 0));
  caf::anon_send_exit(one, caf::exit_reason::user_shutdown);
}

}  // namespace
