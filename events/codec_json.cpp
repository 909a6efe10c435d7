#include <array>
#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "events/codec.hpp"

namespace bestow {
namespace {

using json = nlohmann::ordered_json;
__extension__ using int128 = __int128;

// --- names of fields -----------------------------------------------------------------------------

/// The compiler's own text for a member pointer: "... = &bestow::run_started::topic; ...".
template <auto Member>
constexpr auto signature_of_member() -> std::string_view {
  return __PRETTY_FUNCTION__;
}

/// The member's name, so that a fact lists its fields once and without quotes.
template <auto Member>
constexpr auto member_name() -> std::string_view {
  constexpr auto text = signature_of_member<Member>();
  constexpr auto pointer = text.find(" = &");
  constexpr auto end = text.find_first_of(";]", pointer);
  constexpr auto colon = text.rfind(':', end);
  static_assert(pointer != text.npos && end != text.npos && colon > pointer && colon < end);
  return text.substr(colon + 1, end - colon - 1);
}
static_assert(member_name<&run_started::topic>() == "topic");

// --- how a column's numbers are meant ------------------------------------------------------------

enum class meaning : std::uint8_t { count, id, money, time, status, recall };

struct column_meaning {
  std::string_view field;
  meaning values;
};
constexpr std::array column_meanings = {
    column_meaning{"target_ids", meaning::id},
    column_meaning{"customer_uids", meaning::id},
    column_meaning{"amounts", meaning::money},
    column_meaning{"partition_amounts", meaning::money},
    column_meaning{"expiries", meaning::time},
    column_meaning{"at", meaning::time},
    column_meaning{"statuses", meaning::status},
    column_meaning{"retry_targets", meaning::id},
    column_meaning{"recall_statuses", meaning::recall},
};

constexpr auto meaning_of(std::string_view field) -> meaning {
  for (const auto& known : column_meanings)
    if (known.field == field) return known.values;
  return meaning::count;
}

auto time_json(std::int64_t milliseconds) -> json {
  if (milliseconds == 0) return nullptr;  // "Not given", never the first of January 1970.
  return to_rfc3339(timestamp{milliseconds});
}

auto value_json(meaning as, std::uint64_t value) -> json {
  switch (as) {
    case meaning::count: return value;
    case meaning::id: return fmt::to_string(value);
    case meaning::money: return fmt::to_string(static_cast<std::int64_t>(value));
    case meaning::time: return time_json(static_cast<std::int64_t>(value));
    case meaning::status: {
      const auto name = name_of(static_cast<process_status>(value));
      return name.empty() ? json(value) : json(name);
    }
    case meaning::recall: {
      const auto name = name_of(static_cast<recall_status>(value));
      return name.empty() ? json(value) : json(name);
    }
  }
  return value;
}

// --- one field -----------------------------------------------------------------------------------

auto column_json(const u64_column& column, meaning as, bool summarise) -> json {
  if (!summarise) {
    auto all = json::array();
    for (std::size_t i = 0; i < column.size(); ++i) all.push_back(value_json(as, column[i]));
    return all;
  }
  json summary{{"count", column.size()}};
  if (column.empty()) return summary;
  summary["first"] = value_json(as, column[0]);
  summary["last"] = value_json(as, column[column.size() - 1]);
  if (as == meaning::money) {
    int128 sum = 0;
    for (std::size_t i = 0; i < column.size(); ++i) sum += static_cast<std::int64_t>(column[i]);
    summary["sum"] = fmt::format("{}", sum);
  }
  return summary;
}

auto column_json(const string_column& column, bool summarise) -> json {
  if (!summarise) {
    auto all = json::array();
    for (std::size_t i = 0; i < column.size(); ++i) all.push_back(column[i]);
    return all;
  }
  json summary{{"count", column.size()}};
  if (!column.empty()) {
    summary["first"] = column[0];
    summary["last"] = column[column.size() - 1];
  }
  return summary;
}

/// As ranges [first, count] in both forms that list: one range may stand for millions.
auto column_json(const ordinal_ranges& column, bool summarise) -> json {
  if (!summarise) {
    auto all = json::array();
    for (const auto& r : column.ranges()) all.push_back(json::array({r.first, r.count}));
    return all;
  }
  json summary{{"count", column.size()}};
  if (!column.empty()) {
    summary["first"] = column.at(0);
    summary["last"] = column.at(column.size() - 1);
  }
  return summary;
}

template <class Field>
auto field_json(const Field& field, meaning as, bool summarise) -> json {
  if constexpr (std::same_as<Field, u64_column>) {
    return column_json(field, as, summarise);
  } else if constexpr (std::same_as<Field, string_column> ||
                       std::same_as<Field, ordinal_ranges>) {
    return column_json(field, summarise);
  } else if constexpr (std::same_as<Field, sha256_digest>) {
    return to_hex(field);
  } else if constexpr (std::same_as<Field, timestamp>) {
    return time_json(field.value);
  } else if constexpr (std::same_as<Field, promotion_id> || std::same_as<Field, target_id> ||
                       std::same_as<Field, customer_uid> || std::same_as<Field, money_minor>) {
    return fmt::to_string(field.value);
  } else if constexpr (std::is_enum_v<Field>) {
    return name_of(field);
  } else if constexpr (requires { field.value; }) {
    return field.value;
  } else {
    return field;
  }
}

template <class Event>
auto fields_json(const Event& event, bool summarise) -> json {
  auto object = json::object();
  const auto add = [&]<std::size_t Index>() {
    constexpr auto member = std::get<Index>(Event::fields);
    constexpr auto name = member_name<member>();
    object[std::string{name}] = field_json(event.*member, meaning_of(name), summarise);
  };
  [&]<std::size_t... Index>(std::index_sequence<Index...>) {
    (add.template operator()<Index>(), ...);
  }(std::make_index_sequence<std::tuple_size_v<decltype(Event::fields)>>{});
  return object;
}

}  // namespace

auto event_to_json(const any_event& event, bool summarise) -> std::string {
  const auto object =
      std::visit([&](const auto& e) { return fields_json(e, summarise); }, event);
  // Stored text is checked at the door; should it not be UTF-8 all the same, show what can be.
  return object.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace bestow
