// One thread appends while others read: what a reader sees is always a whole prefix of the log.
#include <atomic>
#include <thread>

#include "tests/catch.hpp"
#include "tests/store/log/log_fixture.hpp"

namespace {

using namespace bestow;
using namespace bestow::testing;

constexpr std::uint64_t events_wanted = 1'500;

/// Follows the log to the end, once through read and once through its stream.
auto follow(const store::event_log& log, const std::atomic<std::uint64_t>& appended,
            std::atomic<bool>& failed) -> std::uint64_t {
  position at{};
  while (at.value < events_wanted && !failed) {
    appended.wait(at.value);
    const auto head = log.head();
    auto next = at.value;
    const auto end = log.read(at, {}, [&](const store::stored_event& e) {
      if (e.at.value != ++next || e.version.value != next) failed = true;
      return true;
    });
    if (!end || *end < head.last || end->value != next) failed = true;
    if (!end) break;
    at = *end;
    const auto hash = log.frame_hash_at(head.last);
    if (!hash || *hash != head.frame_hash) failed = true;
  }
  std::uint64_t in_stream = 0;
  const auto end = log.read_stream(stream(1), {}, {}, [&](const store::stored_event& e) {
    if (e.version.value != ++in_stream) failed = true;
    return true;
  });
  if (!end || end->value != in_stream) failed = true;
  return in_stream;
}

TEMPLATE_TEST_CASE("readers in other threads see a whole prefix while the log grows", "[contract]",
                   memory_subject, lmdb_subject, segments_subject) {
  TestType subject;
  auto& log = subject.log();
  std::atomic<bool> failed{false};
  std::atomic<std::uint64_t> appended{0};
  std::atomic<std::uint64_t> complete{0};
  std::vector<std::thread> readers;
  for (int i = 0; i < 3; ++i)
    readers.emplace_back([&] {
      if (follow(log, appended, failed) == events_wanted) ++complete;
    });
  for (std::uint64_t version = 0; version < events_wanted && !failed;) {
    const auto count = std::min<std::uint64_t>(version % 31 + 1, events_wanted - version);
    const auto what = batch(stream(1), version, events(count, std::string(200, 't')));
    const auto answers = log.append_group({&what, 1}, noon);
    if (!answers || !answers->front()) failed = true;
    version += count;
    appended = version;
    appended.notify_all();
    if (version % 7 == 0 && !log.reopen()) failed = true;  // Readers wait, then go on.
  }
  appended = events_wanted;  // Also when an append failed: nobody waits for ever.
  appended.notify_all();
  for (auto& reader : readers) reader.join();
  CHECK_FALSE(failed);
  CHECK(complete == 3);
}

}  // namespace
