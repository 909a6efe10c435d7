// The anchor beside the log: what was once durable must still be there.
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "store/anchor.hpp"
#include "store/log_files.hpp"
#include "store/verify_child.hpp"
#include "tests/catch.hpp"
#include "tests/store/log/log_fixture.hpp"

namespace {

using namespace bestow;
using namespace bestow::testing;
namespace fs = std::filesystem;

auto segment(const lmdb_subject& subject) -> std::string {
  return subject.directory() + "/00000001.mdb";
}
/// The file that is written.
template <class Subject>
auto last_segment(const Subject& subject) -> std::string {
  return store::list_log_files(subject.directory())->back().path;
}
auto try_open(const std::string& directory) -> result<std::unique_ptr<store::event_log>> {
  return store::open_lmdb_log({directory, map_bytes, false}, log_seed);
}
auto mode_of(const std::string& path) -> unsigned {
  struct stat status {};
  REQUIRE(::stat(path.c_str(), &status) == 0);
  return status.st_mode & 0777U;
}
void append_some(store::event_log& log, int count) {
  for (int i = 0; i < count; ++i)
    append(log, batch(stream(1), log.version_of(stream(1))->value, events(2, std::string(300, 'a'))));
}

TEST_CASE("an anchor is read back as written and any changed byte is noticed", "[contract]") {
  const temp_directory directory;
  CHECK_FALSE(store::read_anchor(directory.path())->has_value());
  store::log_anchor anchor{"00112233445566778899aabbccddeeff", {42}, {}, 7};
  anchor.frame_hash.fill(std::byte{0x5A});
  REQUIRE(store::write_anchor(directory.path(), anchor).has_value());
  CHECK(store::read_anchor(directory.path())->value() == anchor);

  std::string text;
  std::getline(std::ifstream{directory.file("anchor")}, text, '\0');
  for (std::size_t i = 0; i < text.size(); ++i) {
    auto bad = text;
    bad[i] = bad[i] == '1' ? '2' : '1';
    std::ofstream{directory.file("anchor")} << bad;
    const auto read = store::read_anchor(directory.path());
    REQUIRE_FALSE(read.has_value());
    REQUIRE(read.error().code == fault_code::log_corrupt);
  }
}

TEST_CASE("the anchor follows the head once a second of the wall clock, and on close",
          "[contract]") {
  lmdb_subject subject;
  const auto anchored = [&] { return store::read_anchor(subject.directory())->value().at; };
  CHECK(anchored() == position{0});
  append(subject.log(), batch(stream(1), 0, events(1)), noon);
  CHECK(anchored() == position{1});
  append(subject.log(), batch(stream(1), 1, events(1)), {noon.value + 999});
  CHECK(anchored() == position{1});
  append(subject.log(), batch(stream(1), 2, events(1)), {noon.value + 1'000});
  CHECK(anchored() == position{3});
  CHECK(store::stat_of(subject.log())->anchored == position{3});
  // A clock set back must not stop the anchor for hours.
  append(subject.log(), batch(stream(1), 3, events(1)), {noon.value - 3'600'000});
  CHECK(anchored() == position{4});
  append(subject.log(), batch(stream(1), 4, events(1)), {noon.value - 3'599'999});
  CHECK(anchored() == position{4});
  subject.close();
  CHECK(anchored() == position{5});
}

TEST_CASE("a log put back to an older state is found at start and by verify", "[contract]") {
  lmdb_subject subject;
  append_some(subject.log(), 5);
  subject.close();
  fs::copy_file(segment(subject), segment(subject) + ".old");
  subject.open();
  append_some(subject.log(), 5);
  subject.close();
  fs::rename(segment(subject) + ".old", segment(subject));

  const auto opened = try_open(subject.directory());
  REQUIRE_FALSE(opened.has_value());
  CHECK(opened.error().code == fault_code::log_rolled_back);
  CHECK(opened.error().action == fault_action::stop_process);
  const auto report = store::verify_in_child(subject.directory(), {}).value();
  CHECK_FALSE(report.clean);
  CHECK(report.bad_at == position{11});
  CHECK(report.last == position{10});
}

TEST_CASE("a log that is missing, or of someone else, is found at start", "[contract]") {
  lmdb_subject subject;
  append_some(subject.log(), 3);
  subject.close();
  fs::rename(segment(subject), segment(subject) + ".away");
  CHECK(try_open(subject.directory()).error().code == fault_code::log_rolled_back);
  CHECK_FALSE(fs::exists(segment(subject)));
  CHECK_FALSE(store::verify_in_child(subject.directory(), {})->clean);

  const temp_directory other;
  {
    auto foreign = store::open_lmdb_log({other.path(), map_bytes, false}, log_seed + 1).value();
    append_some(*foreign, 9);
  }
  fs::copy_file(other.file("00000001.mdb"), segment(subject));
  CHECK(try_open(subject.directory()).error().code == fault_code::log_corrupt);
}

TEST_CASE("another history of the same length is found at start and by verify", "[contract]") {
  lmdb_subject subject;
  append_some(subject.log(), 3);
  subject.close();
  lmdb_subject twin;
  for (int i = 0; i < 3; ++i)
    append(twin.log(), batch(stream(1), 2 * i, events(2, std::string(300, 'b'))));
  twin.close();
  fs::copy_file(segment(twin), segment(subject), fs::copy_options::overwrite_existing);
  CHECK(try_open(subject.directory()).error().code == fault_code::log_corrupt);
  const auto report = store::verify_in_child(subject.directory(), {}).value();
  CHECK_FALSE(report.clean);
  CHECK(report.bad_at == position{6});
}

TEMPLATE_TEST_CASE("a file cut at any page is refused at start without ending the process",
                   "[contract]", lmdb_subject, lmdb_files_subject<200'000>) {
  TestType subject;
  for (int i = 0; i < 8; ++i) {
    std::vector<store::append_batch> group;
    for (std::uint64_t s = 1; s <= 40; ++s)
      group.push_back(batch(stream(s), i, events(1, std::string(900, 'c'))));
    REQUIRE(subject.log().append_group(group, noon).has_value());
  }
  const auto content = read_all(subject.log());
  subject.close();
  const auto file = last_segment(subject);
  const auto whole = fs::file_size(file);
  fs::copy_file(file, file + ".whole");
  unsigned refused = 0;
  for (auto size = whole - 4'096; size > 0; size -= std::min<std::uintmax_t>(size, 4'096 * 3)) {
    fs::copy_file(file + ".whole", file,
                  fs::copy_options::overwrite_existing);
    fs::resize_file(file, size);
    auto opened = try_open(subject.directory());
    if (opened) {  // Only free pages were lost.
      REQUIRE(read_all(**opened) == content);
      continue;
    }
    ++refused;
    REQUIRE(opened.error().action == fault_action::stop_process);
  }
  CHECK(refused > (whole > 300'000 ? 20 : 5));
}

TEST_CASE("a missing anchor is made anew, a damaged one is refused", "[contract]") {
  lmdb_subject subject;
  append_some(subject.log(), 3);
  subject.close();
  fs::remove(subject.directory() + "/anchor");
  subject.open();
  CHECK(store::read_anchor(subject.directory())->value().at == position{6});
  subject.close();
  std::ofstream{subject.directory() + "/anchor"} << "nonsense";
  CHECK(try_open(subject.directory()).error().code == fault_code::log_corrupt);
  CHECK_FALSE(store::verify_in_child(subject.directory(), {})->clean);
}

TEST_CASE("only the owner may read the log's files", "[contract]") {
  const temp_directory parent;
  const auto directory = parent.file("a/b/log");
  auto log = try_open(directory).value();
  append_some(*log, 1);
  CHECK(mode_of(parent.file("a")) == 0700);
  CHECK(mode_of(directory) == 0700);
  CHECK(mode_of(directory + "/00000001.mdb") == 0600);
  CHECK(mode_of(directory + "/00000001.mdb-lock") == 0600);
  CHECK(mode_of(directory + "/anchor") == 0600);
}

TEST_CASE("a sound log verifies clean, empty or not", "[contract]") {
  lmdb_subject subject;
  CHECK(store::verify_in_child(subject.directory(), {})->clean);
  append_some(subject.log(), 20);
  std::uint64_t reported = 0;
  // Beside the open log: the child is a process of its own.
  const auto report =
      store::verify_in_child(subject.directory(), [&](std::uint64_t e) { reported = e; }).value();
  CHECK(report.clean);
  CHECK(report.problem.empty());
  CHECK(report.bad_at == position{0});
  CHECK(report.events == 40);
  CHECK(report.last == subject.log().head().last);
  CHECK(report.head_hash == subject.log().head().frame_hash);
  CHECK(report.frames == subject.log().head().frames);
  CHECK(reported == 40);
  subject.close();
  CHECK(store::verify(subject.directory(), {})->clean);
  const temp_directory nothing;
  CHECK(store::verify_in_child(nothing.path(), {}).error().code == fault_code::log_io_failed);
}

}  // namespace
