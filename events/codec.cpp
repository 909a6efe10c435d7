#include "events/codec.hpp"

#include <algorithm>
#include <array>
#include <exception>
#include <new>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>

#include <msgpack/null_visitor.hpp>
#include <msgpack/pack.hpp>
#include <msgpack/unpack.hpp>  // parse.hpp alone does not compile

#include "events/assert.hpp"
#include "events/codec_rules.hpp"
#include "events/every_event.hpp"
#include "events/limits.hpp"

namespace bestow {
namespace {

using bytes = std::vector<std::byte>;
using byte_view = std::span<const std::byte>;

// --- registry ------------------------------------------------------------------------------------

struct registration {
  event_type type;
  std::string_view name;
  auto (*decode)(byte_view) -> result<any_event>;
};

template <class Event>
auto decode_as_any(byte_view payload) -> result<any_event> {
  return decode_event<Event>(payload).map(
      [](Event&& event) { return any_event{std::move(event)}; });
}

#define BESTOW_REGISTER(event) registration{event_type::event, event::name, &decode_as_any<event>},
constexpr std::array registry = {BESTOW_EVERY_EVENT(BESTOW_REGISTER)};
#undef BESTOW_REGISTER

static_assert(registry.size() == std::variant_size_v<any_event>);
static_assert(std::ranges::adjacent_find(registry, std::ranges::greater_equal{},
                                         &registration::type) == registry.end(),
              "ascending, each number once");

constexpr auto known_types = [] {
  std::array<event_type, registry.size()> types{};
  std::ranges::transform(registry, types.begin(), &registration::type);
  return types;
}();

auto registration_of(event_type t) -> const registration* {
  const auto* found = std::ranges::lower_bound(registry, t, {}, &registration::type);
  return found != registry.end() && found->type == t ? found : nullptr;
}

// --- kinds of fields -----------------------------------------------------------------------------

template <class T>
constexpr bool is_strong = false;
template <class Tag, class Rep>
constexpr bool is_strong<strong<Tag, Rep>> = true;

template <class T>
concept column = std::same_as<T, u64_column> || std::same_as<T, string_column> ||
                 std::same_as<T, ordinal_ranges>;

// --- writing -------------------------------------------------------------------------------------

/// What msgpack writes into.
struct byte_sink {
  bytes& out;
  void write(const char* data, std::size_t size) {
    const auto view = std::as_bytes(std::span{data, size});
    out.insert(out.end(), view.begin(), view.end());
  }
};
using packer = msgpack::packer<byte_sink>;

void pack_bin(packer& to, byte_view value) {
  to.pack_bin(static_cast<std::uint32_t>(value.size()));
  to.pack_bin_body(reinterpret_cast<const char*>(value.data()),
                   static_cast<std::uint32_t>(value.size()));
}

template <class Field>
void pack_field(packer& to, const Field& field) {
  if constexpr (column<Field>) {
    bytes encoded;
    field.encode(encoded);
    pack_bin(to, encoded);
  } else if constexpr (is_strong<Field>) {
    pack_field(to, field.value);
  } else if constexpr (std::is_enum_v<Field>) {
    pack_field(to, static_cast<std::underlying_type_t<Field>>(field));
  } else if constexpr (std::same_as<Field, sha256_digest>) {
    pack_bin(to, field);
  } else if constexpr (std::same_as<Field, std::string>) {
    to.pack_str(static_cast<std::uint32_t>(field.size()));
    to.pack_str_body(field.data(), static_cast<std::uint32_t>(field.size()));
  } else if constexpr (std::same_as<Field, bool>) {
    field ? to.pack_true() : to.pack_false();
  } else if constexpr (std::is_signed_v<Field>) {
    to.pack_int64(field);
  } else {
    static_assert(std::is_unsigned_v<Field>, "a field's type needs its place in the codec");
    to.pack_uint64(field);
  }
}

template <class Struct>
auto pack_fields(const Struct& value) -> bytes {
  static_assert(std::tuple_size_v<decltype(Struct::fields)> <= limits::unpack_array_max);
  bytes out;
  byte_sink sink{out};
  packer to{sink};
  std::apply(
      [&](auto... member) {
        to.pack_array(sizeof...(member));
        (pack_field(to, value.*member), ...);
      },
      Struct::fields);
  return out;
}

// --- reading -------------------------------------------------------------------------------------

/// One element of the payload's array; text and bytes point into the payload.
struct cell {
  enum class kind : std::uint8_t { natural, negative, boolean, text, binary };
  kind is{kind::natural};
  std::uint64_t number{0};  ///< Also the boolean; negative numbers as two's complement.
  byte_view data;
};

/// Collects one flat array of cells without copying or allocating, and stops at the first thing
/// that no payload holds. This is what bounds hostile input: sizes are checked before any use.
struct cell_reader : msgpack::null_visitor {
  std::array<cell, limits::unpack_array_max> cells{};
  std::size_t count{0};
  std::size_t depth{0};
  bool complete{false};

  auto add(cell::kind is, std::uint64_t number, byte_view data = {}) -> bool {
    if (depth == 0 || count == cells.size()) return false;
    cells[count++] = {is, number, data};
    return true;
  }
  auto add_sized(cell::kind is, const char* data, std::uint32_t size) -> bool {
    if (size > limits::unpack_string_max) return false;
    return add(is, 0, std::as_bytes(std::span{data, size}));
  }
  auto visit_nil() -> bool { return false; }
  auto visit_boolean(bool value) -> bool { return add(cell::kind::boolean, value ? 1 : 0); }
  auto visit_positive_integer(std::uint64_t value) -> bool {
    return add(cell::kind::natural, value);
  }
  auto visit_negative_integer(std::int64_t value) -> bool {
    return add(cell::kind::negative, static_cast<std::uint64_t>(value));
  }
  auto visit_float32(float) -> bool { return false; }
  auto visit_float64(double) -> bool { return false; }
  auto visit_str(const char* data, std::uint32_t size) -> bool {
    return add_sized(cell::kind::text, data, size);
  }
  auto visit_bin(const char* data, std::uint32_t size) -> bool {
    return add_sized(cell::kind::binary, data, size);
  }
  auto visit_ext(const char*, std::uint32_t) -> bool { return false; }
  auto start_array(std::uint32_t size) -> bool {
    return depth++ < limits::unpack_depth_max && size <= limits::unpack_array_max;
  }
  auto end_array() -> bool {
    complete = true;
    return true;
  }
  auto start_map(std::uint32_t) -> bool { return false; }
};

template <class Field>
auto take_number(const cell& from, Field& field) -> bool {
  if constexpr (std::is_signed_v<Field>) {
    const auto value = static_cast<std::int64_t>(from.number);
    // A natural number above the signed range would look negative.
    if (from.is == cell::kind::natural ? value < 0 : from.is != cell::kind::negative) return false;
    if (!std::in_range<Field>(value)) return false;
    field = static_cast<Field>(value);
  } else {
    if (from.is != cell::kind::natural || !std::in_range<Field>(from.number)) return false;
    field = static_cast<Field>(from.number);
  }
  return true;
}

enum class texts : std::uint8_t { whole, skimmed };

template <texts Texts, class Field>
auto take_field(const cell& from, Field& field) -> bool {
  if constexpr (Texts == texts::skimmed && std::same_as<Field, string_column>) {
    auto in = from.data;
    return from.is == cell::kind::binary && Field::skim(in, field) && in.empty();
  } else if constexpr (column<Field>) {
    auto in = from.data;
    return from.is == cell::kind::binary && Field::decode(in, field) && in.empty();
  } else if constexpr (is_strong<Field>) {
    return take_number(from, field.value);
  } else if constexpr (std::is_enum_v<Field>) {
    std::underlying_type_t<Field> number{};
    if (!take_number(from, number)) return false;
    field = static_cast<Field>(number);
    return !name_of(field).empty();  // All stored enums are closed.
  } else if constexpr (std::same_as<Field, sha256_digest>) {
    if (from.is != cell::kind::binary || from.data.size() != field.size()) return false;
    std::ranges::copy(from.data, field.begin());
    return true;
  } else if constexpr (std::same_as<Field, std::string>) {
    if (from.is != cell::kind::text) return false;
    field.assign(reinterpret_cast<const char*>(from.data.data()), from.data.size());
    return true;
  } else if constexpr (std::same_as<Field, bool>) {
    field = from.number != 0;
    return from.is == cell::kind::boolean;
  } else {
    return take_number(from, field);
  }
}

/// The fields that the bytes hold; nothing when they are not the bytes of a Struct.
template <class Struct, texts Texts = texts::whole>
auto take_fields(byte_view payload) -> std::optional<Struct> {
  cell_reader reader;
  std::size_t end = 0;
  msgpack::parse(reinterpret_cast<const char*>(payload.data()), payload.size(), end, reader);
  if (!reader.complete || end != payload.size()) return std::nullopt;
  if (reader.count > std::tuple_size_v<decltype(Struct::fields)>) return std::nullopt;
  Struct value;
  std::size_t next = 0;
  const auto take = [&](auto member) {
    if (next == reader.count) return true;  // An older writer: the rest keep their defaults.
    return take_field<Texts>(reader.cells[next++], value.*member);
  };
  const auto taken =
      std::apply([&](auto... member) { return (take(member) && ...); }, Struct::fields);
  if (!taken) return std::nullopt;
  return value;
}

auto corrupt(std::string_view operation, std::string_view name, byte_view payload) {
  return fail(fault_code::log_corrupt, operation,
              "no " + std::string{name} + " in " + std::to_string(payload.size()) + " bytes");
}

/// event_metadata with its fields listed; the public struct stays free of codec matters.
struct stored_metadata : event_metadata {
  static constexpr auto fields =
      std::tuple{&stored_metadata::principal, &stored_metadata::idempotency_key,
                 &stored_metadata::request_hash};
};

template <class Variant>
auto narrow(event_type type, byte_view payload, std::string_view operation) -> result<Variant> {
  auto decoded = decode_any(type, payload);
  if (!decoded) return tl::unexpected{std::move(decoded.error())};
  return std::visit(
      [&]<class Event>(Event&& event) -> result<Variant> {
        if constexpr (std::is_constructible_v<Variant, Event>) {
          return Variant{std::forward<Event>(event)};
        } else {
          return fail(fault_code::log_corrupt, operation,
                      std::string{std::remove_cvref_t<Event>::name} + " in a foreign stream");
        }
      },
      std::move(*decoded));
}

}  // namespace

#define BESTOW_TYPE_OF(event)              \
  template <>                              \
  auto type_of<event>() -> event_type {    \
    return event_type::event;              \
  }
BESTOW_EVERY_EVENT(BESTOW_TYPE_OF)
#undef BESTOW_TYPE_OF

auto name_of(event_type t) -> std::string_view {
  const auto* found = registration_of(t);
  return found == nullptr ? std::string_view{} : found->name;
}

auto all_event_types() -> std::span<const event_type> { return known_types; }

auto aggregate_of(event_type t) -> aggregate {
  // Each aggregate owns a range of numbers, so an event of a newer binary has one too.
  if (t < event_type::targets_released) return aggregate::promotion;
  if (t < event_type::stream_generation_started) return aggregate::partition;
  return aggregate::delivery;
}

template <class Event>
auto encode_event(const Event& event, event_metadata metadata) -> encoded_event {
  BESTOW_ASSERT(codec::well_formed(event));
  return {type_of<Event>(), std::move(metadata), pack_fields(event)};
}

namespace {

template <class Event, texts Texts>
auto decode_as(std::span<const std::byte> payload, std::string_view operation) -> result<Event> {
  try {
    auto event = take_fields<Event, Texts>(payload);
    if (event && codec::well_formed(*event)) return std::move(*event);
  } catch (const std::bad_alloc&) {  // Sizes are bounded, so the machine is short, not the bytes.
    return fail(fault_code::internal, operation, "out of memory");
  } catch (const std::exception& e) {  // msgpack throws on some malformed input.
    return fail(fault_code::log_corrupt, operation, e.what());
  }
  return corrupt(operation, Event::name, payload);
}

}  // namespace

template <class Event>
auto decode_event(std::span<const std::byte> payload) -> result<Event> {
  return decode_as<Event, texts::whole>(payload, "decode_event");
}

template <class Event>
auto decode_without_texts(std::span<const std::byte> payload) -> result<Event> {
  return decode_as<Event, texts::skimmed>(payload, "decode_without_texts");
}

auto decode_any(event_type type, std::span<const std::byte> payload) -> result<any_event> {
  const auto* found = registration_of(type);
  if (found == nullptr)
    return fail(fault_code::log_version_unknown, "decode_any",
                "event type " + std::to_string(static_cast<unsigned>(type)));
  return found->decode(payload);
}

auto decode_promotion(event_type type, std::span<const std::byte> payload)
    -> result<promotion_event> {
  return narrow<promotion_event>(type, payload, "decode_promotion");
}

auto decode_partition(event_type type, std::span<const std::byte> payload)
    -> result<partition_event> {
  return narrow<partition_event>(type, payload, "decode_partition");
}

auto decode_delivery(event_type type, std::span<const std::byte> payload)
    -> result<delivery_event> {
  return narrow<delivery_event>(type, payload, "decode_delivery");
}

auto encode_metadata(const event_metadata& m) -> std::vector<std::byte> {
  if (m == event_metadata{}) return {};
  return pack_fields(stored_metadata{m});
}

auto decode_metadata(std::span<const std::byte> bytes) -> result<event_metadata> {
  if (bytes.empty()) return event_metadata{};
  try {
    if (auto stored = take_fields<stored_metadata>(bytes))
      return static_cast<event_metadata&&>(*stored);
  } catch (const std::bad_alloc&) {
    return fail(fault_code::internal, "decode_metadata", "out of memory");
  } catch (const std::exception& e) {
    return fail(fault_code::log_corrupt, "decode_metadata", e.what());
  }
  return corrupt("decode_metadata", "metadata", bytes);
}

#define BESTOW_INSTANTIATE(event)                                                  \
  template auto encode_event(const event&, event_metadata) -> encoded_event;       \
  template auto decode_event(std::span<const std::byte>) -> result<event>;       \
  template auto decode_without_texts(std::span<const std::byte>) -> result<event>;
BESTOW_EVERY_EVENT(BESTOW_INSTANTIATE)
#undef BESTOW_INSTANTIATE

}  // namespace bestow
