#include <map>

#include "events/codec.hpp"
#include "tests/catch.hpp"
#include "tests/events/samples.hpp"

namespace {

using namespace bestow;
using namespace bestow::test;

template <class Event>
auto default_event() -> Event {
  return {};
}

/// Decodes the first `kept` fields of `event` and checks each against it or against its default.
template <class Event>
void check_older_writer(const Event& event, std::size_t kept) {
  auto elements = elements_of(encode_event(event).payload);
  elements.resize(kept);
  const auto decoded = decode_event<Event>(payload_of(elements));
  REQUIRE(decoded);
  std::size_t index = 0;
  const auto check = [&](auto member) {
    const auto& expected = index++ < kept ? event : default_event<Event>();
    CHECK(((*decoded).*member == expected.*member));
  };
  std::apply([&](auto... member) { (check(member), ...); }, Event::fields);
}

template <class Event>
constexpr auto field_count = std::tuple_size_v<decltype(Event::fields)>;

}  // namespace

TEST_CASE("the samples cover every event and every field", "[unit][codec]") {
  const auto samples = sample_events();
  REQUIRE(samples.size() == all_event_types().size());
  for (std::size_t i = 0; i < samples.size(); ++i) {
    CHECK(samples[i].index() == i);
    std::visit(
        [&]<class Event>(const Event& event) {
          INFO(Event::name);
          const Event plain{};
          std::size_t different = 0;
          std::apply([&](auto... m) { ((different += !(event.*m == plain.*m)), ...); },
                     Event::fields);
          CHECK(different == field_count<Event>);
        },
        samples[i]);
  }
}

TEST_CASE("every fact comes back from its bytes under its type", "[unit][codec]") {
  auto events = sample_events();
  for (auto& large : large_events()) events.push_back(std::move(large));
  for (const auto& event : events) {
    const auto encoded = encode_event(event, {"ops", "key-1", 99});
    INFO(name_of(encoded.type));
    CHECK(encoded.metadata == event_metadata{"ops", "key-1", 99});
    const auto decoded = decode_any(encoded.type, encoded.payload);
    REQUIRE(decoded);
    CHECK((*decoded == event));
  }
}

TEST_CASE("a fact with every field at its default comes back too", "[unit][codec]") {
  for (const auto& sample : sample_events()) {
    std::visit(
        []<class Event>(const Event&) {
          INFO(Event::name);
          const auto decoded = decode_event<Event>(encode_event(Event{}).payload);
          REQUIRE(decoded);
          CHECK((*decoded == Event{}));
        },
        sample);
  }
}

TEST_CASE("a fact of an older writer keeps its fields, the rest have their defaults",
          "[unit][codec]") {
  for (const auto& sample : sample_events()) {
    std::visit(
        []<class Event>(const Event& event) {
          INFO(Event::name);
          for (std::size_t kept = 0; kept <= field_count<Event>; ++kept)
            check_older_writer(event, kept);
        },
        sample);
  }
}

TEST_CASE("a fact with more fields than this binary knows is refused", "[unit][codec]") {
  for (const auto& sample : sample_events()) {
    std::visit(
        []<class Event>(const Event& event) {
          INFO(Event::name);
          auto elements = elements_of(encode_event(event).payload);
          elements.push_back(bytes_of({1}));
          const auto decoded = decode_event<Event>(payload_of(elements));
          REQUIRE_FALSE(decoded);
          CHECK(decoded.error().code == fault_code::log_corrupt);
          CHECK(decoded.error().action == fault_action::stop_process);
        },
        sample);
  }
}

TEST_CASE("every event belongs to the aggregate whose variant holds it", "[unit][codec]") {
  std::map<aggregate, std::size_t> counts;
  for (const auto& sample : sample_events()) {
    const auto encoded = encode_event(sample);
    const auto owner = aggregate_of(encoded.type);
    ++counts[owner];
    INFO(name_of(encoded.type));
    const auto promotion = decode_promotion(encoded.type, encoded.payload);
    const auto partition = decode_partition(encoded.type, encoded.payload);
    const auto delivery = decode_delivery(encoded.type, encoded.payload);
    CHECK(promotion.has_value() == (owner == aggregate::promotion));
    CHECK(partition.has_value() == (owner == aggregate::partition));
    CHECK(delivery.has_value() == (owner == aggregate::delivery));
    if (!promotion) CHECK(promotion.error().code == fault_code::log_corrupt);
    if (!partition) CHECK(partition.error().code == fault_code::log_corrupt);
    if (!delivery) CHECK(delivery.error().code == fault_code::log_corrupt);
  }
  CHECK(counts[aggregate::promotion] == std::variant_size_v<promotion_event>);
  CHECK(counts[aggregate::partition] == std::variant_size_v<partition_event>);
  CHECK(counts[aggregate::delivery] == std::variant_size_v<delivery_event>);
}

TEST_CASE("an event type that this binary does not know asks for a newer one", "[unit][codec]") {
  for (const unsigned number : {0U, 31U, 63U, 100U, 65'535U}) {
    const auto type = static_cast<event_type>(number);
    for (const auto code : {decode_any(type, {}).error().code,
                            decode_promotion(type, {}).error().code,
                            decode_partition(type, {}).error().code,
                            decode_delivery(type, {}).error().code})
      CHECK(code == fault_code::log_version_unknown);
  }
}

TEST_CASE("an aggregate's variant is encoded as the fact it holds", "[unit][codec]") {
  const run_stopped stopped{{3}};
  const auto direct = encode_event(stopped);
  const auto through = encode_event(promotion_event{stopped}, {"ops", "", 0});
  CHECK(through.type == event_type::run_stopped);
  CHECK(through.type == type_of<run_stopped>());
  CHECK(through.payload == direct.payload);
  CHECK(through.metadata.principal == "ops");
}

TEST_CASE("metadata comes back, and none takes no bytes", "[unit][codec]") {
  CHECK(encode_metadata({}).empty());
  REQUIRE(decode_metadata({}));
  CHECK(*decode_metadata({}) == event_metadata{});
  const event_metadata full{"marketing", "key-42", ~std::uint64_t{0}};
  const auto data = encode_metadata(full);
  CHECK(hex_of(data) == "93a96d61726b6574696e67a66b65792d3432cfffffffffffffffff");
  REQUIRE(decode_metadata(data));
  CHECK(*decode_metadata(data) == full);
  const event_metadata part{"", "key", 0};
  CHECK(*decode_metadata(encode_metadata(part)) == part);
}

TEST_CASE("damaged metadata is refused", "[unit][codec]") {
  const auto data = encode_metadata({"marketing", "key-42", 7});
  for (std::size_t size = 1; size < data.size(); ++size) {
    const auto decoded = decode_metadata(std::span{data}.first(size));
    REQUIRE_FALSE(decoded);
    CHECK(decoded.error().code == fault_code::log_corrupt);
  }
}
