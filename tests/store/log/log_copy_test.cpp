// Copies of a log: whole while it is written, marked when restored; and frames as evidence.
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <thread>

#include "store/anchor.hpp"
#include "store/lmdb_env.hpp"
#include "store/log_copy.hpp"
#include "store/log_files.hpp"
#include "store/log_frames.hpp"
#include "tests/catch.hpp"
#include "tests/store/log/log_fixture.hpp"

namespace {

using namespace bestow;
using namespace bestow::testing;

void append_some(store::event_log& log, int count) {
  for (int i = 0; i < count; ++i) {
    const auto version = log.version_of(stream(1)).value();
    static_cast<void>(append(log, batch(stream(1), version.value, {event("one"), event("two")})));
  }
}

auto open_copy(const std::string& directory) -> std::unique_ptr<store::event_log> {
  auto log = store::open_lmdb_log({directory, map_bytes, false}, 1);
  REQUIRE(log);
  return std::move(*log);
}

}  // namespace

TEMPLATE_TEST_CASE("a frame is handed out as the chain has it", "[contract]", memory_subject,
                   lmdb_subject) {
  TestType subject;
  auto& log = subject.log();
  CHECK_FALSE(store::frame_holding(log, {0}).has_value());
  CHECK(store::frame_holding(log, {1}).value() == std::nullopt);
  append_some(log, 3);
  sha256_digest previous{};
  for (position at{1}; at <= log.head().last;) {
    const auto frame = store::frame_holding(log, at).value();
    REQUIRE(frame);
    const auto view = store::decode_frame(frame->bytes, frame->first);
    REQUIRE(view);
    CHECK(frame->first == at);
    CHECK(view->header.previous == previous);
    CHECK(store::frame_holding(log, view->header.last()).value()->bytes == frame->bytes);
    previous = store::hash_of_frame(frame->bytes);
    CHECK(previous == log.frame_hash_at(at).value());
    at = {view->header.last().value + 1};
  }
  CHECK(previous == log.head().frame_hash);
  CHECK(store::frame_holding(log, {log.head().last.value + 1}).value() == std::nullopt);
  const auto identity = store::identity_of(log).value();
  CHECK(store::log_id_text(identity.log_id) == log.log_id());
  CHECK(identity.incarnation == 1);
}

TEST_CASE("a copy of a log that is being written is a whole log of some moment", "[contract]") {
  lmdb_subject subject;
  append_some(subject.log(), 50);
  std::atomic<bool> stop{false};
  std::thread writer{[&] {
    while (!stop) append_some(subject.log(), 5);
  }};
  for (int round = 0; round < 5; ++round) {
    const auto before = subject.log().head().last;
    temp_directory to;
    REQUIRE(store::copy_log(subject.directory(), to.path(), {}));
    const auto after = subject.log().head().last;
    const auto report = store::verify(to.path(), {});
    REQUIRE(report);
    CHECK(report->clean);
    CHECK(report->last >= before);
    CHECK(report->last <= after);
    REQUIRE(store::settle_copy(to.path()));
    const auto anchor = store::read_anchor(to.path()).value();
    REQUIRE(anchor);
    CHECK(anchor->at == report->last);
    CHECK(anchor->frame_hash == report->head_hash);
    for (const auto& entry : std::filesystem::directory_iterator{to.path()})
      CHECK_FALSE(entry.path().string().ends_with("-lock"));
    CHECK(open_copy(to.path())->head().last == report->last);
  }
  stop = true;
  writer.join();
}

TEST_CASE("a copy is not made of nothing and overwrites nothing", "[contract]") {
  temp_directory nothing;
  temp_directory to;
  CHECK(store::copy_log(nothing.path(), to.path(), {}).error().code == fault_code::log_io_failed);
  lmdb_subject subject;
  append_some(subject.log(), 1);
  REQUIRE(store::copy_log(subject.directory(), to.path(), {}));
  CHECK(store::copy_log(subject.directory(), to.path(), {}).error().code ==
        fault_code::file_io_failed);
}

TEST_CASE("a copy that makes no progress, or that nobody wants any more, is ended", "[contract]") {
  lmdb_subject subject;
  append_some(subject.log(), 3);
  subject.close();
  // A writer that never ends its transaction: LMDB's copy waits for it before its first byte.
  auto env = store::lmdb_env::open({store::segment_path(subject.directory(), 1), map_bytes});
  REQUIRE(env);
  auto writer = store::lmdb_txn::begin(*env, store::lmdb_txn::access::write);
  REQUIRE(writer);
  store::copy_watch watch;
  SECTION("stuck") {
    watch.stuck_after = std::chrono::milliseconds{300};
    temp_directory to;
    const auto stuck = store::copy_log(subject.directory(), to.path(), watch);
    REQUIRE_FALSE(stuck);
    CHECK(stuck.error().code == fault_code::log_io_failed);
    CHECK(stuck.error().detail.find("did not grow for 300 ms") != std::string::npos);
  }
  SECTION("given up") {
    int asked = 0;
    watch.stopped = [&] { return ++asked == 3; };
    temp_directory to;
    const auto stopped = store::copy_log(subject.directory(), to.path(), watch);
    REQUIRE_FALSE(stopped);
    CHECK(stopped.error().code == fault_code::shutting_down);
    CHECK(asked == 3);
  }
  CHECK(::waitpid(-1, nullptr, WNOHANG) == -1);  // No child is left.
}

TEST_CASE("a copy is whole whatever number its descriptor has", "[contract]") {
  lmdb_subject subject;
  append_some(subject.log(), 3);
  subject.close();
  // The lowest free number is the copy's, and the one that the child gives to its answer.
  constexpr int number = STDERR_FILENO + 1;
  const int kept = ::fcntl(number, F_DUPFD_CLOEXEC, 100);
  ::close(number);
  temp_directory to;
  const auto copied = store::copy_log(subject.directory(), to.path(), {});
  if (kept >= 0) {
    ::dup2(kept, number);
    ::close(kept);
  }
  REQUIRE(copied);
  CHECK(store::verify(to.path(), {})->clean);
}

TEST_CASE("frames after a restore say that they are of another incarnation", "[contract]") {
  lmdb_subject subject;
  append_some(subject.log(), 2);
  temp_directory to;
  REQUIRE(store::copy_log(subject.directory(), to.path(), {}));
  CHECK(store::raise_incarnation(to.path()).value() == 2);
  const auto log = open_copy(to.path());
  CHECK(log->log_id() == subject.log().log_id());
  CHECK(log->head().frame_hash == subject.log().head().frame_hash);
  const auto old_head = log->head().last;
  append_some(*log, 1);
  const auto incarnation_at = [&](position at) {
    const auto frame = store::frame_holding(*log, at).value();
    return store::decode_frame(frame->bytes, frame->first)->header.identity.incarnation;
  };
  CHECK(incarnation_at(old_head) == 1);
  CHECK(incarnation_at(log->head().last) == 2);
  // The same facts, yet not the same chain: the original cannot take the other's place.
  append_some(subject.log(), 1);
  CHECK(log->head().last == subject.log().head().last);
  CHECK(log->head().frame_hash != subject.log().head().frame_hash);
  CHECK(store::raise_incarnation("/nowhere").error().code == fault_code::log_io_failed);
}
