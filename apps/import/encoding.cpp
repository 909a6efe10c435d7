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

/// Of valid UTF-8. One pair of CP949 may pass for a character of two bytes; three bytes are none.
auto has_wide_character(std::string_view text) -> bool {
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return static_cast<std::uint8_t>(c) >= 0xE0U; });
}

/// Trail bytes of the first, dense part of CP949 (leads 81..C6); the rest is EUC-KR: A1..FE.
auto is_extension_trail(std::uint8_t b) -> bool {
  return (b >= 0x41U && b <= 0x5AU) || (b >= 0x61U && b <= 0x7AU) || (b >= 0x81U && b <= 0xFEU);
}

struct line_counts {
  std::uint64_t lines{0};
  std::uint64_t utf8{0};     ///< With valid UTF-8 beyond ASCII.
  std::uint64_t wide_utf8{0};  ///< Of these with characters of three bytes, as Hangul has.
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
      if (has_wide_character(line)) ++wide_utf8;
    }
  }
};

auto count_lines(std::string_view text, bool whole) -> line_counts {
  line_counts seen;
  for (auto end = text.find('\n'); end != std::string_view::npos; end = text.find('\n')) {
    seen.add(text.substr(0, end));
    text.remove_prefix(end + 1);
  }
  if (whole && !text.empty()) seen.add(text);
  return seen;
}

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
  const auto seen = count_lines(first_bytes, whole);
  if (seen.lines == 0) {  // One endless line: judge what is there, its cut last character apart.
    const auto valid = domain::utf8_prefix(first_bytes, first_bytes.size());
    return first_bytes.size() - valid.size() < 4 ? input_encoding::utf8 : input_encoding::other;
  }
  if (seen.cp949 > seen.utf8 && seen.cp949 * 2 >= seen.invalid) return input_encoding::cp949;
  if (seen.first_invalid || seen.invalid * 2 > seen.lines) return input_encoding::other;
  return input_encoding::utf8;
}

auto may_be_cp949(std::string_view first_bytes, bool whole) -> bool {
  if (first_bytes.starts_with("\xEF\xBB\xBF") || first_bytes.starts_with("\xFF\xFE") ||
      first_bytes.starts_with("\xFE\xFF"))
    return false;
  const auto seen = count_lines(first_bytes, whole);
  return seen.wide_utf8 <= seen.cp949;
}

}  // namespace bestow::importing
