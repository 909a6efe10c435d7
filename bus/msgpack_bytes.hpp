// The few msgpack forms that the compact grant wire uses: maps, arrays, text, unsigned integers,
// booleans. Written in their shortest form, so that equal content is equal bytes.
//
// Reading is for a stranger's bytes: nothing recurses, nothing reads past the end, nothing throws.
// Threads: free functions and a value type without shared state.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace bestow::bus::msgpack_bytes {

/// Longest head of a map, array, text or integer.
inline constexpr std::size_t head_bytes_max = 9;

void append_map(std::string& out, std::uint32_t pairs);
void append_array(std::string& out, std::uint32_t values);
void append_text(std::string& out, std::string_view text);
void append_number(std::string& out, std::uint64_t value);
void append_boolean(std::string& out, bool value);

/// Takes values from the front of a message. After a refusal nothing more can be taken.
class reader {
 public:
  explicit reader(std::string_view bytes) : rest_{bytes} {}
  /// Each answers false when the next value is something else, or cut off.
  [[nodiscard]] auto map(std::uint32_t& pairs) -> bool;
  [[nodiscard]] auto array(std::uint32_t& values) -> bool;
  [[nodiscard]] auto text(std::string_view& out) -> bool;
  [[nodiscard]] auto number(std::uint64_t& out) -> bool;
  [[nodiscard]] auto boolean(bool& out) -> bool;
  /// Whether the next value is text.
  [[nodiscard]] auto at_text() const -> bool;
  [[nodiscard]] auto at_end() const -> bool { return rest_.empty(); }

 private:
  /// A head with a count in its low bits (`fix`..), or 16 or 32 bits of count behind it.
  [[nodiscard]] auto counted(std::uint8_t fix, std::uint8_t fix_mask, std::uint8_t wide,
                             std::uint32_t& out) -> bool;
  [[nodiscard]] auto big_endian(std::size_t bytes, std::uint64_t& out) -> bool;
  [[nodiscard]] auto front() const -> std::uint8_t { return static_cast<std::uint8_t>(rest_[0]); }

  std::string_view rest_;
};

}  // namespace bestow::bus::msgpack_bytes
