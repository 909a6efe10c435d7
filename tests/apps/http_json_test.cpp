#include "apps/http/field_reader.hpp"
#include "apps/http/flat_json.hpp"
#include "apps/http/json_writer.hpp"
#include "tests/apps/http_fixture.hpp"
#include "tests/catch.hpp"

namespace bestow::http {
namespace {

struct bad_body {
  std::string_view body;
  std::string_view code;
  std::string_view says;
};

}  // namespace

TEST_CASE("a flat object keeps its fields with their exact text", "[unit][http]") {
  const auto read = parse_flat_json(
      R"({"a":"x","b":9007199254740993,"c":-5,"d":1.50,"e":true,"f":null,"g":18446744073709551616})");
  REQUIRE(read);
  REQUIRE(read->size() == 7);
  CHECK((*read)[0].text == "x");
  CHECK((*read)[1].text == "9007199254740993");
  CHECK((*read)[1].kind == json_kind::integer);
  CHECK((*read)[2].text == "-5");
  CHECK((*read)[3].kind == json_kind::fraction);
  CHECK((*read)[4].kind == json_kind::boolean);
  CHECK((*read)[5].kind == json_kind::null);
  CHECK((*read)[6].text == "18446744073709551616");
}

TEST_CASE("a body that is no flat object is refused with the reason", "[unit][http]") {
  const auto bad = GENERATE(
      bad_body{"", "json_malformed", "line 1"}, bad_body{"{", "json_malformed", "line 1"},
      bad_body{"{\"a\":1,}", "json_malformed", "line 1, column 8"},
      bad_body{"{\n\"a\": 1,\n\"b\" 2}", "json_malformed", "line 3"},
      bad_body{"{\"a\":1} x", "json_malformed", "line 1"},
      bad_body{"{\"a\":\"\xff\"}", "json_malformed", "line 1"},
      bad_body{"{'a':1}", "json_malformed", "line 1"}, bad_body{"{\"a\":01}", "json_malformed", ""},
      bad_body{"{\"a\":NaN}", "json_malformed", ""},
      bad_body{"[]", "json_not_an_object", "one JSON object"},
      bad_body{"5", "json_not_an_object", ""}, bad_body{"null", "json_not_an_object", ""},
      bad_body{"\"x\"", "json_not_an_object", ""},
      bad_body{"{\"a\":{}}", "field_wrong_type", "'a' is an object"},
      bad_body{"{\"a\":[[1]]}", "field_wrong_type", "'a' is an array in an array"},
      bad_body{"{\"a\":[{}]}", "field_wrong_type", "'a' is an array of objects"},
      bad_body{"{\"a\":[1.5]}", "field_wrong_type", "'a' is an array of something else"},
      bad_body{"{\"a\":[null]}", "field_wrong_type", "'a' is an array of something else"},
      bad_body{"{\"a\":1,\"a\":2}", "field_repeated", "'a' stands twice"});
  CAPTURE(bad.body);
  const auto read = parse_flat_json(bad.body);
  REQUIRE_FALSE(read);
  CHECK(read.error().code == bad.code);
  CHECK(read.error().detail.find(bad.says) != std::string::npos);
}

TEST_CASE("a list of ids is taken as texts or whole numbers", "[unit][http]") {
  auto read = parse_flat_json(R"({"targets":["1",9223372036854775807],"n":1})");
  REQUIRE(read);
  field_reader fields{std::move(*read)};
  CHECK(fields.ids("targets") == std::vector<std::uint64_t>{1, 9'223'372'036'854'775'807ULL});
  CHECK(fields.ids("absent").empty());
  CHECK(fields.number("n", 5) == 1);
  CHECK_FALSE(fields.finish());
  for (const auto* bad : {R"({"targets":[]})", R"({"targets":"1"})", R"({"targets":["0"]})",
                          R"({"targets":["-1"]})", R"({"targets":[9223372036854775808]})",
                          R"({"targets":["x"]})"}) {
    CAPTURE(bad);
    auto body = parse_flat_json(bad);
    REQUIRE(body);
    field_reader refused{std::move(*body)};
    static_cast<void>(refused.ids("targets"));
    const auto trouble = refused.finish();
    REQUIRE(trouble);
    CHECK(trouble->field == "targets");
  }
}

TEST_CASE("deep nesting and many fields end at once", "[unit][http]") {
  CHECK_FALSE(parse_flat_json(std::string(1'000'000, '[')));
  CHECK_FALSE(parse_flat_json("{\"a\":" + std::string(1'000'000, '[')));
  std::string many = "{";
  for (int i = 0; i < 100; ++i) many += (i > 0 ? "," : "") + ("\"f" + std::to_string(i)) + "\":1";
  const auto read = parse_flat_json(many + "}");
  REQUIRE_FALSE(read);
  CHECK(read.error().code == "field_unknown");
}

TEST_CASE("whatever is written is valid JSON", "[unit][http]") {
  json_writer w;
  w.begin_object()
      .field("text", "quote \" slash \\ line \n tab \t bell \x07 한글 🎁")
      .field("broken",
             "a\xff\xfe"
             "b")
      .id("big", 18'446'744'073'709'551'615ULL)
      .money("debt", {-5})
      .time("never", {0})
      .time("at", {1'768'959'000'000})
      .key("list")
      .begin_array()
      .number(1)
      .boolean(true)
      .null()
      .end_array()
      .key("empty")
      .begin_object()
      .end_object()
      .end_object();
  const auto doc = nlohmann::json::parse(w.str());
  CHECK(doc["text"] == "quote \" slash \\ line \n tab \t bell \x07 한글 🎁");
  CHECK(doc["broken"] ==
        "a\xEF\xBF\xBD\xEF\xBF\xBD"
        "b");
  CHECK(doc["big"] == "18446744073709551615");
  CHECK(doc["debt"] == "-5");
  CHECK(doc["never"].is_null());
  CHECK(doc["at"] == "2026-01-21T01:30:00.000Z");
  CHECK(doc["list"].size() == 3);
  CHECK(doc["empty"].is_object());
}

}  // namespace bestow::http
