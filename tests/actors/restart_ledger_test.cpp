#include "actors/restart_ledger.hpp"

#include "events/limits.hpp"
#include "tests/catch.hpp"

using namespace bestow;
using namespace std::chrono_literals;
using actors::ending;

namespace {

auto wait_of(const std::optional<std::chrono::milliseconds>& wait) -> std::chrono::milliseconds {
  REQUIRE(wait);
  return *wait;
}

}  // namespace

TEST_CASE("waits double up to the longest one", "[actor]") {
  actors::restart_ledger ledger;
  ledger.started("one", 0s);
  CHECK(wait_of(ledger.ended("one", 1s, ending::replays)) == limits::restart_backoff_min);
  CHECK(wait_of(ledger.ended("one", 1s, ending::replays)) == 2 * limits::restart_backoff_min);
  for (int i = 0; i < 20; ++i) static_cast<void>(ledger.ended("one", 1s, ending::replays));
  CHECK(wait_of(ledger.ended("one", 1s, ending::replays)) == limits::restart_backoff_max);
}

TEST_CASE("who was healthy for a while begins with the shortest wait again", "[actor]") {
  actors::restart_ledger ledger;
  ledger.started("one", 0s);
  for (int i = 0; i < 20; ++i) static_cast<void>(ledger.ended("one", 1s, ending::replays));
  ledger.started("one", 1s);
  CHECK(wait_of(ledger.ended("one", 1s + limits::restart_window - 1ms, ending::replays)) ==
        limits::restart_backoff_max);
  ledger.started("one", 100s);
  CHECK(wait_of(ledger.ended("one", 100s + limits::restart_window, ending::replays)) ==
        limits::restart_backoff_min);
}

TEST_CASE("only failures within the window count against an actor", "[actor]") {
  actors::restart_ledger ledger;
  for (unsigned i = 0; i < limits::restarts_max; ++i) {
    CHECK(ledger.ended("one", 1s, ending::failed));
    CHECK(ledger.ended("one", 1s, ending::replays));
    CHECK(ledger.ended("other", 1s, ending::failed));
  }
  CHECK(ledger.ended("one", 2s + limits::restart_window, ending::failed));
  for (unsigned i = 1; i < limits::restarts_max; ++i)
    CHECK(ledger.ended("one", 2s + limits::restart_window, ending::failed));
  CHECK_FALSE(ledger.ended("one", 2s + limits::restart_window, ending::failed));
}

TEST_CASE("what cannot be read is tried ever more slowly and never given up", "[actor]") {
  actors::restart_ledger ledger;
  ledger.started("one", 0s);
  for (int i = 0; i < 100; ++i) CHECK(ledger.ended("one", 1s, ending::faulted));
  CHECK(wait_of(ledger.ended("one", 1s, ending::faulted)) == limits::fault_backoff_max);
  // Reading in vain for long is not health.
  CHECK(wait_of(ledger.ended("one", 1s + limits::restart_window, ending::faulted)) ==
        limits::fault_backoff_max);
}

TEST_CASE("who ended on purpose is forgotten", "[actor]") {
  actors::restart_ledger ledger;
  ledger.started("one", 0s);
  CHECK(ledger.size() == 1);
  ledger.forget("one");
  CHECK(ledger.size() == 0);
}
