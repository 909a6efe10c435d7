#include "apps/import/encoding.hpp"

#include <algorithm>
#include <cstdint>

#include "domain/target_row.hpp"

namespace bestow::importing {
namespace {

auto is_ascii(std::string_view text) -> bool {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return static_cast<std::uint8_t>(c) < 0x80U; });
}

/// Trail bytes of the first, dense part of CP949 (leads 81..C6); the rest is EUC-KR: A1..FE.
auto is_extension_trail(std::uint8_t b) -> bool {
  return (b >= 0x41U && b <= 0x5AU) || (b >= 0x61U && b <= 0x7AU) || (b >= 0x81U && b <= 0xFEU);
}

struct line_counts {
  std::uint64_t lines{0};
  std::uint64_t utf8{0};     ///< With valid UTF-8 beyond ASCII.
  std::uint64_t invalid{0};  ///< Not UTF-8.
  std::uint64_t cp949{0};    ///< Not UTF-8, but CP949.
  bool first_invalid{false};

  void add(std::string_view line) {
    const bool valid = is_ascii(line) || domain::utf8_length(line).has_value();
    if (lines == 0) first_invalid = !valid;
    ++lines;
    if (!valid) {
      ++invalid;
      if (looks_like_cp949(line)) ++cp949;
    } else if (!is_ascii(line)) {
      ++utf8;
    }
  }
};

}  // namespace

auto looks_like_cp949(std::string_view line) -> bool {
  bool any = false;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const auto lead = static_cast<std::uint8_t>(line[i]);
    if (lead < 0x80U) continue;
    if (lead < 0x81U || lead == 0xFFU || ++i == line.size()) return false;
    const auto trail = static_cast<std::uint8_t>(line[i]);
    const bool euc_kr = lead >= 0xA1U && trail >= 0xA1U && trail <= 0xFEU;
    const bool extended = lead <= 0xC6U && is_extension_trail(trail);
    if (!euc_kr && !extended) return false;
    any = true;
  }
  return any;
}

auto judge_encoding(std::string_view first_bytes, bool whole) -> input_encoding {
  line_counts seen;
  for (;;) {
    const auto end = first_bytes.find('\n');
    if (end == std::string_view::npos) break;
    seen.add(first_bytes.substr(0, end));
    first_bytes.remove_prefix(end + 1);
  }
  if (whole && !first_bytes.empty()) seen.add(first_bytes);
  if (seen.lines == 0) {  // One endless line: judge what is there, its cut last character apart.
    const auto valid = domain::utf8_prefix(first_bytes, first_bytes.size());
    return first_bytes.size() - valid.size() < 4 ? input_encoding::utf8 : input_encoding::other;
  }
  if (seen.cp949 > seen.utf8 && seen.cp949 * 2 >= seen.invalid) return input_encoding::cp949;
  if (seen.first_invalid || seen.invalid * 2 > seen.lines) return input_encoding::other;
  return input_encoding::utf8;
}

}  // namespace bestow::importing
