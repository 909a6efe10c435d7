// Strict imports: all rows or none.
#include <filesystem>
#include <string>

#include "apps/import/import_driver.hpp"
#include "tests/catch.hpp"
#include "tests/import/sending.hpp"
#include "tests/store/lists/scratch.hpp"

namespace {

using namespace bestow;
using namespace bestow::testing;
using domain::batch_state;
using importing::import_driver;
using importing::import_options;

auto points() -> promotion_created {
  promotion_created c;
  c.promotion = promotion_id{7};
  c.type = promotion_type::point;
  c.currency = "KRW";
  c.partition_count = 16;
  return c;
}
auto options_in(const std::string& directory, bool strict, std::string batch = "b")
    -> import_options {
  import_options o;
  o.promotion = promotion_id{7};
  o.batch = std::move(batch);
  o.directory = directory;
  o.strict = strict;
  return o;
}

TEST_CASE("a strict import of good rows is an import", "[unit][import]") {
  const scratch_directory scratch;
  fake_engine engine{points()};
  import_driver driver{engine, engine.log(), options_in(scratch.path(), true)};
  const auto answer = send_to(driver, "customer_uid\n1\n2\n");
  REQUIRE(name_of_end(answer) == "done");
  CHECK(answer->accepted == 2);
  CHECK_FALSE(driver.voided());
  CHECK_FALSE(driver.holds_open_batch());
  CHECK(engine.state().batches.at("b").state == batch_state::life::closed);
}

TEST_CASE("one bad row voids a strict batch, and every bad row is told", "[unit][import]") {
  const scratch_directory scratch;
  fake_engine engine{points()};
  // One is seen by the parser, one by the promotion, far apart.
  std::string text = "customer_uid\n";
  for (int i = 1; i <= 9'000; ++i) text += (i == 3 ? "x" : std::to_string(i)) + "\n";
  text += "1\n";
  import_driver driver{engine, engine.log(), options_in(scratch.path(), true)};
  const auto answer = send_to(driver, text, random_cut(3));
  REQUIRE(name_of_end(answer) == "strict_import_has_bad_rows");
  CHECK(std::get<domain::refusal>(answer.error()).detail ==
        "2 of 9001 rows are bad; nothing of batch b is kept");
  CHECK(engine.state().batches.at("b").state == batch_state::life::abandoned);
  CHECK(engine.state().accepted_rows == 0);
  CHECK_FALSE(driver.holds_open_batch());
  REQUIRE(driver.voided());
  CHECK(driver.voided()->rows == 9'001);
  CHECK(driver.voided()->accepted == 0);
  CHECK(driver.voided()->rejected == 2);
  REQUIRE(driver.voided()->rejects.size() == 2);
  CHECK(driver.voided()->rejects[0].line == 4);
  CHECK(driver.voided()->rejects[1].code == "customer_duplicate");
  CHECK(std::filesystem::exists(driver.voided()->rejects_path));
  import_driver again{engine, engine.log(), options_in(scratch.path(), true)};
  CHECK(name_of_end(send_to(again, text)) == "batch_abandoned");
}

TEST_CASE("strict cannot take back what was imported before without it", "[unit][import]") {
  const scratch_directory scratch;
  fake_engine engine{points()};
  const std::string text = "customer_uid\n1\nx\n";
  import_driver first{engine, engine.log(), options_in(scratch.path(), false)};
  REQUIRE(name_of_end(send_to(first, text)) == "done");
  const auto head = engine.log().head().last;
  import_driver strict{engine, engine.log(), options_in(scratch.path(), true)};
  const auto answer = send_to(strict, text);
  REQUIRE(name_of_end(answer) == "strict_import_has_bad_rows");
  CHECK(std::get<domain::refusal>(answer.error()).detail.find("its 1 good rows stay") !=
        std::string::npos);
  CHECK(engine.log().head().last == head);
  CHECK(engine.state().batches.at("b").state == batch_state::life::closed);
}

TEST_CASE("a refused import says whether its batch is open", "[unit][import]") {
  const scratch_directory scratch;
  fake_engine engine{points()};
  import_driver with_ids{engine, engine.log(), options_in(scratch.path(), false, "ids")};
  REQUIRE(name_of_end(send_to(with_ids, "point_target_id,customer_uid\n1,1\n")) == "done");
  import_driver without{engine, engine.log(), options_in(scratch.path(), false, "none")};
  CHECK_FALSE(without.holds_open_batch());
  REQUIRE(name_of_end(send_to(without, "customer_uid\n2\n")) == "ids_given_in_part");
  CHECK(without.holds_open_batch());
  import_driver unreadable{engine, engine.log(), options_in(scratch.path(), false, "wrong")};
  REQUIRE(name_of_end(send_to(unreadable, "colour\nred\n")) == "input_header_unknown_field");
  CHECK_FALSE(unreadable.holds_open_batch());
  const auto sealing = domain::may_seal(engine.state());
  REQUIRE(sealing);
  CHECK(sealing->detail.find("`bestow promotion import 7 --batch none --abandon`") !=
        std::string::npos);
}

}  // namespace
