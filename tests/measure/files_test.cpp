// What measurements leave on a disk: scratch directories, bare files, written histories.
#include <filesystem>
#include <fstream>

#include "apps/measure/history.hpp"
#include "apps/measure/log_bytes.hpp"
#include "apps/measure/raw_log.hpp"
#include "apps/measure/scratch.hpp"
#include "apps/measure/works.hpp"
#include "apps/measure/world.hpp"
#include "store/bare_file.hpp"
#include "tests/catch.hpp"

namespace bestow::measure {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

auto temporary() -> scratch {
  auto made = scratch::make(fs::temp_directory_path().string(), "test");
  REQUIRE(made);
  return std::move(*made);
}

}  // namespace

TEST_CASE("a scratch directory is private and goes with all that is in it", "[contract][measure]") {
  std::string path;
  {
    const auto place = temporary();
    path = place.path();
    CHECK((fs::status(path).permissions() & fs::perms::others_all) == fs::perms::none);
    fs::create_directories(path + "/a/b");
    std::ofstream{path + "/a/b/c"} << "x";
  }
  CHECK_FALSE(fs::exists(path));
  auto place = temporary();
  REQUIRE(place.remove());
  CHECK(place.path().empty());
  const auto nowhere = scratch::make("/no/such", "test");
  REQUIRE_FALSE(nowhere);
  CHECK(nowhere.error().code == fault_code::file_io_failed);
}

TEST_CASE("a directory's disk has a name and room", "[contract][measure]") {
  const auto place = temporary();
  CHECK_FALSE(filesystem_of(place.path()).empty());
  CHECK(free_bytes(place.path()) > 0);
  CHECK(filesystem_of("/no/such").empty());
  CHECK(free_bytes("/no/such") == 0);
  if (fs::exists("/dev/shm")) CHECK(filesystem_of("/dev/shm") == "tmpfs");
}

TEST_CASE("a bare file holds what was appended", "[contract][measure]") {
  const auto place = temporary();
  const std::vector<std::vector<std::byte>> values(10, std::vector<std::byte>(16));
  auto file = store::bare_file::create(place.path() + "/a.mdb");
  REQUIRE(file);
  REQUIRE(file->append({values.data(), 7}));
  REQUIRE(file->append({values.data() + 7, 3}));
  CHECK(file->count() == 10U);
  CHECK(append_raw(place.path() + "/b.mdb", values, 4).has_value());
  CHECK_FALSE(store::bare_file::create("/no/such/file.mdb").has_value());
}

TEST_CASE("single commits end with their count or their time, and one is made", "[contract][measure]") {
  const auto place = temporary();
  const std::vector<std::byte> value(16);
  const auto counted = commit_singly(place.path() + "/a.mdb", value, 5, 1h);
  REQUIRE(counted);
  CHECK(counted->milliseconds.size() == 5);
  const auto timed = commit_singly(place.path() + "/b.mdb", value, 1'000'000, 0ms);
  REQUIRE(timed);
  CHECK(timed->milliseconds.size() == 1);
}

TEST_CASE("a written history is whole, and the same for the same seed", "[contract][measure]") {
  const auto place = temporary();
  store::log_options at;
  at.directory = place.path() + "/log";
  {
    const auto log = store::open_lmdb_log(at, 1);
    const auto lists = store::make_target_lists(place.path() + "/lists");
    REQUIRE(log);
    REQUIRE(lists);
    history_options life;
    life.targets = 3'000;
    const auto totals = write_history(**log, **lists, life);
    REQUIRE(totals);
    CHECK(totals->amount > 3'000);
    const auto bytes = log_bytes::of(**log);
    REQUIRE(bytes);
    CHECK(bytes->imported == 3'000);
    CHECK(bytes->results == 3'000);
    CHECK(bytes->import_bytes() + bytes->later_bytes() + bytes->payer_strings == bytes->total());
  }
  CHECK(check_chain(place.path()).has_value());
}

TEST_CASE("a log with a changed byte is void", "[contract][measure]") {
  const auto place = temporary();
  {
    store::log_options at;
    at.directory = place.path() + "/log";
    const auto log = store::open_lmdb_log(at, 1);
    const auto lists = store::make_target_lists(place.path() + "/lists");
    REQUIRE(write_history(**log, **lists, {.targets = 1'000}));
  }
  const auto path = place.path() + "/log/00000001.mdb";
  std::fstream file{path, std::ios::in | std::ios::out | std::ios::binary};
  std::string bytes{std::istreambuf_iterator<char>{file}, {}};
  const auto at = bytes.find("prepay.campaign.point.publish");
  REQUIRE(at != std::string::npos);
  for (auto i = at; i != std::string::npos; i = bytes.find("prepay.campaign.point", i + 1)) {
    file.seekp(static_cast<std::streamoff>(i));
    file.put('q');
  }
  file.close();
  const auto checked = check_chain(place.path());
  REQUIRE_FALSE(checked);
  CHECK(text_of(checked.error()).find("does not verify") != std::string::npos);
}

TEST_CASE("the disk and replay are measured, checked and cleared away", "[contract][measure]") {
  const auto place = temporary();
  work_options o;
  o.directory = place.path();
  o.targets = 1'000;
  o.repetitions = 2;
  unsigned repetitions = 0;
  std::vector<std::string> stages;
  o.see.stage = [&](unsigned, std::string_view what) { stages.emplace_back(what); };
  const auto count = [&](const figures& f) {
    ++repetitions;
    CHECK_FALSE(f.entries().empty());
  };
  CHECK(measure_disk(o, 50ms, count).has_value());
  CHECK(repetitions == 2);
  CHECK(measure_replay(o, count).has_value());
  CHECK(repetitions == 4);
  CHECK(stages.size() >= 9);
  CHECK(fs::is_empty(place.path()));
}

}  // namespace bestow::measure
