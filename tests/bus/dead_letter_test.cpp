#include "bus/dead_letter.hpp"
#include "tests/catch.hpp"

namespace {

using namespace bestow;
using namespace bestow::bus;

auto sample() -> dead_letter {
  dead_letter l;
  l.reason = "payload.processStatus is 'OK'; SUCCESS, RETRYING or FAILED";
  l.subject = "prepay.campaign.point.result.3";
  l.stream_seq = 9'007'199'254'740'993;
  l.at = {1'768'959'000'000};
  l.headers = {{"Trace-Id", "abc"}, {"X", "한"}};
  l.retry_of = 4;
  l.payload = R"({"payload":{"eventId":"1"}})";
  return l;
}

}  // namespace

TEST_CASE("a dead letter reads back with its message, headers and time", "[unit][dead-letter]") {
  auto sent = sample();
  sent.payload = GENERATE(std::string{R"({"a":1})"}, std::string{"\xff\x00\x01", 3}, std::string{});
  dead_letter back;
  REQUIRE(decode_dead_letter(encode_dead_letter(sent, 0), back));
  CHECK(back.reason == sent.reason);
  CHECK(back.subject == sent.subject);
  CHECK(back.stream_seq == sent.stream_seq);
  CHECK(back.at == sent.at);
  CHECK(back.headers == sent.headers);
  CHECK(back.retry_of == 4);
  CHECK(back.payload == sent.payload);
  CHECK(back.payload_bytes == sent.payload.size());
  CHECK_FALSE(back.accepted);
}

TEST_CASE("a letter that would not fit is kept with its payload cut, and says so",
          "[unit][dead-letter]") {
  auto sent = sample();
  sent.payload = GENERATE(std::string(900'000, 'x'), std::string(900'000, '\x01'),
                          std::string(900'000, '\xff'));
  const std::size_t room = 1'000'000;
  const auto text = encode_dead_letter(sent, room);
  CHECK(text.size() <= room);
  dead_letter back;
  REQUIRE(decode_dead_letter(text, back));
  CHECK(back.payload_bytes == 900'000);
  CHECK(back.payload.size() < 900'000);
  CHECK(sent.payload.starts_with(back.payload));
  CHECK(encode_dead_letter(sent, 700).size() <= 700);
}

TEST_CASE("a note says which letter is settled", "[unit][dead-letter]") {
  auto note = sample();
  note.accepted = true;
  dead_letter back;
  REQUIRE(decode_dead_letter(encode_dead_letter(note, 0), back));
  CHECK(back.accepted);
  CHECK(back.retry_of == 4);
  CHECK(back.payload.empty());
}

TEST_CASE("what is no letter is not read as one", "[unit][dead-letter]") {
  dead_letter out;
  for (const auto* text : {"", "x", "[]", "{}", R"({"reason":1})", R"({"accepted":true})",
                           R"({"accepted":"yes","retryOf":"1"})", R"({"reason":"r","at":"x"})",
                           R"({"reason":"r","payloadHex":"0"})",
                           R"({"reason":"r","headers":[]})"}) {
    CAPTURE(text);
    CHECK_FALSE(decode_dead_letter(text, out));
  }
  // Letters of earlier versions have neither time nor headers.
  CHECK(decode_dead_letter(R"({"reason":"r","subject":"s","streamSeq":"1","payload":"p"})", out));
}
