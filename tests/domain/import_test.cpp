#include "events/limits.hpp"
#include "tests/domain/promotion_spec.hpp"

namespace bestow::domain::test {
namespace {

auto opening(std::string batch) -> open_batch {
  return {std::move(batch), import_format::csv, now};
}
auto chunk(targets_imported facts) -> import_targets {
  return {std::move(facts), false, false, false};
}

auto with_open_batch() -> std::vector<promotion_event> {
  return {points(), opened("a")};
}
auto half_way() -> std::vector<promotion_event> {
  return {points(), opened("a"), numbered(rows("a", 1, 4), 1)};
}

}  // namespace

TEST_CASE("a batch is opened once and goes on when opened again", "[unit][import]") {
  promotion_spec{{points()}}
      .when(opening("a"))
      .then({opened("a")})
      .when(open_batch{"a", import_format::csv, later})
      .then_nothing();
  promotion_spec{draft()}.when(opening("a")).then_nothing();
  promotion_spec{running()}.when(opening("a")).then_nothing();
}

TEST_CASE("a batch that cannot be opened is refused by name", "[unit][import]") {
  promotion_spec{}.when(opening("a")).then_refused(rejection::promotion_not_found);
  promotion_spec{{points()}}.when(opening("a\n")).then_refused(rejection::text_malformed);
  promotion_spec{sealed()}.when(opening("b")).then_refused(rejection::list_already_sealed);
  promotion_spec{sealed()}.when(opening("")).then_refused(rejection::list_already_sealed);
  promotion_spec{{points()}}.when(opening("")).then_refused(rejection::batch_id_missing);
  promotion_spec{{points()}}
      .when(opening(std::string(129, 'b')))
      .then_refused(rejection::batch_id_too_long);
  promotion_spec{{points()}}
      .when(opening(std::string(128, 'b')))
      .then({opened(std::string(128, 'b'))});
  promotion_spec{with_open_batch()}
      .when(open_batch{"a", import_format::ndjson, now})
      .then_refused(rejection::batch_content_differs);
  promotion_spec{and_then(with_open_batch(), {batch_abandoned{"a", "typo"}})}
      .when(opening("a"))
      .then_refused(rejection::batch_abandoned);
}

TEST_CASE("no more than 16 batches are open at once", "[unit][import]") {
  promotion_spec spec{{points()}};
  for (std::size_t i = 0; i < limits::open_batches_max; ++i)
    spec.when(opening(std::to_string(i))).then({opened(std::to_string(i))});
  spec.when(opening("one more")).then_refused(rejection::too_many_open_batches);
  spec.when(opening("3")).then_nothing();
  spec.when(abandon_batch{"3", "room"}).then({batch_abandoned{"3", "room"}});
  spec.when(opening("one more")).then({opened("one more")});
}

TEST_CASE("rows without ids are numbered over the promotion", "[unit][import]") {
  promotion_spec spec{with_open_batch()};
  spec.when(chunk(rows("a", 1, 4))).then({numbered(rows("a", 1, 4), 1)});
  spec.when(chunk(rows("a", 5, 3))).then({numbered(rows("a", 5, 3), 5)});
  spec.when(opening("b")).then({opened("b")});
  spec.when(chunk(rows("b", 1, 2))).then({numbered(rows("b", 1, 2), 8)});
  CHECK(spec.state().accepted_rows == 9);
  CHECK(spec.state().next_free_id == 10);
  CHECK(spec.state().batches.at("a").rows == 7);
  CHECK(spec.state().batches.at("a").bytes == 700);
  CHECK(spec.state().batches.at("a").prefix == digest(7));
}

TEST_CASE("given ids are kept", "[unit][import]") {
  promotion_spec spec{with_open_batch()};
  const auto facts = with_ids(rows("a", 1, 4), 9'007'199'254'740'993ULL);
  spec.when(chunk(facts)).then({facts});
  CHECK(spec.state().ids_given == true);
}

TEST_CASE("ids are given in all rows or in none", "[unit][import]") {
  promotion_spec{half_way()}
      .when(chunk(with_ids(rows("a", 5, 2), 50)))
      .then_refused(rejection::ids_given_in_part);
  promotion_spec{{points(), opened("a"), with_ids(rows("a", 1, 4), 50)}}
      .when(chunk(rows("a", 5, 2)))
      .then_refused(rejection::ids_given_in_part);
  auto some = with_ids(rows("a", 5, 2), 50);
  some.target_ids = u64_column::constant(50, 1);
  promotion_spec{half_way()}.when(chunk(some)).then_refused(rejection::ids_given_in_part);
  some.ids_given = false;
  promotion_spec{half_way()}.when(chunk(some)).then_refused(rejection::ids_given_in_part);
}

TEST_CASE("a chunk of refused rows decides nothing about ids", "[unit][import]") {
  auto refused = rows("a", 1, 0);
  refused.row_count = 2;
  refused.byte_end = 200;
  refused.rejected_rows = u64_column::arithmetic(1, 1, 2);
  refused.rejected_fields = u64_column::constant(4, 2);
  refused.rejected_codes = u64_column::constant(3, 2);
  promotion_spec spec{with_open_batch()};
  spec.when(chunk(refused)).then({refused});
  CHECK_FALSE(spec.state().ids_given.has_value());
  CHECK(spec.state().batches.at("a").rejected == 2);
  spec.when(chunk(with_ids(rows("a", 3, 2), 50))).then({with_ids(rows("a", 3, 2), 50)});
}

TEST_CASE("a chunk that is durable already is answered, not repeated", "[unit][import]") {
  promotion_spec spec{half_way()};
  spec.when(chunk(rows("a", 1, 4))).then_nothing();
  spec.when(chunk(rows("a", 2, 2))).then_nothing();  // Cut in other places: still covered.
  spec.when(chunk(rows("a", 5, 0))).then_nothing();
  promotion_spec{draft()}.when(chunk(rows("a", 1, 10))).then_nothing();
  promotion_spec{running()}.when(chunk(rows("a", 1, 10))).then_nothing();
}

TEST_CASE("a re-send with other bytes is refused", "[unit][import]") {
  auto other = rows("a", 1, 4);
  other.prefix_sha256 = digest(99);
  promotion_spec{half_way()}.when(chunk(other)).then_refused(rejection::batch_content_differs);
  other = rows("a", 1, 2);
  other.byte_end = 401;
  promotion_spec{half_way()}.when(chunk(other)).then_refused(rejection::batch_content_differs);
  promotion_spec{draft()}
      .when(chunk(rows("a", 11, 1)))
      .then_refused(rejection::batch_content_differs);
}

TEST_CASE("chunks follow each other without gap or overlap", "[unit][import]") {
  promotion_spec{half_way()}
      .when(chunk(rows("a", 6, 1)))
      .then_refused(rejection::batch_rows_out_of_order);
  promotion_spec{half_way()}
      .when(chunk(rows("a", 4, 2)))
      .then_refused(rejection::batch_rows_out_of_order);
  auto shrinking = rows("a", 5, 1);
  shrinking.byte_end = 399;
  promotion_spec{half_way()}
      .when(chunk(shrinking))
      .then_refused(rejection::batch_rows_out_of_order);
}

TEST_CASE("rows are refused where no batch takes them", "[unit][import]") {
  promotion_spec{}.when(chunk(rows("a", 1, 1))).then_refused(rejection::promotion_not_found);
  promotion_spec{sealed()}
      .when(chunk(rows("a", 11, 1)))
      .then_refused(rejection::list_already_sealed);
  promotion_spec{sealed()}
      .when(chunk(rows("b", 1, 1)))
      .then_refused(rejection::list_already_sealed);
  promotion_spec{draft()}.when(chunk(rows("b", 1, 1))).then_refused(rejection::batch_not_open);
  promotion_spec{and_then(half_way(), {batch_abandoned{"a", ""}})}
      .when(chunk(rows("a", 5, 1)))
      .then_refused(rejection::batch_abandoned);
}

TEST_CASE("a promotion has room for four thousand million targets", "[unit][import]") {
  promotion p = promotion_spec{half_way()}.state();
  p.accepted_rows = limits::targets_per_promotion_max - 2;
  CHECK(std::holds_alternative<std::vector<promotion_event>>(decide(chunk(rows("a", 5, 2)), p)));
  const auto full = decide(chunk(rows("a", 5, 3)), p);
  REQUIRE(std::holds_alternative<refusal>(full));
  CHECK(std::get<refusal>(full).why == rejection::too_many_targets);
}

TEST_CASE("what an import would meet is told before a batch is open", "[unit][import]") {
  const auto why = [](const targets_imported& facts, const promotion& p) {
    const auto no = may_import(facts, p);
    return no ? std::string{name_of(no->why)} : "yes";
  };
  CHECK(why(rows("x", 1, 2), promotion{}) == "promotion_not_found");
  CHECK(why(rows("x", 1, 2), promotion_spec{{points()}}.state()) == "yes");
  CHECK(why(with_ids(rows("x", 1, 2), 50), promotion_spec{{points()}}.state()) == "yes");
  CHECK(why(rows("x", 1, 2), promotion_spec{half_way()}.state()) == "yes");
  CHECK(why(with_ids(rows("x", 1, 2), 50), promotion_spec{half_way()}.state()) ==
        "ids_given_in_part");
  CHECK(why(rows("x", 1, 2), promotion_spec{sealed()}.state()) == "list_already_sealed");
  promotion p = promotion_spec{half_way()}.state();
  p.accepted_rows = limits::targets_per_promotion_max - 2;
  CHECK(why(rows("x", 1, 2), p) == "yes");
  CHECK(why(rows("x", 1, 3), p) == "too_many_targets");
  p.state = promotion_state::cancelled;
  CHECK(why(rows("x", 1, 2), p) == "promotion_cancelled");
}

TEST_CASE("a batch closes over exactly what was judged", "[unit][import]") {
  auto facts = rows("a", 5, 2);
  facts.row_count = 3;
  facts.byte_end = 700;
  facts.prefix_sha256 = digest(7);
  facts.rejected_rows = u64_column::constant(6, 1);
  facts.rejected_fields = u64_column::constant(4, 1);
  facts.rejected_codes = u64_column::constant(3, 1);
  promotion_spec spec{half_way()};
  spec.when(chunk(facts)).then({numbered(facts, 5)});
  spec.when(closing("a", 6)).then_refused(rejection::batch_rows_out_of_order);
  spec.when(close_batch{"a", 7, 699, digest(7)}).then_refused(rejection::batch_rows_out_of_order);
  spec.when(close_batch{"a", 7, 700, digest(8)}).then_refused(rejection::batch_content_differs);
  spec.when(closing("a", 7)).then({batch_closed{"a", 7, 6, 1, digest(7)}});
  spec.when(close_batch{"a", 7, 700, digest(8)}).then_refused(rejection::batch_content_differs);
}

TEST_CASE("blank lines after the last row do not keep a batch from closing", "[unit][import]") {
  promotion_spec{half_way()}
      .when(close_batch{"a", 4, 402, digest(40)})
      .then({batch_closed{"a", 4, 4, 0, digest(40)}});
}

TEST_CASE("a batch without rows closes", "[unit][import]") {
  promotion_spec{with_open_batch()}
      .when(close_batch{"a", 0, 30, digest(1)})
      .then({batch_closed{"a", 0, 0, 0, digest(1)}});
}

TEST_CASE("closing is refused where nothing can close", "[unit][import]") {
  promotion_spec{}.when(closing("a", 1)).then_refused(rejection::promotion_not_found);
  promotion_spec{draft()}.when(closing("b", 1)).then_refused(rejection::batch_not_open);
  promotion_spec{sealed()}.when(closing("a", 10)).then_nothing();
  promotion_spec{sealed()}.when(closing("a", 9)).then_refused(rejection::list_already_sealed);
  promotion_spec{and_then(half_way(), {batch_abandoned{"a", ""}})}
      .when(closing("a", 4))
      .then_refused(rejection::batch_abandoned);
}

TEST_CASE("an abandoned batch leaves no trace but its numbers", "[unit][import]") {
  auto bare = rows("b", 1, 2);
  bare.amounts = u64_column::constant(0, 2);
  bare.expiries = u64_column::constant(0, 2);
  bare.reasons = string_column::constant("", 2);
  promotion_spec spec{half_way()};
  spec.when(opening("b")).then({opened("b")});
  spec.when(chunk(bare)).then({numbered(bare, 5)});
  CHECK(spec.state().any_amount_missing);
  CHECK(spec.state().any_reason_missing);
  CHECK(spec.state().any_expiry_missing);
  spec.when(abandon_batch{"b", "wrong file"}).then({batch_abandoned{"b", "wrong file"}});
  CHECK_FALSE(spec.state().any_amount_missing);
  CHECK_FALSE(spec.state().any_reason_missing);
  CHECK_FALSE(spec.state().any_expiry_missing);
  CHECK(spec.state().accepted_rows == 4);
  CHECK(spec.state().ids_given == false);
  spec.when(chunk(rows("a", 5, 1))).then({numbered(rows("a", 5, 1), 7)});
  CHECK(spec.state().next_free_id == 8);
  spec.when(abandon_batch{"a", ""}).then({batch_abandoned{"a", ""}});
  CHECK_FALSE(spec.state().ids_given.has_value());
}

TEST_CASE("only an open batch can be abandoned", "[unit][import]") {
  promotion_spec{}.when(abandon_batch{"a", ""}).then_refused(rejection::promotion_not_found);
  promotion_spec{draft()}.when(abandon_batch{"a", ""}).then_refused(rejection::batch_not_open);
  promotion_spec{draft()}.when(abandon_batch{"b", ""}).then_refused(rejection::batch_not_open);
  promotion_spec{sealed()}
      .when(abandon_batch{"a", ""})
      .then_refused(rejection::list_already_sealed);
}

TEST_CASE("one row without a value among many is noticed", "[unit][import]") {
  auto facts = rows("a", 1, 4);
  facts.amounts = u64_column::of({500, 600, 0, 700});
  facts.expiries = u64_column::arithmetic(0, 1, 4);
  facts.reasons = string_column{};
  for (const auto* text : {"a", "b", "", "c"}) facts.reasons.push_back(text);
  promotion_spec spec{with_open_batch()};
  spec.when(chunk(facts)).then({numbered(facts, 1)});
  CHECK(spec.state().any_amount_missing);
  CHECK(spec.state().any_reason_missing);
  CHECK(spec.state().any_expiry_missing);
  spec = promotion_spec{half_way()};
  CHECK_FALSE(spec.state().any_amount_missing);
  CHECK_FALSE(spec.state().any_reason_missing);
  CHECK_FALSE(spec.state().any_expiry_missing);
}

}  // namespace bestow::domain::test
