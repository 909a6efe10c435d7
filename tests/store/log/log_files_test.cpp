// The listing of a log's files, which copies of a log go by.
#include <filesystem>
#include <fstream>

#include "store/log_files.hpp"
#include "tests/catch.hpp"
#include "tests/store/log/log_fixture.hpp"

namespace {

using namespace bestow;
using namespace bestow::testing;

void touch(const std::string& path) { std::ofstream{path} << "x"; }

TEST_CASE("a log's files are listed in order and only the last one is not sealed", "[contract]") {
  lmdb_subject subject;
  append(subject.log(), batch(stream(1), 0, events(1)));
  const auto one = store::list_log_files(subject.directory()).value();
  REQUIRE(one.size() == 1);
  CHECK(one[0].path == subject.directory() + "/00000001.mdb");
  CHECK(one[0].number == 1);
  CHECK_FALSE(one[0].sealed);
}

TEST_CASE("what is not a segment is not listed", "[contract]") {
  const temp_directory directory;
  CHECK(store::list_log_files(directory.path())->empty());
  for (const auto* name : {"anchor", "00000001.mdb-lock", "1.mdb", "00000000.mdb", "0000000x.mdb",
                           "00000002.mdb.new", "-0000001.mdb"})
    touch(directory.file(name));
  CHECK(store::list_log_files(directory.path())->empty());
  touch(directory.file("00000002.mdb"));
  touch(directory.file("00000001.mdb"));
  const auto two = store::list_log_files(directory.path()).value();
  REQUIRE(two.size() == 2);
  CHECK((two[0].number == 1 && two[0].sealed));
  CHECK((two[1].number == 2 && !two[1].sealed));
}

TEST_CASE("a missing number and a missing directory are named", "[contract]") {
  const temp_directory directory;
  touch(directory.file("00000001.mdb"));
  touch(directory.file("00000003.mdb"));
  const auto gap = store::list_log_files(directory.path());
  REQUIRE_FALSE(gap.has_value());
  CHECK(gap.error().code == fault_code::log_corrupt);
  CHECK(gap.error().detail.starts_with(directory.file("00000002.mdb") + ": missing"));
  CHECK(store::list_log_files(directory.file("none")).error().code ==
        fault_code::log_io_failed);
}

}  // namespace
