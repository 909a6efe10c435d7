#include <functional>

#include "events/limits.hpp"
#include "tests/domain/promotion_spec.hpp"

namespace bestow::domain::test {
namespace {

auto wanting(const std::function<void(promotion_created&)>& change) -> create_promotion {
  create_promotion c{points(), now, false};
  change(c.wanted);
  return c;
}

struct bad_wish {
  rejection why;
  std::function<void(promotion_created&)> change;
};
/// One wish per rejection, in order of precedence.
auto bad_wishes() -> std::vector<bad_wish> {
  return {
      {rejection::promotion_id_out_of_range, [](auto& w) { w.promotion.value = 0; }},
      {rejection::text_malformed, [](auto& w) { w.created_by = "a\tb"; }},
      {rejection::external_id_too_long, [](auto& w) { w.external_id = std::string(41, 'x'); }},
      {rejection::currency_unknown, [](auto& w) { w.currency = "krw"; }},
      {rejection::partition_count_out_of_range, [](auto& w) { w.partition_count = 0; }},
      {rejection::default_reason_too_long,
       [](auto& w) { w.default_reason = std::string(101, 'x'); }},
      {rejection::default_amount_not_positive, [](auto& w) { w.default_amount.value = -1; }},
      {rejection::default_expiry_in_past, [](auto& w) { w.default_expiry_at = now; }},
      {rejection::control_total_negative, [](auto& w) { w.total_amount.value = -1; }},
      {rejection::budget_not_positive, [](auto& w) { w.budget_amount.value = -1; }},
      {rejection::approval_policy_needs_tokens,
       [](auto& w) { w.approval = approval_policy::four_eyes; }},
  };
}

auto catalog_of(const promotion_created& e, const event_metadata& m) -> promotion_catalog {
  promotion_catalog catalog;
  fold(catalog, e, m);
  return catalog;
}
void check_answer(const std::variant<catalog_answer, refusal>& is, catalog_answer wanted) {
  const auto* answer = std::get_if<catalog_answer>(&is);
  REQUIRE(answer != nullptr);
  CHECK(answer->promotion == wanted.promotion);
  CHECK(answer->already_existed == wanted.already_existed);
}
void check_refused(const std::variant<catalog_answer, refusal>& is, rejection why) {
  const auto* no = std::get_if<refusal>(&is);
  REQUIRE(no != nullptr);
  CHECK(std::string{name_of(no->why)} == std::string{name_of(why)});
}

}  // namespace

TEST_CASE("a promotion is created as wanted, and once", "[unit][promotion]") {
  promotion_spec spec;
  spec.when(create_promotion{points(), now, false}).then({points()});
  CHECK(spec.state().state == promotion_state::draft);
  CHECK(spec.state().version == stream_version{1});
  auto by_another = points();
  by_another.created_by = "lee";
  spec.when(create_promotion{by_another, now, false}).then_nothing();
  spec.when(wanting([](auto& w) { w.default_reason = "other"; }))
      .then_refused(rejection::promotion_exists);
}

TEST_CASE("a repeated create is answered although its default expiry has passed since",
          "[unit][promotion]") {
  promotion_spec{{points()}}.when(create_promotion{points(), later, false}).then_nothing();
}

TEST_CASE("each wrong wish at create is refused by its own name", "[unit][promotion]") {
  for (const auto& bad : bad_wishes())
    promotion_spec{}.when(wanting(bad.change)).then_refused(bad.why);
}

TEST_CASE("of two wrong wishes at create the more important one is named", "[unit][promotion]") {
  const auto wishes = bad_wishes();
  for (std::size_t i = 0; i < wishes.size(); ++i)
    for (std::size_t j = i + 1; j < wishes.size(); ++j) {
      const auto both = wanting([&](auto& w) {
        wishes[j].change(w);
        wishes[i].change(w);
      });
      promotion_spec{}.when(both).then_refused(wishes[i].why);
      check_refused(decide_create(both, {}, {}), wishes[i].why);
    }
}

TEST_CASE("bounds at create are inclusive", "[unit][promotion]") {
  auto w = points();
  w.promotion.value = limits::id_max;
  w.external_id.clear();
  for (int i = 0; i < 40; ++i) w.external_id += "가";  // Characters are counted, not bytes.
  w.partition_count = 1'024;
  w.default_reason = std::string(100, 'x');
  w.default_expiry_at.value = now.value + 1;
  promotion_spec{}.when(create_promotion{w, now, false}).then({w});
  w.promotion.value = limits::id_max + 1;
  promotion_spec{}
      .when(create_promotion{w, now, false})
      .then_refused(rejection::promotion_id_out_of_range);
  w.promotion.value = 1;
  w.partition_count = 1'025;
  promotion_spec{}
      .when(create_promotion{w, now, false})
      .then_refused(rejection::partition_count_out_of_range);
}

TEST_CASE("a promotion may leave every optional wish open", "[unit][promotion]") {
  promotion_created w;
  w.promotion = promotion_id{1};
  w.currency = "KRW";
  promotion_spec{}.when(create_promotion{w, now, false}).then({w});
}

TEST_CASE("four eyes are accepted where tokens have names", "[unit][promotion]") {
  auto w = points();
  w.approval = approval_policy::four_eyes;
  promotion_spec{}.when(create_promotion{w, now, true}).then({w});
}

TEST_CASE("text that is not UTF-8 is refused at create", "[unit][promotion]") {
  promotion_spec{}
      .when(wanting([](auto& w) { w.external_id = "\xB0\xA1"; }))
      .then_refused(rejection::text_malformed);
  promotion_spec{}
      .when(wanting([](auto& w) { w.default_reason = "\xff"; }))
      .then_refused(rejection::text_malformed);
}

TEST_CASE("a new promotion finds its place among the others", "[unit][catalog]") {
  check_answer(decide_create({points(), now, false}, {}, {}), {promotion_id{7}, false});
  const auto catalog = catalog_of(points(), {});
  const auto other = wanting([](auto& w) {
    w.promotion.value = 8;
    w.external_id = "";
  });
  check_answer(decide_create(other, {}, catalog), {promotion_id{8}, false});
}

TEST_CASE("a create retried under its key gets the first answer", "[unit][catalog]") {
  const event_metadata first{"kim", "k1", 42};
  const auto catalog = catalog_of(points(), first);
  // An assigned id differs at every try.
  const auto retry = wanting([](auto& w) { w.promotion.value = 8; });
  check_answer(decide_create(retry, first, catalog), {promotion_id{7}, true});
  check_refused(decide_create(retry, {"kim", "k1", 43}, catalog),
                rejection::idempotency_key_reused);
  // Keys belong to whoever uses them.
  check_refused(decide_create(retry, {"lee", "k1", 42}, catalog), rejection::external_id_taken);
  const auto broken = wanting([](auto& w) { w.promotion.value = 0; });
  check_refused(decide_create(broken, {"kim", "k1", 43}, catalog),
                rejection::idempotency_key_reused);
}

TEST_CASE("a create without a key is known by its id", "[unit][catalog]") {
  const auto catalog = catalog_of(points(), {});
  check_answer(decide_create({points(), now, false}, {}, catalog), {promotion_id{7}, true});
  check_answer(decide_create({points(), now, false}, {"kim", "fresh", 1}, catalog),
               {promotion_id{7}, true});
  check_refused(decide_create(wanting([](auto& w) { w.partition_count = 5; }), {}, catalog),
                rejection::promotion_exists);
}

TEST_CASE("an external id belongs to one promotion", "[unit][catalog]") {
  const auto catalog = catalog_of(points(), {});
  const auto second = wanting([](auto& w) { w.promotion.value = 8; });
  check_refused(decide_create(second, {}, catalog), rejection::external_id_taken);
  const auto also_wrong = wanting([](auto& w) {
    w.promotion.value = 8;
    w.currency = "???";
  });
  check_refused(decide_create(also_wrong, {}, catalog), rejection::external_id_taken);
}

TEST_CASE("promotions without external id do not collide", "[unit][catalog]") {
  auto first = points();
  first.external_id.clear();
  const auto catalog = catalog_of(first, {});
  CHECK(catalog.by_external_id.empty());
  CHECK(catalog.by_key.empty());
}

}  // namespace bestow::domain::test
