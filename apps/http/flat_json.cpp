#include "apps/http/flat_json.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "events/limits.hpp"

namespace bestow::http {
namespace {

/// nlohmann's event handler: collects one flat object and ends the parse at the first trouble.
class flat_reader final : public nlohmann::json_sax<nlohmann::json> {
 public:
  explicit flat_reader(std::string_view body) : body_{body} {}

  auto null() -> bool override { return value(json_kind::null, "null"); }
  auto boolean(bool v) -> bool override { return value(json_kind::boolean, v ? "true" : "false"); }
  auto number_integer(number_integer_t v) -> bool override {
    return value(json_kind::integer, fmt::to_string(v));
  }
  auto number_unsigned(number_unsigned_t v) -> bool override {
    return value(json_kind::integer, fmt::to_string(v));
  }
  auto number_float(number_float_t, const string_t& source) -> bool override {
    // An integer too large for 64 bits arrives here too, with its digits.
    const bool digits = source.find_first_not_of("-0123456789") == std::string::npos;
    return value(digits ? json_kind::integer : json_kind::fraction, source);
  }
  auto string(string_t& v) -> bool override { return value(json_kind::text, v); }
  auto binary(binary_t&) -> bool override { return not_an_object(); }
  auto start_object(std::size_t) -> bool override {
    if (inside_) return nested(in_list_ ? "an array of objects" : "an object");
    inside_ = true;
    return true;
  }
  auto end_object() -> bool override { return true; }
  auto start_array(std::size_t) -> bool override {
    if (!inside_) return not_an_object();
    if (in_list_) return nested("an array in an array");
    in_list_ = true;
    fields.back().kind = json_kind::list;
    return true;
  }
  auto end_array() -> bool override {
    in_list_ = false;
    return true;
  }
  auto key(string_t& name) -> bool override {
    const bool seen = std::any_of(fields.begin(), fields.end(),
                                  [&](const json_field& f) { return f.name == name; });
    if (seen) {
      trouble = problem_of(request_error::field_repeated,
                           fmt::format("'{}' stands twice", shortened(name)), shortened(name));
      return false;
    }
    if (fields.size() == limits::http_body_fields_max) {
      trouble =
          problem_of(request_error::field_unknown,
                     fmt::format("more than {} fields", limits::http_body_fields_max));
      return false;
    }
    fields.push_back({name, json_kind::null, "", {}});
    return true;
  }
  auto parse_error(std::size_t at, const std::string&, const nlohmann::detail::exception&)
      -> bool override {
    const auto before = body_.substr(0, at == 0 ? 0 : at - 1);
    const auto line =
        1 + static_cast<std::uint64_t>(std::count(before.begin(), before.end(), '\n'));
    const auto last = before.rfind('\n');
    const auto column = last == std::string_view::npos ? before.size() + 1 : before.size() - last;
    trouble = problem_of(request_error::json_malformed,
                         fmt::format("not JSON at line {}, column {}", line, column));
    trouble.line = line;
    return false;
  }

  flat_object fields;
  problem trouble;

 private:
  static auto shortened(std::string_view name) -> std::string {
    return std::string{name.substr(0, 64)};
  }
  auto not_an_object() -> bool {
    trouble = problem_of(request_error::json_not_an_object, "the body must be one JSON object");
    return false;
  }
  auto nested(std::string_view what) -> bool {
    const auto& name = fields.back().name;
    trouble = problem_of(request_error::field_wrong_type,
                         fmt::format("'{}' is {}; no field takes one", shortened(name), what),
                         shortened(name));
    return false;
  }
  auto value(json_kind kind, std::string text) -> bool {
    if (!inside_) return not_an_object();
    if (in_list_) {
      if (kind != json_kind::text && kind != json_kind::integer)
        return nested("an array of something else than texts and whole numbers");
      fields.back().items.push_back(std::move(text));
      return true;
    }
    fields.back().kind = kind;
    fields.back().text = std::move(text);
    return true;
  }

  std::string_view body_;
  bool inside_{false};
  bool in_list_{false};
};

}  // namespace

auto parse_flat_json(std::string_view body) -> tl::expected<flat_object, problem> {
  flat_reader reader{body};
  if (!nlohmann::json::sax_parse(body.begin(), body.end(), &reader))
    return tl::unexpected(std::move(reader.trouble));
  return std::move(reader.fields);
}

}  // namespace bestow::http
