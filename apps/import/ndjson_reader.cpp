#include "apps/import/ndjson_reader.hpp"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "apps/import/input_header.hpp"
#include "domain/rejection.hpp"

namespace bestow::importing {
namespace {

namespace ondemand = simdjson::ondemand;
using domain::row_field;
using domain::row_rejection;

constexpr std::size_t shown_chars_max = 64;
constexpr std::size_t shown_start_max = 16;

auto malformed(std::string detail) -> domain::row_refusal {
  return {row_field::record, row_rejection::row_malformed, std::move(detail)};
}
auto malformed(simdjson::error_code error) -> domain::row_refusal {
  if (error == simdjson::UTF8_ERROR)
    return {row_field::record, row_rejection::text_not_utf8, "the line is not valid UTF-8"};
  return malformed(
      fmt::format("the JSON object is cut short or not well formed: {}",
                  simdjson::error_message(error)));
}
auto malformed_value(std::string_view name, simdjson::error_code error) -> domain::row_refusal {
  if (error == simdjson::UTF8_ERROR) return malformed(error);
  return malformed(fmt::format("the value of {} is not a JSON value", name));
}
/// For a line that does not begin as an object does.
auto no_object(std::string_view line) -> domain::row_refusal {
  const auto start = line.substr(std::min(line.find_first_not_of(" \t\r"), line.size()));
  return malformed(
      fmt::format("the line begins with '{}'; each line must be one JSON object, {{...}}",
                  domain::utf8_prefix(start, shown_start_max)));
}

auto digits(std::string_view text, std::size_t from) -> std::size_t {
  while (from < text.size() && text[from] >= '0' && text[from] <= '9') ++from;
  return from;
}

/// RFC 8259: -? (0 | [1-9][0-9]*) (. [0-9]+)? ([eE] [+-]? [0-9]+)?
auto is_json_number(std::string_view text) -> bool {
  std::size_t at = text.starts_with('-') ? 1 : 0;
  const auto whole = digits(text, at);
  if (whole == at || (text[at] == '0' && whole > at + 1)) return false;
  at = whole;
  if (at < text.size() && text[at] == '.') {
    const auto fraction = digits(text, at + 1);
    if (fraction == at + 1) return false;
    at = fraction;
  }
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    ++at;
    if (at < text.size() && (text[at] == '+' || text[at] == '-')) ++at;
    const auto exponent = digits(text, at);
    if (exponent == at) return false;
    at = exponent;
  }
  return at == text.size();
}

auto without_space(std::string_view token) -> std::string_view {
  const auto end = token.find_last_not_of(" \t\r\n");
  return token.substr(0, end == std::string_view::npos ? 0 : end + 1);
}

}  // namespace

struct ndjson_reader::parser {
  struct named_field {
    std::string_view name;
    row_field field;
  };
  ondemand::parser json;
  std::vector<char> padded;  ///< The line and the room simdjson reads beyond it.
  std::vector<named_field> fields;
  std::string allowed;

  explicit parser(promotion_type type) : allowed{field_names(type)} {
    for (const auto f : fields_of(type))
      fields.push_back({name_of(f, type == promotion_type::voucher), f});
  }
  auto load(std::string_view line) -> simdjson::padded_string_view {
    if (padded.size() < line.size() + simdjson::SIMDJSON_PADDING)
      padded.resize(2 * line.size() + simdjson::SIMDJSON_PADDING);
    std::memcpy(padded.data(), line.data(), line.size());
    std::memset(padded.data() + line.size(), 0, simdjson::SIMDJSON_PADDING);
    return simdjson::padded_string_view{padded.data(), line.size(), padded.size()};
  }
  /// One member of the object into `row`.
  auto take(ondemand::field& member, domain::raw_row& row) -> std::optional<domain::row_refusal>;
  auto take_value(ondemand::value value, const named_field& known, domain::raw_row& row)
      -> std::optional<domain::row_refusal>;
};

auto ndjson_reader::parser::take(ondemand::field& member, domain::raw_row& row)
    -> std::optional<domain::row_refusal> {
  std::string_view name;
  if (const auto error = member.unescaped_key().get(name)) return malformed(error);
  const auto known = std::ranges::find(fields, name, &named_field::name);
  if (known == fields.end())
    return malformed(fmt::format("'{}' is not a field; allowed are {}",
                                 domain::utf8_prefix(name, shown_chars_max), allowed));
  if (row.text[static_cast<std::size_t>(known->field)])
    return malformed(fmt::format("{} stands twice", name));
  return take_value(member.value(), *known, row);
}

auto ndjson_reader::parser::take_value(ondemand::value value, const named_field& known,
                                       domain::raw_row& row) -> std::optional<domain::row_refusal> {
  ondemand::json_type type{};
  if (const auto error = value.type().get(type)) return malformed_value(known.name, error);
  switch (type) {
    case ondemand::json_type::string: {
      std::string_view text;
      if (const auto error = value.get_string().get(text))
        return malformed_value(known.name, error);
      row.set(known.field, text);
      return std::nullopt;
    }
    case ondemand::json_type::number: {
      const auto token = without_space(value.raw_json_token());
      if (!is_json_number(token))
        return malformed(fmt::format("the value of {} is not a JSON number", known.name));
      row.set(known.field, token);
      return std::nullopt;
    }
    case ondemand::json_type::boolean: {
      bool truth = false;
      if (const auto error = value.get_bool().get(truth)) return malformed_value(known.name, error);
      if (known.field != row_field::is_withdrawal)
        return malformed(fmt::format("the value of {} is true or false", known.name));
      row.set(known.field, truth ? "true" : "false");
      return std::nullopt;
    }
    case ondemand::json_type::null: {
      if (without_space(value.raw_json_token()) != "null")
        return malformed(fmt::format("the value of {} is not a JSON value", known.name));
      row.set(known.field, "");  // Given and empty: a second one is still a repetition.
      return std::nullopt;
    }
    case ondemand::json_type::array:
    case ondemand::json_type::object:
      break;
  }
  return malformed(fmt::format(
      "the value of {} is a list or an object; text or a number is allowed", known.name));
}

ndjson_reader::ndjson_reader(promotion_type type) : parser_{std::make_unique<parser>(type)} {}
ndjson_reader::~ndjson_reader() = default;

auto ndjson_reader::read(std::string_view line) -> std::optional<domain::row_refusal> {
  row_ = {};
  ondemand::document document;
  if (const auto error = parser_->json.iterate(parser_->load(line)).get(document))
    return malformed(error);
  ondemand::object object;
  if (const auto error = document.get_object().get(object))
    return error == simdjson::INCORRECT_TYPE ? no_object(line) : malformed(error);
  for (auto member : object) {
    ondemand::field field;
    if (const auto error = std::move(member).get(field)) return malformed(error);
    if (auto no = parser_->take(field, row_)) return no;
  }
  if (document.current_location().error() != simdjson::OUT_OF_BOUNDS)
    return malformed("more than one object on the line");
  return std::nullopt;
}

}  // namespace bestow::importing
