// A dry run answers as the import would, and leaves no fact.
#include "apps/import/dry_run.hpp"

#include <string>

#include "apps/import/import_driver.hpp"
#include "tests/catch.hpp"
#include "tests/import/sending.hpp"
#include "tests/store/lists/scratch.hpp"

namespace {

using namespace bestow;
using namespace bestow::testing;
using importing::dry_run;
using importing::dry_run_options;
using importing::import_driver;
using importing::import_options;

auto promotion_of(promotion_type type) -> promotion_created {
  promotion_created c;
  c.promotion = promotion_id{7};
  c.type = type;
  c.currency = "KRW";
  c.partition_count = 4;
  return c;
}
auto dry(fake_engine& engine, std::string_view text, const std::string& directory = "",
         const cut& next = whole()) -> actors::outcome<importing::dry_run_answer> {
  dry_run run{engine, engine.log(),
              dry_run_options{promotion_id{7}, import_format::csv, false, import_time, directory}};
  return send_to(run, text, next);
}
auto real(fake_engine& engine, std::string_view text, std::string batch = "b")
    -> actors::outcome<importing::import_answer> {
  import_options o;
  o.promotion = promotion_id{7};
  o.batch = std::move(batch);
  import_driver driver{engine, engine.log(), std::move(o)};
  return send_to(driver, text);
}

/// Vouchers with every kind of duplicate, within the file and against what `kept` had.
auto vouchers(std::uint64_t seed, int rows) -> std::string {
  seeded_randomness random{seed};
  std::string text =
      "voucher_target_id,customer_uid,voucher_number,merchant_code,merchant_brand_code,"
      "is_withdrawal,amount\n";
  for (int i = 1; i <= rows; ++i) {
    const auto near = [&] {
      return random.next() % 20 == 0 ? random.next() % 500 : i + seed * 300;
    };
    text += std::to_string(near() + 1) + "," + std::to_string(near() + 1) + ",V" +
            std::to_string(near()) + ",M,B,";
    text += random.next() % 30 == 0 ? "maybe,100\n" : "true,100\n";
  }
  return text;
}

TEST_CASE("a dry run answers as the import does, and leaves no fact", "[unit][import]") {
  const scratch_directory scratch;
  fake_engine engine{promotion_of(promotion_type::voucher)};
  REQUIRE(name_of_end(real(engine, vouchers(1, 600), "first")) == "done");
  for (std::uint64_t seed = 2; seed < 6; ++seed) {
    INFO("seed " << seed);
    const auto text = vouchers(seed, 6'000);
    const auto head = engine.log().head().last;
    const auto foretold = dry(engine, text, scratch.path(), random_cut(seed));
    REQUIRE(name_of_end(foretold) == "done");
    CHECK(engine.log().head().last == head);
    const auto done = real(engine, text, std::to_string(seed));
    REQUIRE(name_of_end(done) == "done");
    CHECK(foretold->rows == done->rows);
    CHECK(foretold->accepted == done->accepted);
    CHECK(foretold->rejected == done->rejected);
    CHECK(foretold->sha256 == done->sha256);
    CHECK(foretold->amount.value == static_cast<std::int64_t>(done->accepted) * 100);
    REQUIRE(foretold->rejects.size() == done->rejects.size());
    for (std::size_t i = 0; i < done->rejects.size(); ++i) {
      CHECK(foretold->rejects[i].line == done->rejects[i].line);
      CHECK(foretold->rejects[i].field == done->rejects[i].field);
      CHECK(foretold->rejects[i].code == done->rejects[i].code);
    }
  }
}

TEST_CASE("a dry run sums amounts and defaults by partition", "[unit][import]") {
  auto created = promotion_of(promotion_type::point);
  created.default_amount = money_minor{500};
  created.default_reason = "reason";
  fake_engine engine{created};
  const auto answer = dry(engine,
                          "customer_uid,amount,partition_key\n1,100,0\n2,,0\n3,7,3\nx,1,3\n");
  REQUIRE(name_of_end(answer) == "done");
  CHECK(answer->rows == 4);
  CHECK(answer->accepted == 3);
  CHECK(answer->rejected == 1);
  CHECK(answer->amount.value == 607);
  REQUIRE(answer->partitions.size() == 4);
  CHECK(answer->partitions[0].count == 2);
  CHECK(answer->partitions[0].amount.value == 600);
  CHECK(answer->partitions[1].count == 0);
  CHECK(answer->partitions[3].amount.value == 7);
  CHECK(answer->without_amount == 0);
  CHECK(answer->without_reason == 0);
  CHECK(answer->without_expiry == 3);
}

TEST_CASE("a dry run says when the sum is too large", "[unit][import]") {
  fake_engine engine{promotion_of(promotion_type::point)};
  const auto answer =
      dry(engine, "customer_uid,amount\n1,9223372036854775807\n2,1\n3,9223372036854775807\n");
  REQUIRE(name_of_end(answer) == "done");
  CHECK(answer->amount_overflows);
  CHECK(answer->amount.value == 9'223'372'036'854'775'807);
}

TEST_CASE("a dry run counts customers whose targets stand in several partitions",
          "[unit][import]") {
  const std::string text =
      "customer_uid,partition_key\n1,0\n1,0\n2,0\n2,1\n2,2\n3,3\n3,1\n4,2\n";
  auto created = promotion_of(promotion_type::point);
  created.allow_multiple_per_customer = true;
  fake_engine many{created};
  const auto split = dry(many, text);
  REQUIRE(name_of_end(split) == "done");
  CHECK(split->accepted == 8);
  CHECK(split->split_customers == 2);
  fake_engine one{promotion_of(promotion_type::point)};
  const auto single = dry(one, text);
  REQUIRE(name_of_end(single) == "done");
  CHECK(single->accepted == 4);
  CHECK(single->split_customers == 0);
}

TEST_CASE("a dry run is refused where the import would be", "[unit][import]") {
  fake_engine engine{promotion_of(promotion_type::point)};
  CHECK(name_of_end(dry(engine, "colour\nred\n")) == "input_header_unknown_field");
  REQUIRE(name_of_end(real(engine, "point_target_id,customer_uid\n1,1\n")) == "done");
  CHECK(name_of_end(dry(engine, "customer_uid\n2\n")) == "ids_given_in_part");
  engine.state().state = domain::promotion_state::sealed;
  CHECK(name_of_end(dry(engine, "point_target_id,customer_uid\n2,2\n")) == "list_already_sealed");
}

TEST_CASE("a dry run of nothing answers nothing", "[unit][import]") {
  fake_engine engine{promotion_of(promotion_type::point)};
  const auto answer = dry(engine, "customer_uid\n");
  REQUIRE(name_of_end(answer) == "done");
  CHECK(answer->rows == 0);
  CHECK(answer->partitions.size() == 4);
}

}  // namespace
