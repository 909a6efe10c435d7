// The bytes of a frame.
#include "events/limits.hpp"
#include "store/bytes.hpp"
#include "store/frame.hpp"
#include "tests/catch.hpp"
#include "tests/store/log/log_fixture.hpp"

namespace {

using namespace bestow;
using namespace bestow::testing;
using namespace bestow::store;

auto sample_header() -> frame_header {
  frame_header h;
  h.identity = {make_log_id(3), 1, 2, 3};
  h.flags = 4;
  h.key_ref = 5;
  h.count = 2;
  h.first = {100};
  h.recorded_at = {1'000};
  h.wall_at = {-2'000};
  h.previous.fill(std::byte{0xAA});
  h.rows_root.fill(std::byte{0xBB});
  return h;
}

auto sample_frame() -> std::vector<std::byte> {
  std::vector<std::byte> records;
  auto first = event("payload", event_type::targets_released);
  first.metadata = {"p", "k", 1};
  encode_record(records, stream_of(promotion_id{9}, partition_no{4}), {7}, first);
  encode_record(records, stream(9), {1}, event(""));
  return encode_frame(sample_header(), records);
}

TEST_CASE("a frame is read back as it was written", "[unit]") {
  const auto bytes = sample_frame();
  const auto frame = decode_frame(bytes, {100}).value();
  const auto& h = frame.header;
  CHECK(h.identity.log_id == make_log_id(3));
  CHECK(h.identity.incarnation == 2);
  CHECK(h.identity.shard == 3);
  CHECK(h.flags == 4);
  CHECK(h.key_ref == 5);
  CHECK(h.count == 2);
  CHECK(h.last() == position{101});
  CHECK(h.recorded_at == timestamp{1'000});
  CHECK(h.wall_at == timestamp{-2'000});
  CHECK(h.previous == sample_header().previous);
  CHECK(h.rows_root == sample_header().rows_root);
  record_cursor records{frame.records};
  const auto first = records.next();
  REQUIRE(first.has_value());
  CHECK(first->stream == stream_of(promotion_id{9}, partition_no{4}));
  CHECK(first->version == stream_version{7});
  CHECK(first->type == event_type::targets_released);
  CHECK(as_text(first->payload) == "payload");
  CHECK(decode_metadata(first->metadata)->idempotency_key == "k");
  REQUIRE(records.next().has_value());
  CHECK_FALSE(records.next().has_value());
  CHECK_FALSE(records.damaged());
  CHECK(records_complete(frame));
}

TEST_CASE("the layout of a frame stays what the format document says", "[unit]") {
  const auto bytes = sample_frame();
  CHECK(as_text(std::span{bytes}.first(4)) == "BSTF");
  CHECK(load_le<std::uint16_t>(&bytes[4]) == 1);
  CHECK(load_le<std::uint16_t>(&bytes[6]) == 152);
  CHECK(load_le<std::uint32_t>(&bytes[48]) == 2);
  CHECK(load_le<std::uint32_t>(&bytes[52]) == bytes.size() - 152);
  CHECK(load_le<std::uint64_t>(&bytes[56]) == 100);
  CHECK(to_hex(hash_of_frame(bytes)) ==
        "e3007fe3bf270698f807da65a216c20b0f5edb189b095f300734dd8546ae071a");
}

TEST_CASE("any flipped bit and any lost byte of a frame is noticed", "[unit]") {
  const auto good = sample_frame();
  for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
    auto bad = good;
    bad[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
    const auto decoded = decode_frame(bad, {100});
    REQUIRE_FALSE(decoded.has_value());
    REQUIRE(decoded.error().code == fault_code::log_corrupt);
    REQUIRE(hash_of_frame(bad) != hash_of_frame(good));
  }
  for (std::size_t size = 0; size < good.size(); ++size)
    REQUIRE_FALSE(decode_frame(std::span{good}.first(size), {100}).has_value());
  CHECK_FALSE(decode_frame(good, {101}).has_value());
}

TEST_CASE("records that do not fill their frame are noticed", "[unit]") {
  std::vector<std::byte> records;
  encode_record(records, stream(1), {1}, event("abc"));
  auto header = sample_header();
  CHECK_FALSE(records_complete(*decode_frame(encode_frame(header, records), {100})));
  header.count = 1;
  CHECK(records_complete(*decode_frame(encode_frame(header, records), {100})));
  records.pop_back();
  CHECK_FALSE(records_complete(*decode_frame(encode_frame(header, records), {100})));
  records.resize(20);
  CHECK_FALSE(records_complete(*decode_frame(encode_frame(header, records), {100})));
  header.count = 0;
  CHECK_FALSE(decode_frame(encode_frame(header, {}), {100}).has_value());
}

TEST_CASE("logs of different seeds have different ids", "[unit]") {
  CHECK(make_log_id(1) != make_log_id(2));
  CHECK(make_log_id(1) == make_log_id(1));
  CHECK(log_id_text(make_log_id(1)).size() == 32);
}

}  // namespace
