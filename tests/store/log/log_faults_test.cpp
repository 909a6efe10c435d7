// Full maps, full disks, failed writes, second holders: what the LMDB log says, and what is intact.
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>
#include <xxhash.h>

#include <filesystem>

#include "store/data_lock.hpp"
#include "store/lmdb_env.hpp"
#include "tests/catch.hpp"
#include "tests/store/log/child_process.hpp"
#include "tests/store/log/log_fixture.hpp"

namespace {

using namespace bestow;
using namespace bestow::testing;

auto try_append(store::event_log& log, std::uint64_t expected, std::size_t bytes)
    -> result<void> {
  const auto what = batch(stream(1), expected, events(1, std::string(bytes, 'f')));
  auto answers = log.append_group({&what, 1}, noon);
  if (!answers) return tl::unexpected<fault>{std::move(answers.error())};
  if (!answers->front()) return tl::unexpected<fault>{answers->front().error()};
  return {};
}

TEST_CASE("a full map stops appends, keeps what is acknowledged and can be made larger",
          "[contract]") {
  const temp_directory directory;
  std::uint64_t acknowledged = 0;
  std::vector<seen_event> content;
  {
    auto log = store::open_lmdb_log({directory.path(), 1U << 20U, false}, log_seed).value();
    result<void> answer;
    while (answer = try_append(*log, acknowledged, 20'000)) ++acknowledged;
    CHECK(acknowledged > 10);
    CHECK(answer.error().code == fault_code::log_full);
    CHECK(answer.error().action == fault_action::call_operator);
    CHECK(log->head().last == position{acknowledged});
    CHECK(log->version_of(stream(1)).value() == stream_version{acknowledged});
    content = read_all(*log);
    CHECK(content.size() == acknowledged);
    CHECK(try_append(*log, acknowledged, 20'000).error().code == fault_code::log_full);
  }
  auto log = store::open_lmdb_log({directory.path(), 4U << 20U, false}, log_seed).value();
  CHECK(read_all(*log) == content);
  CHECK(try_append(*log, acknowledged, 20'000).has_value());
  log.reset();
  CHECK(store::verify(directory.path(), {})->clean);
}

/// The child's part: appends until the file may not grow, then with room again.
auto append_at_the_file_limit(const std::string& directory) -> int {
  ::signal(SIGXFSZ, SIG_IGN);
  auto log = store::open_lmdb_log({directory, map_bytes, false}, log_seed).value();
  rlimit room{1U << 20U, RLIM_INFINITY};
  ::setrlimit(RLIMIT_FSIZE, &room);
  std::uint64_t acknowledged = 0;
  result<void> answer;
  while (answer = try_append(*log, acknowledged, 20'000)) ++acknowledged;
  // A write that was cut short reads as an I/O error and asks for a reopen; a refused one as full.
  if (answer.error().code != fault_code::log_full &&
      answer.error().code != fault_code::log_io_failed)
    return 1;
  if (read_all(*log).size() != acknowledged) return 2;
  room.rlim_cur = RLIM_INFINITY;
  ::setrlimit(RLIMIT_FSIZE, &room);
  if (answer.error().code == fault_code::log_io_failed && !log->reopen()) return 3;
  if (log->head().last.value != acknowledged) return 4;
  if (!try_append(*log, acknowledged, 20'000)) return 5;
  return read_all(*log).size() == acknowledged + 1 ? 0 : 6;
}

TEST_CASE("a disk without room stops appends and they go on when there is room", "[contract]") {
  const temp_directory directory;
  child_process child{[&] { return append_at_the_file_limit(directory.path()); }};
  CHECK(child.wait() == 0);
  CHECK(store::verify(directory.path(), {})->clean);
}

enum class broken : std::uint8_t { all_writes, meta_writes };

/// Makes LMDB's writes fail: its descriptors of the data file become read-only ones.
void break_descriptors(const std::string& path, broken which) {
  const std::unique_ptr<DIR, int (*)(DIR*)> fds{::opendir("/proc/self/fd"), &::closedir};
  REQUIRE(fds);
  const int read_only = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  REQUIRE(read_only >= 0);
  unsigned replaced = 0;
  while (const auto* entry = ::readdir(fds.get())) {
    const int fd = std::atoi(entry->d_name);
    std::error_code ignored;
    const auto target = std::filesystem::read_symlink(
        std::string{"/proc/self/fd/"} + entry->d_name, ignored);
    if (target != path || fd == read_only) continue;
    if (which == broken::meta_writes && (::fcntl(fd, F_GETFL) & O_DSYNC) == 0) continue;
    REQUIRE(::dup3(read_only, fd, O_CLOEXEC) == fd);
    ++replaced;
  }
  ::close(read_only);
  REQUIRE(replaced > 0);
}

TEST_CASE("after a failed commit nothing is appended until the log was opened again",
          "[contract]") {
  const auto which = GENERATE(broken::all_writes, broken::meta_writes);
  lmdb_subject subject;
  auto& log = subject.log();
  REQUIRE(try_append(log, 0, 100).has_value());
  break_descriptors(subject.directory() + "/00000001.mdb", which);
  const auto failed = try_append(log, 1, 100);
  REQUIRE_FALSE(failed.has_value());
  CHECK(failed.error().code == fault_code::log_io_failed);
  CHECK(try_append(log, 1, 100).error().code == fault_code::log_io_failed);
  CHECK(log.head().last == position{1});

  REQUIRE(log.reopen().has_value());
  CHECK(log.head().last == position{1});
  CHECK(log.version_of(stream(1)).value() == stream_version{1});
  CHECK(try_append(log, 1, 100).has_value());
  CHECK(read_all(log).size() == 2);
  subject.close();
  CHECK(store::verify(subject.directory(), {})->clean);
}

TEST_CASE("readers go on while the log is opened again", "[contract]") {
  lmdb_subject subject;
  for (std::uint64_t i = 0; i < 20; ++i) REQUIRE(try_append(subject.log(), i, 3'000).has_value());
  std::uint64_t seen = 0;
  position at{};
  while (at.value < 20) {
    at = subject.log().read(at, {{}, 3}, [&](const store::stored_event&) { return ++seen, true; })
             .value();
    REQUIRE(subject.log().reopen().has_value());
  }
  CHECK(seen == 20);
}

TEST_CASE("a foreign write in the writer's place is noticed, not overwritten", "[contract]") {
  lmdb_subject subject;
  REQUIRE(try_append(subject.log(), 0, 10).has_value());
  // Another process, without the lock of the data directory, takes position 2.
  child_process child{[&] {
    auto log = store::open_lmdb_log({subject.directory(), map_bytes, false}, log_seed);
    return log && try_append(**log, 1, 20) ? 0 : 1;
  }};
  REQUIRE(child.wait() == 0);
  const auto refused = try_append(subject.log(), 1, 30);
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().code == fault_code::log_corrupt);
  REQUIRE(subject.log().reopen().has_value());
  CHECK(read_all(subject.log()).at(1).payload.size() == 20);
}

TEST_CASE("the data directory has one holder and names it to the second", "[contract]") {
  const temp_directory directory;
  number_pipe from_child;
  number_pipe to_child;
  child_process child{[&] {
    from_child.only_write();
    to_child.only_read();
    const auto lock = store::data_lock::acquire(directory.path());
    from_child.send(lock.has_value() ? 1 : 0);
    return to_child.receive() ? 0 : 1;
  }};
  from_child.only_read();
  REQUIRE(from_child.receive() == 1U);
  const auto second = store::data_lock::acquire(directory.path());
  REQUIRE_FALSE(second.has_value());
  CHECK(second.error().code == fault_code::log_locked);
  CHECK(second.error().detail.find("process " + std::to_string(child.pid())) !=
        std::string::npos);
  child.kill();
  child.wait();
  {
    auto mine = store::data_lock::acquire(directory.path());
    REQUIRE(mine.has_value());
    auto moved = std::move(*mine);
    CHECK(store::data_lock::acquire(directory.path()).error().code == fault_code::log_locked);
  }
  CHECK(store::data_lock::acquire(directory.path()).has_value());
}

TEST_CASE("a log written by a newer format is refused by that name", "[contract]") {
  lmdb_subject subject;
  subject.close();
  {
    // The identity row as a later version would write it: format 2, its checksum right.
    const std::vector<std::byte> row = bytes_of(
        std::string_view{"\x02\x00\x00\x00\x01\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00"
                         "0123456789abcdef", 32});
    auto env = store::lmdb_env::open({subject.directory() + "/00000001.mdb", map_bytes, 4}).value();
    auto txn = store::lmdb_txn::begin(env, store::lmdb_txn::access::write).value();
    const auto meta = txn.database("meta", false).value();
    auto whole = row;
    const std::uint64_t check = XXH3_64bits(row.data(), row.size());
    for (unsigned i = 0; i < 8; ++i) whole.push_back(static_cast<std::byte>(check >> (8 * i)));
    REQUIRE(txn.put(meta, bytes_of("identity"), whole, 0) == 0);
    REQUIRE(txn.commit().has_value());
  }
  const auto opened = store::open_lmdb_log({subject.directory(), map_bytes, false}, log_seed);
  REQUIRE_FALSE(opened.has_value());
  CHECK(opened.error().code == fault_code::log_version_unknown);
}

}  // namespace
