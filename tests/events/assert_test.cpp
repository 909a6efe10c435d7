// What must not go on ends the process, in every build.
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <string>

#include "events/assert.hpp"
#include "events/codec.hpp"
#include "tests/catch.hpp"

namespace {

using namespace bestow;

struct ended {
  bool aborted{false};
  std::string stderr_text;
};

/// Runs `action` in a child process and says how that ended.
template <class Action>
auto run_apart(Action action) -> ended {
  std::array<int, 2> ends{};
  REQUIRE(::pipe(ends.data()) == 0);
  const auto child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    std::signal(SIGABRT, SIG_DFL);  // The test framework would report the child's end as ours.
    ::dup2(ends[1], STDERR_FILENO);
    ::close(ends[0]);
    ::close(ends[1]);
    action();
    ::_exit(0);
  }
  ::close(ends[1]);
  ended result;
  std::array<char, 512> buffer{};
  for (ssize_t got = 0; (got = ::read(ends[0], buffer.data(), buffer.size())) > 0;)
    result.stderr_text.append(buffer.data(), static_cast<std::size_t>(got));
  ::close(ends[0]);
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  result.aborted = WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
  return result;
}

}  // namespace

TEST_CASE("a broken invariant ends the process and says which and where", "[unit][events]") {
  const auto broken = run_apart([] { BESTOW_ASSERT(1 + 1 == 3); });
  CHECK(broken.aborted);
  CHECK(broken.stderr_text.find("1 + 1 == 3") != std::string::npos);
  CHECK(broken.stderr_text.find("assert_test.cpp") != std::string::npos);
  CHECK_FALSE(run_apart([] { BESTOW_ASSERT(1 + 1 == 2); }).aborted);
}

TEST_CASE("a fact whose columns do not fit together is never written", "[unit][events]") {
  results_recorded e;
  e.ordinals = u64_column::constant(1, 3);
  e.statuses = u64_column::constant(1, 2);
  CHECK(run_apart([&] { (void)encode_event(e); }).aborted);
  e.statuses = u64_column::constant(4, 3);  // No such status.
  CHECK(run_apart([&] { (void)encode_event(e); }).aborted);
  e.statuses = u64_column::constant(3, 3);
  CHECK_FALSE(run_apart([&] { (void)encode_event(e); }).aborted);
}

TEST_CASE("ordinals are only appended in ascending order", "[unit][events]") {
  ordinal_ranges set;
  set.append(10, 5);
  CHECK(run_apart([&] { set.append(14, 1); }).aborted);
  CHECK(run_apart([&] { set.append(4'294'967'290U, 6); }).aborted);
  CHECK_FALSE(run_apart([&] { set.append(15, 1); }).aborted);
  CHECK(run_apart([&] { (void)set.at(5); }).aborted);
}
