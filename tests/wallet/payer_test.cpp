#include "apps/wallet/payer.hpp"

#include "bus/grant_wire.hpp"
#include "tests/catch.hpp"

using namespace bestow;
using namespace bestow::wallet;

namespace {

constexpr timestamp now{1'768'959'000'000};

auto grant(std::uint64_t target, std::uint16_t partition = 3) -> bus::incoming_message {
  targets_released release;
  release.promotion = {5};
  release.type = promotion_type::point;
  release.topic = "prepay.campaign.point.publish";
  release.partition = {partition};
  bus::grant_fields f;
  f.id = {target};
  f.customer = {70 + target};
  f.amount = {1'000};
  f.partition = {partition};
  bus::incoming_message m{target, "prepay.campaign.point.publish." + std::to_string(partition), ""};
  bus::grant_encoder{release}.append(m.payload, f);
  return m;
}

auto read(const bus::message_bus::simple_message& m) -> bus::decoded_result {
  bus::decoded_result r;
  REQUIRE(bus::decode_result(m.subject, m.payload, r) == "");
  return r;
}

struct run {
  payer_counts counts;
  decided_batch decided;
  outgoing_results results;
  run(const std::vector<bus::incoming_message>& messages, const behaviour& b,
      credit outcome = credit::credited)
      : decided{decide_batch(messages, b, now, counts)},
        results{results_of(decided, std::vector(decided.entries.size(), outcome), now, counts)} {}
};

}  // namespace

TEST_CASE("a grant is paid and answered with SUCCESS", "[unit][wallet]") {
  const run r{{grant(1), grant(2)}, {}};
  REQUIRE(r.decided.entries.size() == 2);
  CHECK(r.decided.entries[1].promotion.value == 5);
  CHECK(r.decided.entries[1].target.value == 2);
  CHECK(r.decided.entries[1].customer.value == 72);
  CHECK(r.decided.entries[1].amount.value == 1'000);
  REQUIRE(r.results.size() == 2);
  CHECK(r.results[0].subject == "prepay.campaign.point.result.3");
  const auto answer = read(r.results[0]);
  CHECK(answer.status == process_status::success);
  CHECK(answer.type == promotion_type::point);
  CHECK(answer.id.value == 1);
  CHECK(answer.customer.value == 71);
  CHECK(answer.partition.value == 3);
  CHECK(answer.attempt == 1);
  CHECK(answer.transaction_key == transaction_key_of("5:1"));
  CHECK(answer.at == now);
  CHECK(r.counts.credited == 2);
}

TEST_CASE("a repeated grant gets its first answer again", "[unit][wallet]") {
  const run first{{grant(1)}, {}};
  const run again{{grant(1)}, {}, credit::repeated};
  REQUIRE(again.results.size() == 1);
  CHECK(again.results[0].payload == first.results[0].payload);
  CHECK(again.counts.repeated == 1);
}

TEST_CASE("a contradicting grant is answered FAILED without a key", "[unit][wallet]") {
  const run r{{grant(1)}, {}, credit::contradicted};
  const auto answer = read(r.results.at(0));
  CHECK(answer.status == process_status::failed);
  CHECK(answer.transaction_key.empty());
  CHECK_FALSE(answer.error_message.empty());
}

TEST_CASE("each misbehaviour does what its name says", "[unit][wallet]") {
  behaviour b;
  SECTION("fail pays nothing") {
    b.fail = 1;
    const run r{{grant(1)}, b};
    CHECK(r.decided.entries.empty());
    CHECK(read(r.results.at(0)).status == process_status::failed);
    CHECK_FALSE(read(r.results.at(0)).error_message.empty());
  }
  SECTION("transient says RETRYING, then SUCCESS") {
    b.transient = 1;
    const run r{{grant(1)}, b};
    REQUIRE(r.results.size() == 2);
    CHECK(read(r.results[0]).status == process_status::retrying);
    CHECK(read(r.results[1]).status == process_status::success);
  }
  SECTION("duplicate says it twice, with one key") {
    b.duplicate = 1;
    const run r{{grant(1)}, b};
    REQUIRE(r.results.size() == 2);
    CHECK(r.results[0].payload == r.results[1].payload);
  }
  SECTION("early is sent before the payment and not again") {
    b.early = 1;
    const run r{{grant(1)}, b};
    CHECK(r.decided.early.size() == 1);
    CHECK(r.decided.entries.size() == 1);
    CHECK(r.results.empty());
  }
  SECTION("delay keeps the result with the payment") {
    b.delay = 1;
    b.transient = 1;
    const run r{{grant(1)}, b};
    REQUIRE(r.decided.held.size() == 1);
    CHECK(r.decided.held[0].due.value == now.value + 500);
    CHECK(read({r.decided.held[0].subject, r.decided.held[0].payload}).status ==
          process_status::success);
    REQUIRE(r.results.size() == 1);
    CHECK(read(r.results[0]).status == process_status::retrying);
  }
  SECTION("drop pays and says nothing") {
    b.drop = 1;
    b.transient = 1;
    b.duplicate = 1;
    const run r{{grant(1)}, b};
    CHECK(r.decided.entries.size() == 1);
    CHECK(r.results.empty());
    CHECK(r.decided.early.empty());
    CHECK(r.decided.held.empty());
  }
}

TEST_CASE("what is not a grant is left alone, what is unreadable is named", "[unit][wallet]") {
  auto recall = grant(2);
  recall.subject = "prepay.campaign.point.recall.3";
  auto broken = grant(3);
  broken.payload.pop_back();
  const run r{{{1, "prepay.campaign.point.log", "some-log"}, recall, broken, grant(4)}, {}};
  CHECK(r.decided.entries.size() == 1);
  CHECK(r.results.size() == 1);
  CHECK(r.counts.unreadable == 1);
  REQUIRE(r.decided.complaints.size() == 1);
  CHECK(r.decided.complaints[0].starts_with("message 3: not JSON"));
}

TEST_CASE("results go beside their grants' subject, with or without a partition token",
          "[unit][wallet]") {
  CHECK(result_topic_of("prepay.campaign.voucher.publish.7") == "prepay.campaign.voucher.result");
  CHECK(result_topic_of("my.own.publish") == "my.own.result");
  CHECK(result_topic_of("prepay.campaign.voucher.log").empty());
  CHECK(result_topic_of("prepay.campaign.voucher.publisher.7").empty());
}
