#include "bus/msgpack_bytes.hpp"

namespace bestow::bus::msgpack_bytes {
namespace {

constexpr std::uint8_t fix_map = 0x80;
constexpr std::uint8_t fix_array = 0x90;
constexpr std::uint8_t fix_text = 0xa0;
constexpr std::uint8_t is_false = 0xc2;
constexpr std::uint8_t is_true = 0xc3;
constexpr std::uint8_t u8 = 0xcc;
constexpr std::uint8_t text8 = 0xd9;
constexpr std::uint8_t text16 = 0xda;
constexpr std::uint8_t array16 = 0xdc;
constexpr std::uint8_t map16 = 0xde;

void put(std::string& out, std::uint8_t head, std::uint64_t value, std::size_t bytes) {
  out.push_back(static_cast<char>(head));
  for (std::size_t i = bytes; i > 0; --i)
    out.push_back(static_cast<char>(static_cast<std::uint8_t>(value >> (8 * (i - 1)))));
}

/// A count of up to 15 in the head, else 16 or 32 bits behind the heads `wide` and `wide` + 1.
void put_count(std::string& out, std::uint8_t fix, std::uint8_t wide, std::uint32_t count) {
  if (count < 16) return put(out, static_cast<std::uint8_t>(fix | count), 0, 0);
  if (count <= UINT16_MAX) return put(out, wide, count, 2);
  put(out, static_cast<std::uint8_t>(wide + 1), count, 4);
}

}  // namespace

void append_map(std::string& out, std::uint32_t pairs) { put_count(out, fix_map, map16, pairs); }

void append_array(std::string& out, std::uint32_t values) {
  put_count(out, fix_array, array16, values);
}

void append_text(std::string& out, std::string_view text) {
  const auto size = text.size();
  if (size < 32)
    put(out, static_cast<std::uint8_t>(fix_text | size), 0, 0);
  else if (size <= UINT8_MAX)
    put(out, text8, size, 1);
  else if (size <= UINT16_MAX)
    put(out, text16, size, 2);
  else
    put(out, static_cast<std::uint8_t>(text16 + 1), size, 4);
  out += text;
}

void append_number(std::string& out, std::uint64_t value) {
  if (value < 0x80) return put(out, static_cast<std::uint8_t>(value), 0, 0);
  if (value <= UINT8_MAX) return put(out, u8, value, 1);
  if (value <= UINT16_MAX) return put(out, u8 + 1, value, 2);
  if (value <= UINT32_MAX) return put(out, u8 + 2, value, 4);
  put(out, u8 + 3, value, 8);
}

void append_boolean(std::string& out, bool value) { put(out, value ? is_true : is_false, 0, 0); }

auto reader::big_endian(std::size_t bytes, std::uint64_t& out) -> bool {
  if (rest_.size() < bytes) return false;
  out = 0;
  for (std::size_t i = 0; i < bytes; ++i) out = out << 8U | static_cast<std::uint8_t>(rest_[i]);
  rest_.remove_prefix(bytes);
  return true;
}

auto reader::counted(std::uint8_t fix, std::uint8_t fix_mask, std::uint8_t wide,
                     std::uint32_t& out) -> bool {
  if (rest_.empty()) return false;
  const auto head = front();
  std::uint64_t count = head & static_cast<std::uint8_t>(~fix_mask);
  if ((head & fix_mask) == fix) {
    rest_.remove_prefix(1);
  } else if (head == wide || head == wide + 1) {
    rest_.remove_prefix(1);
    if (!big_endian(head == wide ? 2 : 4, count)) return false;
  } else {
    return false;
  }
  out = static_cast<std::uint32_t>(count);
  return true;
}

auto reader::map(std::uint32_t& pairs) -> bool { return counted(fix_map, 0xf0, map16, pairs); }

auto reader::array(std::uint32_t& values) -> bool {
  return counted(fix_array, 0xf0, array16, values);
}

auto reader::text(std::string_view& out) -> bool {
  std::uint32_t size = 0;
  if (!rest_.empty() && front() == text8) {
    rest_.remove_prefix(1);
    std::uint64_t one = 0;
    if (!big_endian(1, one)) return false;
    size = static_cast<std::uint32_t>(one);
  } else if (!counted(fix_text, 0xe0, text16, size)) {
    return false;
  }
  if (rest_.size() < size) return false;
  out = rest_.substr(0, size);
  rest_.remove_prefix(size);
  return true;
}

auto reader::number(std::uint64_t& out) -> bool {
  if (rest_.empty()) return false;
  const auto head = front();
  if (head >= 0x80 && (head < u8 || head > u8 + 3)) return false;
  rest_.remove_prefix(1);
  if (head < 0x80) {
    out = head;
    return true;
  }
  return big_endian(std::size_t{1} << (head - u8), out);
}

auto reader::boolean(bool& out) -> bool {
  if (rest_.empty() || (front() != is_true && front() != is_false)) return false;
  out = front() == is_true;
  rest_.remove_prefix(1);
  return true;
}

auto reader::at_text() const -> bool {
  if (rest_.empty()) return false;
  const auto head = front();
  return (head & 0xe0U) == fix_text || (head >= text8 && head <= text16 + 1);
}

}  // namespace bestow::bus::msgpack_bytes
