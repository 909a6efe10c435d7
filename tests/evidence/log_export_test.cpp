// Exports of a log in memory: what is in them, where they begin and end, and how they break off.
#include "apps/evidence/log_export.hpp"

#include <nlohmann/json.hpp>

#include "apps/evidence/log_until.hpp"
#include "store/memory_log.hpp"
#include "tests/catch.hpp"

namespace bestow::evidence {
namespace {

using json = nlohmann::json;
constexpr timestamp noon{1'800'000'000'000};
constexpr std::uint64_t facts_in_all = 7;

/// Seven facts in four frames: 2, 1, 3 and 1 of them.
class some_log {
 public:
  some_log() {
    for (const std::size_t count : {2U, 1U, 3U, 1U}) {
      store::append_batch batch{stream_of(promotion_id{7}), version_, {}};
      for (std::size_t i = 0; i < count; ++i)
        batch.events.push_back(encode_event(promotion_approved{"kim"}, {"kim", "key", 9}));
      REQUIRE(log.append_group(std::array{batch}, noon).value()[0]);
      version_.value += count;
    }
  }
  store::memory_log log{5};

 private:
  stream_version version_;
};

auto lines(const store::event_log& log, const export_request& wanted) -> std::vector<json> {
  log_export document{log, wanted};
  std::string text;
  for (;;) {
    const auto step = document.step(text);
    REQUIRE(step);
    if (!*step) break;
  }
  std::vector<json> out;
  for (std::size_t from = 0; from < text.size();) {
    const auto end = text.find('\n', from);
    REQUIRE(end != std::string::npos);
    out.push_back(json::parse(text.substr(from, end - from)));
    from = end + 1;
  }
  return out;
}

auto kinds(const std::vector<json>& lines) -> std::string {
  std::string out;
  for (const auto& line : lines) out += line["kind"].get<std::string>().substr(0, 2) + " ";
  return out;
}

}  // namespace

TEST_CASE("an export holds each frame and behind it its facts", "[unit][evidence]") {
  const some_log s;
  const auto all = lines(s.log, {});
  CHECK(kinds(all) == "ex fr fa fa fr fa fr fa fa fa fr fa en ");
  CHECK(all[0]["head_hash"] == to_hex(s.log.head().frame_hash));
  CHECK(all[1]["previous"] == std::string(64, '0'));
  CHECK(all[4]["previous"] == all[1]["hash"]);
  CHECK(all[2]["data"]["approved_by"] == "kim");
  CHECK(all[2]["idempotency_key"] == "key");
  CHECK(all[2]["frame_hash"] == all[1]["hash"]);
  CHECK(all.back()["facts"] == facts_in_all);
  CHECK(all.back()["last_hash"] == to_hex(s.log.head().frame_hash));
}

TEST_CASE("a part of an export has whole frames and only its facts", "[unit][evidence]") {
  const some_log s;
  CHECK(kinds(lines(s.log, {{5}, {5}})) == "ex fr fa en ");
  CHECK(kinds(lines(s.log, {{2}, {4}})) == "ex fr fa fr fa fr fa en ");
  CHECK(kinds(lines(s.log, {{2}, {4}, export_format::frames})) == "ex fr fr fr en ");
  CHECK(kinds(lines(s.log, {{2}, {4}, export_format::facts})) == "ex fa fa fa en ");
  CHECK(kinds(lines(s.log, {{7}, {900}})) == "ex fr fa en ");
  CHECK(kinds(lines(s.log, {{8}, {}})) == "ex en ");
  CHECK(kinds(lines(store::memory_log{1}, {})) == "ex en ");
}

TEST_CASE("an export of damaged frames breaks off before its end", "[unit][evidence]") {
  some_log s;
  s.log.flip_bit({4}, 1'700);
  log_export document{s.log, {}};
  std::string text;
  result<bool> step = true;
  while (step && *step) step = document.step(text);
  REQUIRE_FALSE(step);
  CHECK(step.error().code == fault_code::log_corrupt);
  CHECK(step.error().detail.find("position 4") != std::string::npos);
  CHECK(text.find(R"("kind":"end")") == std::string::npos);
}

TEST_CASE("a log is shown as it was at a position", "[unit][evidence]") {
  const some_log s;
  log_until shown{s.log};
  CHECK(shown.head().last == position{7});
  shown.end_at({4});
  std::vector<std::uint64_t> seen;
  const auto visit = [&](const store::stored_event& e) {
    seen.push_back(e.at.value);
    return true;
  };
  CHECK(shown.read({}, {}, visit).value() == position{4});
  CHECK(seen == std::vector<std::uint64_t>{1, 2, 3, 4});
  CHECK(shown.read({4}, {}, visit).value() == position{4});
  CHECK(seen.size() == 4);
  shown.end_at({900});
  CHECK(shown.head().last == position{7});
}

}  // namespace bestow::evidence
