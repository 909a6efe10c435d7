// The faults that a test or the simulator asks of the memory log.
#include "tests/catch.hpp"
#include "tests/store/log/log_fixture.hpp"

namespace {

using namespace bestow;
using namespace bestow::testing;
using store::commit_fault;
using store::memory_log;

auto try_append(memory_log& log, std::uint64_t expected) -> result<void> {
  const auto what = batch(stream(1), expected, events(1));
  const auto answers = log.append_group({&what, 1}, noon);
  if (!answers) return tl::unexpected<fault>{answers.error()};
  REQUIRE(answers->front().has_value());
  return {};
}

TEST_CASE("a commit made to fail before it is durable leaves nothing behind", "[contract]") {
  memory_log log{log_seed};
  REQUIRE(try_append(log, 0).has_value());
  log.fail_next_commit(commit_fault::lost);
  CHECK(try_append(log, 1).error().code == fault_code::log_io_failed);
  CHECK(log.head().last == position{1});
  CHECK(try_append(log, 1).error().code == fault_code::log_io_failed);
  REQUIRE(log.reopen().has_value());
  CHECK(try_append(log, 1).has_value());
}

TEST_CASE("a commit made to fail after it is durable was applied", "[contract]") {
  memory_log log{log_seed};
  log.fail_next_commit(commit_fault::applied);
  CHECK(try_append(log, 0).error().code == fault_code::log_io_failed);
  log.crash();
  CHECK(log.head().last == position{1});
  CHECK(log.version_of(stream(1)).value() == stream_version{1});
  CHECK(try_append(log, 1).has_value());
}

TEST_CASE("a full memory log refuses and goes on when there is room", "[contract]") {
  memory_log log{log_seed, 400};
  REQUIRE(try_append(log, 0).has_value());
  REQUIRE(try_append(log, 1).has_value());
  CHECK(try_append(log, 2).error().code == fault_code::log_full);
  CHECK(try_append(log, 2).error().action == fault_action::call_operator);
  CHECK(read_all(log).size() == 2);
  log.set_bytes_max(10'000);
  CHECK(try_append(log, 2).has_value());
  log.fail_next_commit(commit_fault::full);
  CHECK(try_append(log, 3).error().code == fault_code::log_full);
  CHECK(try_append(log, 3).has_value());
}

TEST_CASE("a switch acts on the next commit that writes, not on a refusal", "[contract]") {
  memory_log log{log_seed};
  log.fail_next_commit(commit_fault::lost);
  const auto empty = batch(stream(1), 0, {});
  CHECK(log.append_group({&empty, 1}, noon).has_value());
  CHECK_FALSE(try_append(log, 0).has_value());
}

TEST_CASE("a flipped bit in a frame is found by readers", "[contract]") {
  memory_log log{log_seed};
  for (std::uint64_t i = 0; i < 3; ++i) REQUIRE(try_append(log, i).has_value());
  log.flip_bit({2}, 777);
  const auto end = log.read({}, {}, [](const store::stored_event&) { return true; });
  REQUIRE_FALSE(end.has_value());
  CHECK(end.error().code == fault_code::log_corrupt);
  CHECK(end.error().detail.find("position 2") != std::string::npos);
}

}  // namespace
