// A log of several files: when the next one begins, what is sealed, and what is said of a file that
// is missing, cut, changed places or came from elsewhere.
#include <fcntl.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>

#include <fmt/format.h>

#include "store/log_files.hpp"
#include "store/verify_child.hpp"
#include "tests/catch.hpp"
#include "tests/store/log/child_process.hpp"
#include "tests/store/log/log_fixture.hpp"

namespace {

using namespace bestow;
using namespace bestow::testing;
namespace fs = std::filesystem;

auto mode_of(const std::string& path) -> unsigned {
  struct stat status {};
  REQUIRE(::stat(path.c_str(), &status) == 0);
  return status.st_mode & 0777U;
}

auto bytes_in(const std::string& path) -> std::string {
  std::ifstream file{path, std::ios::binary};
  return {std::istreambuf_iterator<char>{file}, {}};
}

auto open_with(const std::string& directory, std::uint64_t segment_bytes, bool monthly = false)
    -> result<std::unique_ptr<store::event_log>> {
  return store::open_lmdb_log({directory, map_bytes, false, segment_bytes, monthly}, log_seed);
}

/// Groups of two events for two streams each; with a segment for each group, group g holds the
/// positions 2g - 1 and 2g.
void append_groups(store::event_log& log, int count, const std::string& text = "group") {
  for (int i = 0; i < count; ++i) {
    std::vector<store::append_batch> group;
    for (const std::uint64_t s : {1U, 2U})
      group.push_back(batch(stream(s), log.version_of(stream(s))->value, events(1, text)));
    REQUIRE(log.append_group(group, noon).has_value());
  }
}

auto segment(const std::string& directory, std::uint32_t number) -> std::string {
  return store::segment_path(directory, number);
}

TEST_CASE("a segment that is full is sealed and the log goes on in the next", "[contract]") {
  const temp_directory directory;
  auto log = open_with(directory.path(), 256U << 10U).value();
  append_groups(*log, 60, std::string(10'000, 's'));
  const auto files = store::list_log_files(directory.path()).value();
  REQUIRE(files.size() >= 4);
  for (const auto& file : files) {
    INFO(file.path);
    CHECK(mode_of(file.path) == (file.sealed ? 0400 : 0600));
    CHECK(fs::exists(file.path + "-lock") == !file.sealed);
    CHECK_FALSE(fs::exists(file.path + ".new"));
    // It is noticed after the group that passed the limit.
    if (file.sealed) CHECK(fs::file_size(file.path) >= 256U << 10U);
    CHECK(fs::file_size(file.path) < 400U << 10U);
  }
  const auto stat = store::stat_of(*log).value();
  CHECK(stat.segments == files.size());
  std::uint64_t bytes = 0;
  for (const auto& file : files) bytes += fs::file_size(file.path);
  CHECK(stat.file_bytes == bytes);
  CHECK(stat.active_bytes == fs::file_size(files.back().path));
  CHECK(stat.seal_problem.empty());
  CHECK(stat.first_recorded_at == noon);
  log.reset();
  CHECK(store::verify(directory.path(), {})->clean);
}

TEST_CASE("a log of one file becomes the first segment as it is", "[contract]") {
  lmdb_subject subject;
  append_groups(subject.log(), 5);
  const auto content = read_all(subject.log());
  subject.close();
  const auto before = bytes_in(segment(subject.directory(), 1));
  auto log = open_with(subject.directory(), 1).value();
  CHECK(read_all(*log) == content);
  append_groups(*log, 1);
  CHECK(bytes_in(segment(subject.directory(), 1)) == before);
  CHECK(store::stat_of(*log)->segments == 2);
  CHECK(read_all(*log).size() == 12);
  // And back: what is sealed stays sealed when the limit is raised.
  log.reset();
  subject.open();
  append_groups(subject.log(), 3);
  CHECK(store::stat_of(subject.log())->segments == 2);
  subject.close();
  CHECK(store::verify(subject.directory(), {})->clean);
}

TEST_CASE("a sealed file never changes again", "[contract]") {
  segments_subject subject;
  std::vector<std::string> sealed;
  for (int round = 0; round < 12; ++round) {
    append_groups(subject.log(), 1);
    static_cast<void>(read_all(subject.log()));
    if (round % 4 == 3) subject.restart();
    const auto files = store::list_log_files(subject.directory()).value();
    for (const auto& file : files) {
      if (!file.sealed) continue;
      if (file.number > sealed.size()) sealed.push_back(bytes_in(file.path));
      REQUIRE(bytes_in(file.path) == sealed[file.number - 1]);
    }
  }
  CHECK(sealed.size() == 11);
}

TEST_CASE("a month of recorded time begins a segment when that is asked for", "[contract]") {
  constexpr std::int64_t december = 1'796'083'200'000;  // 2026-12-01T00:00:00Z
  const auto asked = GENERATE(true, false);
  const temp_directory directory;
  auto log = open_with(directory.path(), limits::log_segment_bytes_default, asked).value();
  const auto segments_at = [&](std::int64_t wall) {
    append(*log, batch(stream(1), log->version_of(stream(1))->value, events(1)), {wall});
    return store::stat_of(*log)->segments;
  };
  CHECK(segments_at(december - 86'400'000) == 1);
  CHECK(segments_at(december - 1) == 1);
  CHECK(segments_at(december) == (asked ? 2 : 1));
  // A clock set back records the time that was: no segment for a month that is over.
  CHECK(segments_at(december - 5) == (asked ? 2 : 1));
  CHECK(segments_at(december + 30 * 86'400'000LL) == (asked ? 2 : 1));
  CHECK(segments_at(december + 31 * 86'400'000LL) == (asked ? 3 : 1));
  CHECK(segments_at(december + 400 * 86'400'000LL) == (asked ? 4 : 1));
  CHECK(read_all(*log).size() == 7);
}

/// Both ways to meet a bad file: the log is opened, and verified.
struct findings {
  std::string fault;  ///< Of opening, or of reading everything; "" = none.
  store::verify_report report;
};
auto look_at(const std::string& directory) -> findings {
  findings out;
  {
    const auto log = open_with(directory, 1);
    if (!log) {
      CHECK(log.error().action == fault_action::stop_process);
      out.fault = log.error().detail;
    } else {
      const auto end =
          (*log)->read({}, {}, [](const store::stored_event&) { return true; });
      if (!end) {
        CHECK(end.error().action == fault_action::stop_process);
        out.fault = end.error().detail;
      }
    }
  }
  out.report = store::verify_in_child(directory, {}).value();
  return out;
}

TEST_CASE("a sealed file that is missing, cut or longer is named at start with its positions",
          "[contract]") {
  segments_subject subject;
  append_groups(subject.log(), 5);
  subject.close();
  const auto path = segment(subject.directory(), 3);
  const auto whole = bytes_in(path);
  fs::permissions(path, fs::perms::owner_write, fs::perm_options::add);
  const auto damage = GENERATE(0, 1, 2, 3);
  if (damage == 0) fs::rename(path, path + ".away");
  if (damage == 1) fs::resize_file(path, whole.size() - 4'096);
  if (damage == 2) fs::resize_file(path, 0);
  if (damage == 3) std::ofstream{path, std::ios::app} << "more";
  const auto found = look_at(subject.directory());
  INFO(found.fault);
  INFO(found.report.problem);
  CHECK(found.fault.find(path) != std::string::npos);
  CHECK(found.fault.find("00000003.mdb with positions 5 to 6") != std::string::npos);
  REQUIRE_FALSE(found.report.clean);
  CHECK(found.report.bad_at.value >= 5);
  CHECK(found.report.bad_at.value <= 7);  // A longer file is what its successor does not know.
  if (damage < 3) CHECK(found.report.problem.find(path) != std::string::npos);
  std::ofstream{path, std::ios::binary | std::ios::trunc} << whole;
  const auto mended = look_at(subject.directory());
  CHECK(mended.fault.empty());
  CHECK(mended.report.clean);
}

TEST_CASE("sealed files that changed places, or came from another log, are named when they are read",
          "[contract]") {
  segments_subject subject;
  segments_subject other;
  append_groups(subject.log(), 5);
  append_groups(other.log(), 5, "other");
  subject.close();
  other.close();
  const auto& directory = subject.directory();
  REQUIRE(fs::file_size(segment(directory, 3)) == fs::file_size(segment(directory, 4)));
  SECTION("changed places") {
    fs::rename(segment(directory, 3), segment(directory, 9'999));
    fs::rename(segment(directory, 4), segment(directory, 3));
    fs::rename(segment(directory, 9'999), segment(directory, 4));
  }
  SECTION("of another history with the same log id") {
    fs::remove(segment(directory, 3));
    fs::copy_file(segment(other.directory(), 3), segment(directory, 3));
  }
  SECTION("of another log") {
    const temp_directory third;
    auto foreign =
        store::open_lmdb_log({third.path(), map_bytes, false, 1}, log_seed + 1).value();
    append_groups(*foreign, 5);
    foreign.reset();
    fs::remove(segment(directory, 3));
    fs::copy_file(segment(third.path(), 3), segment(directory, 3));
  }
  const auto found = look_at(directory);
  INFO(found.fault);
  INFO(found.report.problem);
  CHECK(found.fault.find(segment(directory, 3)) != std::string::npos);
  REQUIRE_FALSE(found.report.clean);
  CHECK(found.report.bad_at == position{5});
}

TEST_CASE("a segment that is written is not taken for another one", "[contract]") {
  segments_subject subject;
  segments_subject other;
  append_groups(subject.log(), 4);
  append_groups(other.log(), 4, "other");
  subject.close();
  other.close();
  const auto& directory = subject.directory();
  SECTION("missing") { fs::remove(segment(directory, 4)); }
  SECTION("of another history") {
    fs::copy_file(segment(other.directory(), 4), segment(directory, 4),
                  fs::copy_options::overwrite_existing);
  }
  const auto found = look_at(directory);
  INFO(found.fault);
  CHECK_FALSE(found.fault.empty());
  REQUIRE_FALSE(found.report.clean);
  CHECK(found.report.bad_at == position{7});
}

TEST_CASE("a sealed file may lie elsewhere behind a link", "[contract]") {
  segments_subject subject;
  append_groups(subject.log(), 4);
  subject.close();
  const temp_directory archive;
  fs::copy_file(segment(subject.directory(), 1), archive.file("a"));
  fs::remove(segment(subject.directory(), 1));
  fs::create_symlink(archive.file("a"), segment(subject.directory(), 1));
  subject.open();
  CHECK(read_all(subject.log()).size() == 8);
  append_groups(subject.log(), 1);
  subject.close();
  CHECK(store::verify(subject.directory(), {})->clean);
}

/// Segments of this directory that the process has open.
auto open_segments(const std::string& directory) -> std::size_t {
  std::set<std::string> open;
  for (const auto& entry : fs::directory_iterator{"/proc/self/fd"}) {
    std::error_code ignored;
    const auto target = fs::read_symlink(entry.path(), ignored);
    if (target.parent_path() == directory && target.extension() == ".mdb")
      open.insert(target.string());
  }
  return open.size();
}

TEST_CASE("a log of many segments keeps only some open, and finds every event", "[contract]") {
  segments_subject subject;
  constexpr int groups = 3 * static_cast<int>(limits::log_segments_open_max);
  for (int i = 0; i < groups; ++i) {
    append_groups(subject.log(), 1);
    if (i == groups / 2) append(subject.log(), batch(stream(77), 0, events(2, "rare")));
  }
  auto& log = subject.restart();
  CHECK(open_segments(subject.directory()) == 1);  // Opening reads no sealed file.
  CHECK(read_all(log).size() == 2 * groups + 2);
  CHECK(open_segments(subject.directory()) <= limits::log_segments_open_max + 1);
  // Streams are found from any version, also one that most segments do not hold.
  for (std::uint64_t v = 0; v <= groups; v += 5)
    CHECK(read_all_of(log, stream(1), {v}).size() == groups - v);
  CHECK(read_all_of(log, stream(77)).size() == 2);
  CHECK(log.version_of(stream(77)).value() == stream_version{2});
  for (std::uint64_t at = 1; at <= 2 * groups; at += 7)
    CHECK(read_all(log, {at}).size() == 2 * groups + 2 - at);
  CHECK(open_segments(subject.directory()) <= limits::log_segments_open_max + 1);
  CHECK(log.streams(aggregate::promotion, 0, 10)->size() == 3);
}

TEST_CASE("a reader inside a sealed segment is not disturbed by others and by sealing",
          "[contract]") {
  segments_subject subject;
  append_groups(subject.log(), 40);
  std::uint64_t outer = 0;
  const auto end = subject.log().read({}, {}, [&](const store::stored_event& e) {
    CHECK(e.at.value == ++outer);
    if (outer % 20 == 0) {  // Evicts what the outer read does not hold, and begins new segments.
      append_groups(subject.log(), 1);
      CHECK(read_all(subject.log()).size() >= 80);
    }
    return outer < 80;
  });
  REQUIRE(end.has_value());
  CHECK(*end == position{80});
}

TEST_CASE("a log that cannot begin a segment goes on in the one it has, and says why",
          "[contract]") {
  const temp_directory directory;
  auto log = open_with(directory.path(), 1).value();
  const auto append_at = [&](std::int64_t ms) {
    append(*log, batch(stream(1), log->version_of(stream(1))->value, events(1)), {noon.value + ms});
  };
  append_at(0);
  // A directory stands where the next file is made.
  fs::create_directories(directory.file("00000002.mdb.new/x"));
  append_at(1);
  append_at(2);
  CHECK(store::stat_of(*log)->segments == 1);
  CHECK(store::stat_of(*log)->seal_problem.find("00000002.mdb.new") != std::string::npos);
  fs::remove_all(directory.file("00000002.mdb.new"));
  append_at(900);  // Not tried again at every group.
  CHECK(store::stat_of(*log)->segments == 1);
  append_at(1'100);
  CHECK(store::stat_of(*log)->segments == 2);
  CHECK(store::stat_of(*log)->seal_problem.empty());
  CHECK(read_all(*log).size() == 5);
  log.reset();
  CHECK(store::verify(directory.path(), {})->clean);
}

TEST_CASE("a segment begun by another process is noticed by the writer before it", "[contract]") {
  lmdb_subject subject;
  append_groups(subject.log(), 1);
  child_process child{[&] {
    auto log = open_with(subject.directory(), 1);
    const auto what = batch(stream(9), 0, events(1));
    return log && (*log)->append_group({&what, 1}, noon) ? 0 : 1;
  }};
  REQUIRE(child.wait() == 0);
  const auto what = batch(stream(5), 0, events(1));
  const auto refused = subject.log().append_group({&what, 1}, noon);
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().code == fault_code::log_corrupt);
  CHECK(refused.error().detail.find("00000002.mdb") != std::string::npos);
  CHECK(subject.log().append_group({&what, 1}, noon).error().code == fault_code::log_io_failed);
  REQUIRE(subject.log().reopen().has_value());
  CHECK(read_all(subject.log()).size() == 3);
  append_groups(subject.log(), 1);
  subject.close();
  CHECK(store::verify(subject.directory(), {})->clean);
}

TEST_CASE("what an unfinished segment left behind is removed by the next writer", "[contract]") {
  segments_subject subject;
  append_groups(subject.log(), 2);
  subject.close();
  std::ofstream{subject.directory() + "/00000003.mdb.new"} << "half";
  fs::permissions(segment(subject.directory(), 1), fs::perms::owner_write, fs::perm_options::add);
  subject.open();
  CHECK_FALSE(fs::exists(subject.directory() + "/00000003.mdb.new"));
  CHECK(mode_of(segment(subject.directory(), 1)) == 0400);
  CHECK(read_all(subject.log()).size() == 4);
}

}  // namespace
