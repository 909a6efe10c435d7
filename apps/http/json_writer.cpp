#include "apps/http/json_writer.hpp"

#include <fmt/format.h>

#include "domain/target_row.hpp"

namespace bestow::http {
namespace {

void append_escaped(std::string& out, char c) {
  switch (c) {
    case '"':
      out += "\\\"";
      return;
    case '\\':
      out += "\\\\";
      return;
    case '\n':
      out += "\\n";
      return;
    case '\r':
      out += "\\r";
      return;
    case '\t':
      out += "\\t";
      return;
    default:
      break;
  }
  if (static_cast<unsigned char>(c) < 0x20)
    out += fmt::format("\\u{:04x}", static_cast<unsigned>(static_cast<unsigned char>(c)));
  else
    out += c;
}

/// Bytes of the code point at the front of `text`; 0 when it is not valid UTF-8.
auto code_point_bytes(std::string_view text) -> std::size_t {
  for (std::size_t n = 1; n <= 4 && n <= text.size(); ++n)
    if (domain::utf8_length(text.substr(0, n)) == 1) return n;
  return 0;
}

}  // namespace

void append_json_string(std::string& out, std::string_view text) {
  out += '"';
  if (domain::utf8_length(text)) {
    for (const char c : text) append_escaped(out, c);
  } else {
    while (!text.empty()) {
      const auto bytes = code_point_bytes(text);
      if (bytes == 0) out += "\xEF\xBF\xBD";
      for (std::size_t i = 0; i < bytes; ++i) append_escaped(out, text[i]);
      text.remove_prefix(bytes == 0 ? 1 : bytes);
    }
  }
  out += '"';
}

void json_writer::separate() {
  if (comma_) out_ += ',';
  comma_ = true;
}
auto json_writer::open(char c) -> json_writer& {
  separate();
  out_ += c;
  comma_ = false;
  return *this;
}
auto json_writer::close(char c) -> json_writer& {
  out_ += c;
  comma_ = true;
  return *this;
}
auto json_writer::key(std::string_view name) -> json_writer& {
  separate();
  append_json_string(out_, name);
  out_ += ':';
  comma_ = false;
  return *this;
}
auto json_writer::text(std::string_view value) -> json_writer& {
  separate();
  append_json_string(out_, value);
  return *this;
}
auto json_writer::number(std::uint64_t value) -> json_writer& {
  separate();
  out_ += fmt::to_string(value);
  return *this;
}
auto json_writer::boolean(bool value) -> json_writer& {
  return raw(value ? "true" : "false");
}
auto json_writer::null() -> json_writer& {
  return raw("null");
}
auto json_writer::raw(std::string_view json) -> json_writer& {
  separate();
  out_ += json;
  return *this;
}
auto json_writer::id(std::string_view name, std::uint64_t value) -> json_writer& {
  return field(name, fmt::to_string(value));
}
auto json_writer::money(std::string_view name, money_minor value) -> json_writer& {
  return field(name, fmt::to_string(value.value));
}
auto json_writer::time(std::string_view name, timestamp value) -> json_writer& {
  if (value.value == 0) return key(name).null();
  return field(name, domain::to_rfc3339(value));
}
auto json_writer::text_or_null(std::string_view name, std::string_view value) -> json_writer& {
  return value.empty() ? key(name).null() : field(name, value);
}

}  // namespace bestow::http
