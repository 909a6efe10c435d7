// Bytes that no Bestow wrote: each is refused as log_corrupt, none crashes, hangs or is half read.
#include <string>

#include "events/clock.hpp"
#include "events/codec.hpp"
#include "events/limits.hpp"
#include "tests/catch.hpp"
#include "tests/events/samples.hpp"

namespace {

using namespace bestow;
using namespace bestow::test;

template <class Event>
void check_refused(const bytes& payload) {
  const auto decoded = decode_event<Event>(payload);
  INFO(Event::name << " " << hex_of(std::span{payload}.first(std::min<std::size_t>(
                                 payload.size(), 64))));
  REQUIRE_FALSE(decoded);
  CHECK(decoded.error().code == fault_code::log_corrupt);
}

/// What was read must be a fact: its own bytes come back as the same fact.
void check_sound(event_type type, std::span<const std::byte> payload) {
  const auto decoded = decode_any(type, payload);
  if (!decoded) {
    if (decoded.error().code != fault_code::log_corrupt) FAIL(to_string(decoded.error()));
    return;
  }
  const auto again = decode_any(type, encode_event(*decoded).payload);
  if (!again || !(*again == *decoded)) FAIL("half read: " << hex_of(payload));
  if (event_to_json(*decoded, true).empty()) FAIL("no text: " << hex_of(payload));
}

auto all_events() -> std::vector<any_event> {
  auto events = sample_events();
  for (auto& large : large_events()) events.push_back(std::move(large));
  return events;
}

auto with_element(const any_event& event, std::size_t index, bytes element) -> bytes {
  auto elements = elements_of(encode_event(event).payload);
  elements.at(index) = std::move(element);
  return payload_of(elements);
}

auto bin_of(const bytes& content) -> bytes {
  REQUIRE(content.size() < 256);
  auto out = bytes_of({0xc4, static_cast<unsigned>(content.size())});
  out.insert(out.end(), content.begin(), content.end());
  return out;
}

template <class Column>
auto bin_of_column(const Column& column) -> bytes {
  bytes content;
  column.encode(content);
  return bin_of(content);
}

/// The sample of one type.
template <class Event>
auto sample_of(const std::vector<any_event>& samples) -> const any_event& {
  for (const auto& e : samples)
    if (std::holds_alternative<Event>(e)) return e;
  FAIL("no sample");
  return samples.front();
}

}  // namespace

TEST_CASE("a fact cut short at any length is refused", "[unit][codec][hostile]") {
  for (const auto& event : all_events()) {
    const auto encoded = encode_event(event);
    std::size_t accepted = 0;
    for (std::size_t size = 0; size < encoded.payload.size(); ++size) {
      const bytes cut(encoded.payload.begin(),
                      encoded.payload.begin() + static_cast<std::ptrdiff_t>(size));
      const auto decoded = decode_any(encoded.type, cut);
      if (decoded || decoded.error().code != fault_code::log_corrupt) ++accepted;
    }
    INFO(name_of(encoded.type));
    CHECK(accepted == 0);
  }
}

TEST_CASE("a fact with bytes after its end is refused", "[unit][codec][hostile]") {
  for (const auto& event : all_events()) {
    auto encoded = encode_event(event);
    encoded.payload.push_back(std::byte{0});
    CHECK_FALSE(decode_any(encoded.type, encoded.payload));
  }
}

TEST_CASE("a fact with any bit flipped is refused or still a sound fact",
          "[unit][codec][hostile]") {
  for (const auto& event : sample_events()) {
    const auto encoded = encode_event(event);
    for (std::size_t bit = 0; bit < encoded.payload.size() * 8; ++bit) {
      auto flipped = encoded.payload;
      flipped[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
      check_sound(encoded.type, flipped);
    }
  }
}

TEST_CASE("facts changed at random places never do harm", "[unit][codec][hostile]") {
  seeded_randomness random{1};
  for (const auto& event : all_events()) {
    const auto encoded = encode_event(event);
    for (int round = 0; round < 300; ++round) {
      auto changed = encoded.payload;
      for (auto changes = 1 + random.next() % 4; changes > 0; --changes)
        changed[random.next() % changed.size()] = static_cast<std::byte>(random.next());
      check_sound(encoded.type, changed);
    }
  }
}

TEST_CASE("a fact read as another type is refused or a sound fact of that type",
          "[unit][codec][hostile]") {
  for (const auto& event : sample_events()) {
    const auto encoded = encode_event(event);
    for (const auto type : all_event_types()) check_sound(type, encoded.payload);
  }
}

TEST_CASE("what is not one flat array is refused", "[unit][codec][hostile]") {
  check_refused<run_stopped>({});
  check_refused<run_stopped>(bytes_of({0x01}));              // A bare number.
  check_refused<run_stopped>(bytes_of({0xa1, 'x'}));         // A bare text.
  check_refused<run_stopped>(bytes_of({0xc0}));              // Nil.
  check_refused<run_stopped>(bytes_of({0xc1}));              // Never used by msgpack.
  check_refused<run_stopped>(bytes_of({0x81, 0x01, 0x01}));  // A map.
  check_refused<run_stopped>(bytes_of({0x91, 0x91, 0x01}));  // An array inside.
  check_refused<run_stopped>(bytes_of({0x91, 0x81, 1, 1}));  // A map inside.
  check_refused<run_stopped>(bytes_of({0x91, 0xc0}));
  check_refused<run_stopped>(bytes_of({0x91, 0xca, 0x3f, 0x80, 0, 0}));            // A float.
  check_refused<run_stopped>(bytes_of({0x91, 0xcb, 0x3f, 0xf0, 0, 0, 0, 0, 0, 0}));
  check_refused<run_stopped>(bytes_of({0x91, 0xd4, 1, 1}));                        // An extension.
  check_refused<run_stopped>(bytes_of({0x91, 0x01, 0x91, 0x01}));                  // Two arrays.
}

TEST_CASE("announced sizes beyond the input ask for no memory", "[unit][codec][hostile]") {
  check_refused<run_stopped>(bytes_of({0xdd, 0xff, 0xff, 0xff, 0xff}));
  check_refused<run_stopped>(bytes_of({0xdc, 0xff, 0xff}));
  check_refused<run_stopped>(bytes_of({0xdf, 0xff, 0xff, 0xff, 0xff}));
  check_refused<promotion_approved>(bytes_of({0x91, 0xdb, 0xff, 0xff, 0xff, 0xff}));
  check_refused<promotion_approved>(bytes_of({0x91, 0xc6, 0xff, 0xff, 0xff, 0xff}));
  check_refused<promotion_approved>(bytes_of({0x91, 0xc9, 0xff, 0xff, 0xff, 0xff, 1}));
}

TEST_CASE("two million arrays inside each other are refused at the second",
          "[unit][codec][hostile]") {
  check_refused<run_stopped>(bytes(2'000'000, std::byte{0x91}));
}

TEST_CASE("a text above the bound is refused, one at the bound is not", "[unit][codec][hostile]") {
  const promotion_approved largest{std::string(limits::unpack_string_max, 'a')};
  CHECK(decode_event<promotion_approved>(encode_event(largest).payload));
  check_refused<promotion_approved>(
      encode_event(promotion_approved{largest.approved_by + "a"}).payload);
}

TEST_CASE("a field of another kind or range is refused", "[unit][codec][hostile]") {
  const any_event created = sample_events()[0];
  const auto refused = [&](std::size_t index, bytes element) {
    check_refused<promotion_created>(with_element(created, index, std::move(element)));
  };
  refused(0, bytes_of({0xff}));                   // -1 as an id.
  refused(0, bytes_of({0xa1, '1'}));              // A text as a number.
  refused(0, bytes_of({0xc3}));                   // A boolean as a number.
  refused(2, bytes_of({0x01}));                   // A number as a text.
  refused(2, bytes_of({0xc4, 0x01, 'x'}));        // Bytes as a text.
  refused(3, bytes_of({0x00}));                   // No such promotion type.
  refused(3, bytes_of({0x03}));
  refused(3, bytes_of({0xcd, 0x01, 0x01}));       // 257 is not 1.
  refused(5, bytes_of({0xcf, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}));  // Above int64.
  refused(8, bytes_of({0xcf, 0, 0, 0, 1, 0, 0, 0, 0}));                          // Above uint32.
  refused(13, bytes_of({0x01}));                  // A number as a boolean.
  refused(14, bytes_of({0x03}));                  // No such approval policy.

  const any_event closed = batch_closed{};
  check_refused<batch_closed>(with_element(closed, 4, bin_of(bytes(31))));
  check_refused<batch_closed>(with_element(closed, 4, bin_of(bytes(33))));
  const any_event released = targets_released{};
  check_refused<targets_released>(with_element(released, 0, bytes_of({0x04})));  // No such kind.
  check_refused<targets_released>(with_element(released, 6, bytes_of({0x01})));  // Not a column.
  check_refused<targets_released>(with_element(released, 6, bin_of(bytes_of({0, 0}))));
  check_refused<targets_released>(with_element(released, 8, bytes_of({0x00})));  // No such wire.
}

TEST_CASE("integers are read by value, not by the width they were written in", "[unit][codec]") {
  const auto wide = bytes_of({0x91, 0xcf, 0, 0, 0, 0, 0, 0, 0, 5});
  REQUIRE(decode_event<run_stopped>(wide));
  CHECK(decode_event<run_stopped>(wide)->run == run_no{5});
}

TEST_CASE("columns of one fact that do not fit together are refused", "[unit][codec][hostile]") {
  const auto samples = sample_events();
  const auto& imported = sample_of<targets_imported>(samples);
  const auto& sealed = sample_of<list_sealed>(samples);
  const auto& results = sample_of<results_recorded>(samples);
  const auto two = bin_of_column(u64_column::of({1, 1}));
  for (const std::size_t index : {7U, 8U, 9U, 10U, 15U})
    check_refused<targets_imported>(with_element(imported, index, two));
  const auto two_texts = bin_of_column(string_column::constant("x", 2));
  for (const std::size_t index : {11U, 12U, 13U, 14U})
    check_refused<targets_imported>(with_element(imported, index, two_texts));
  const auto three = bin_of_column(u64_column::of({1, 1, 2}));
  for (const std::size_t index : {17U, 18U})
    check_refused<targets_imported>(with_element(imported, index, three));
  check_refused<list_sealed>(with_element(sealed, 4, three));
  for (const std::size_t index : {1U, 2U, 3U})
    check_refused<results_recorded>(with_element(results, index, two));
  for (const std::size_t index : {4U, 5U})
    check_refused<results_recorded>(with_element(results, index, two_texts));
}

TEST_CASE("a column's number that is no index or status is refused", "[unit][codec][hostile]") {
  const auto samples = sample_events();
  const auto refused = [&](std::size_t index, std::vector<std::uint64_t> values) {
    check_refused<results_recorded>(
        with_element(sample_of<results_recorded>(samples), index, bin_of_column(u64_column::of(std::move(values)))));
  };
  refused(0, {1, 2, 4'294'967'296});  // An ordinal above 32 bits.
  refused(1, {1, 2, 4});
  refused(1, {0, 1, 1});
  refused(2, {1, 1, 65'536});  // An attempt above 16 bits.
  const auto imported = [&](std::size_t index, std::vector<std::uint64_t> values) {
    check_refused<targets_imported>(
        with_element(sample_of<targets_imported>(samples), index, bin_of_column(u64_column::of(std::move(values)))));
  };
  imported(8, {0, 1, 1'024});  // Partitions are 0..1023.
  imported(15, {0, 1, 2});     // A withdrawal is 0 or 1.
}

TEST_CASE("messages that do not hold the release's grants are refused", "[unit][codec][hostile]") {
  const auto samples = sample_events();
  const auto& released = sample_of<targets_released>(samples);
  constexpr std::size_t last_field = std::tuple_size_v<decltype(targets_released::fields)> - 1;
  const auto refused = [&](std::vector<std::uint64_t> grants) {
    check_refused<targets_released>(
        with_element(released, last_field, bin_of_column(u64_column::of(std::move(grants)))));
  };
  refused({500, 500, 7});       // One grant is missing.
  refused({500, 500, 9});       // One too many.
  refused({500, 508});          // The fact counts three messages.
  refused({500, 501, 7});       // More than one message may hold.
  refused({0, 504, 504});       // An empty message.
  refused({~0ULL, 501, 508});
}
