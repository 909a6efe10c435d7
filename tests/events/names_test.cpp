#include <set>

#include "events/codec.hpp"
#include "tests/catch.hpp"

namespace {

using namespace bestow;

/// The enumerators that have a name, among all numbers a byte can hold.
template <class Enum>
auto named() -> std::vector<std::string> {
  std::vector<std::string> names;
  for (unsigned value = 0; value < 256; ++value) {
    const auto name = name_of(static_cast<Enum>(value));
    if (!name.empty()) names.emplace_back(name);
  }
  return names;
}

template <class Enum>
void check_names(const std::vector<std::string>& expected) {
  CHECK(named<Enum>() == expected);
  CHECK(std::set<std::string>(expected.begin(), expected.end()).size() == expected.size());
}

auto parsed(std::string_view text) -> stream_id {
  stream_id id{aggregate::delivery, 99, 99};
  INFO(text);
  REQUIRE(parse_stream_id(text, id));
  return id;
}

}  // namespace

TEST_CASE("every stored enum value has its name of the contract, and no other number has one",
          "[unit][events]") {
  check_names<promotion_type>({"VOUCHER", "POINT"});
  check_names<approval_policy>({"none", "four_eyes"});
  check_names<grant_wire>({"single", "batch"});
  check_names<grant_format>({"json", "msgpack"});
  check_names<release_kind>({"grant", "retry", "recall"});
  check_names<process_status>({"SUCCESS", "RETRYING", "FAILED"});
  check_names<import_format>({"csv", "ndjson"});
  check_names<aggregate>({"promotion", "partition", "delivery"});
}

TEST_CASE("a stream's name is read back to the same stream", "[unit][events]") {
  const auto streams = std::vector<std::pair<stream_id, std::string>>{
      {stream_of(promotion_id{12}), "promotion-12"},
      {stream_of(promotion_id{12}, partition_no{3}), "partition-12-3"},
      {stream_of(promotion_id{9'223'372'036'854'775'807ULL}, partition_no{0}),
       "partition-9223372036854775807-0"},
      {delivery_stream_of(promotion_type::voucher), "delivery-voucher"},
      {delivery_stream_of(promotion_type::point), "delivery-point"}};
  for (const auto& [id, text] : streams) {
    CHECK(to_string(id) == text);
    CHECK(parsed(text) == id);
  }
}

TEST_CASE("what is not exactly a stream's name is refused and changes nothing", "[unit][events]") {
  for (const auto* text :
       {"", "promotion", "promotion-", "promotion-012", "promotion--1", "promotion-+1",
        "promotion-1 ", " promotion-1", "promotion-1-2", "Promotion-1", "promotion-0x1",
        "promotion-18446744073709551616", "partition-1", "partition-1-", "partition--1",
        "partition-1-4294967296", "partition-1-2-3", "delivery-", "delivery-3", "delivery-VOUCHER",
        "campaign-1"}) {
    const stream_id before{aggregate::partition, 7, 8};
    auto id = before;
    INFO(text);
    CHECK_FALSE(parse_stream_id(text, id));
    CHECK(id == before);
  }
}

TEST_CASE("a digest is 64 lower-case hex digits and is read in either case", "[unit][events]") {
  sha256_digest digest{};
  for (std::size_t i = 0; i < digest.size(); ++i) digest[i] = static_cast<std::byte>(i * 8 + 7);
  const auto hex = to_hex(digest);
  CHECK(hex == "070f171f272f373f474f575f676f777f878f979fa7afb7bfc7cfd7dfe7eff7ff");
  sha256_digest read{};
  CHECK(from_hex(hex, read));
  CHECK(read == digest);
  sha256_digest upper{};
  CHECK(from_hex("070F171F272F373F474F575F676F777F878F979FA7AFB7BFC7CFD7DFE7EFF7FF", upper));
  CHECK(upper == digest);

  auto untouched = digest;
  CHECK_FALSE(from_hex(hex.substr(1), untouched));
  CHECK_FALSE(from_hex(hex + "0", untouched));
  CHECK_FALSE(from_hex("zz" + hex.substr(2), untouched));
  CHECK(untouched == digest);
}

TEST_CASE("a time is shown in UTC with milliseconds", "[unit][events]") {
  CHECK(to_rfc3339({1'768'959'000'000}) == "2026-01-21T01:30:00.000Z");
  CHECK(to_rfc3339({0}) == "1970-01-01T00:00:00.000Z");
  CHECK(to_rfc3339({-1}) == "1969-12-31T23:59:59.999Z");
  CHECK(to_rfc3339({951'782'400'007}) == "2000-02-29T00:00:00.007Z");
  CHECK(to_rfc3339({253'402'300'799'999}) == "9999-12-31T23:59:59.999Z");
  CHECK(to_rfc3339({-62'167'219'200'000}) == "0000-01-01T00:00:00.000Z");
}

TEST_CASE("a time outside the years that have a text is shown as its number", "[unit][events]") {
  CHECK(to_rfc3339({253'402'300'800'000}) == "253402300800000");
  CHECK(to_rfc3339({INT64_MIN}) == "-9223372036854775808");
  CHECK(to_rfc3339({INT64_MAX}) == "9223372036854775807");
}
