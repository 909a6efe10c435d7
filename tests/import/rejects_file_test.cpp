// The rejects file: whole or absent, harmless to spreadsheets, readable again.
#include "apps/import/rejects_file.hpp"

#include <filesystem>
#include <fstream>
#include <iterator>

#include "tests/catch.hpp"
#include "tests/store/lists/scratch.hpp"

namespace {

using namespace bestow;
using bestow::testing::scratch_directory;
using importing::rejected_row;

auto cell(std::string_view text) -> std::string {
  std::string out;
  importing::append_cell(out, text);
  return out;
}
auto contents(const std::string& path) -> std::string {
  std::ifstream file{path, std::ios::binary};
  return {std::istreambuf_iterator<char>{file}, {}};
}
auto files_in(const std::string& folder) -> std::size_t {
  std::size_t n = 0;
  for ([[maybe_unused]] const auto& e : std::filesystem::directory_iterator{folder}) ++n;
  return n;
}

TEST_CASE("a cell is quoted where it must be and never a formula", "[unit][import]") {
  CHECK(cell("plain") == "plain");
  CHECK(cell("") == "");
  CHECK(cell("a,b") == "\"a,b\"");
  CHECK(cell("say \"hi\"") == "\"say \"\"hi\"\"\"");
  CHECK(cell("a\nb") == "\"a\nb\"");
  CHECK(cell("=1+1") == "'=1+1");
  CHECK(cell("+82") == "'+82");
  CHECK(cell("-5") == "'-5");
  CHECK(cell("@SUM(A1)") == "'@SUM(A1)");
  CHECK(cell("\tx") == "'\tx");
  CHECK(cell("\rx") == "\"'\rx\"");
  CHECK(cell("=HYPERLINK(\"http://x\",\"y\")") == "\"'=HYPERLINK(\"\"http://x\"\",\"\"y\"\")\"");
  CHECK(cell("a=b") == "a=b");
}

TEST_CASE("a batch id becomes a file name that cannot leave its folder", "[unit][import]") {
  const promotion_id p{7};
  CHECK(importing::rejects_path("/data", p, "jan-2026_a.csv") ==
        "/data/rejects/7/jan-2026_a.csv.csv");
  for (const auto* hostile :
       {"../../etc/passwd", "a/b", "", ".hidden", "이름", "a b", "sha256-x"}) {
    const auto path = importing::rejects_path("/data", p, hostile);
    INFO(path);
    CHECK(path.starts_with("/data/rejects/7/sha256-"));
    CHECK(path.size() == std::string_view{"/data/rejects/7/sha256-.csv"}.size() + 64);
  }
  CHECK(
      importing::rejects_path("/d", p, std::string(128, 'a')).starts_with("/d/rejects/7/sha256-"));
}

TEST_CASE("a committed file holds every row and can be paged", "[unit][import]") {
  const scratch_directory scratch;
  const auto path = scratch.path() + "/rejects/7/b.csv";
  const std::vector<std::string> columns{"customer_uid", "reason"};
  const rejected_row first{3, "amount", "not_a_number", "amount is 'x, y'; digits"};
  const rejected_row second{9, "record", "row_malformed", "a quote"};
  auto file = importing::rejects_file::create(path, columns).value();
  const std::vector<std::string_view> cells{"5", "=cmd()"};
  const std::vector<std::string_view> malformed{"5,a\"b"};
  REQUIRE(file->add(first, cells));
  REQUIRE(file->add(second, malformed));
  CHECK_FALSE(std::filesystem::exists(path));
  REQUIRE(file->commit());
  file.reset();
  CHECK(contents(path) ==
        "line,field,code,detail,customer_uid,reason\n"
        "3,amount,not_a_number,\"amount is 'x, y'; digits\",5,'=cmd()\n"
        "9,record,row_malformed,a quote,\"5,a\"\"b\"\n");
  CHECK(files_in(scratch.path() + "/rejects/7") == 1);
  CHECK(importing::read_rejects(path, 0, 10).value() == std::vector{first, second});
  CHECK(importing::read_rejects(path, 1, 10).value() == std::vector{second});
  CHECK(importing::read_rejects(path, 0, 1).value() == std::vector{first});
  CHECK(importing::read_rejects(path, 2, 1).value().empty());
  CHECK(importing::read_rejects(path + "x", 0, 1).value().empty());
}

TEST_CASE("a file that was not committed leaves nothing behind", "[unit][import]") {
  const scratch_directory scratch;
  const auto path = scratch.path() + "/rejects/7/b.csv";
  std::ofstream{scratch.path() + "/other"} << "x";
  {
    auto file = importing::rejects_file::create(path, {}).value();
    REQUIRE(file->add({1, "record", "row_too_long", ""}, {}));
  }
  CHECK(files_in(scratch.path() + "/rejects/7") == 0);
  CHECK(importing::rejects_file::create(scratch.path() + "/other/b.csv", {}).error().code ==
        fault_code::file_io_failed);
}

TEST_CASE("a row of the largest size is read back", "[unit][import]") {
  const scratch_directory scratch;
  const auto path = scratch.path() + "/b.csv";
  auto file = importing::rejects_file::create(path, {}).value();
  const std::string quotes(64 * 1024, '"');
  const std::vector<std::string_view> cells{quotes};
  REQUIRE(file->add({1, "record", "row_malformed", "d"}, cells));
  REQUIRE(file->add({2, "record", "row_malformed", "d"}, {}));
  REQUIRE(file->commit());
  CHECK(importing::read_rejects(path, 0, 10).value().size() == 2);
}

}  // namespace
