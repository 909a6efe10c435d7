// Writes JSON text. Ids and money go out as strings, counts as numbers: by field, never by value.
// A value type; not synchronised. Text that is not valid UTF-8 is written with U+FFFD.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "events/types.hpp"

namespace bestow::http {

class json_writer {
 public:
  auto begin_object() -> json_writer& { return open('{'); }
  auto end_object() -> json_writer& { return close('}'); }
  auto begin_array() -> json_writer& { return open('['); }
  auto end_array() -> json_writer& { return close(']'); }
  auto key(std::string_view name) -> json_writer&;

  auto text(std::string_view value) -> json_writer&;
  auto number(std::uint64_t value) -> json_writer&;
  auto boolean(bool value) -> json_writer&;
  auto null() -> json_writer&;
  /// JSON made elsewhere, taken as it is.
  auto raw(std::string_view json) -> json_writer&;

  // A field each: key and value.
  auto field(std::string_view name, std::string_view value) -> json_writer& {
    return key(name).text(value);
  }
  auto field(std::string_view name, const char* value) -> json_writer& {
    return key(name).text(value);
  }
  auto count(std::string_view name, std::uint64_t value) -> json_writer& {
    return key(name).number(value);
  }
  auto flag(std::string_view name, bool value) -> json_writer& { return key(name).boolean(value); }
  auto id(std::string_view name, std::uint64_t value) -> json_writer&;
  auto money(std::string_view name, money_minor value) -> json_writer&;
  /// RFC 3339, or null when not given.
  auto time(std::string_view name, timestamp value) -> json_writer&;
  /// null when empty.
  auto text_or_null(std::string_view name, std::string_view value) -> json_writer&;

  [[nodiscard]] auto str() const -> const std::string& { return out_; }
  [[nodiscard]] auto take() -> std::string { return std::move(out_); }

 private:
  auto open(char c) -> json_writer&;
  auto close(char c) -> json_writer&;
  void separate();

  std::string out_;
  bool comma_{false};
};

/// `text` as a JSON string with its quotes.
void append_json_string(std::string& out, std::string_view text);

}  // namespace bestow::http
