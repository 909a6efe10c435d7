// Is this UTF-8, or a file that must be converted first?
//
// Pure. One wrong byte in a UTF-8 file is a row's trouble, not the file's: the file is refused only
// when its lines say that it was written in another encoding.
#pragma once

#include <cstdint>
#include <string_view>

namespace bestow::importing {

enum class input_encoding : std::uint8_t { utf8, cp949, other };

/// Judges the first bytes of an input, byte order mark removed. `whole` = the input ends here; else
/// the last, cut line is left out.
/// - cp949: more lines hold CP949 or EUC-KR characters that are not UTF-8 than hold UTF-8 ones.
/// - other: the first line is not UTF-8, or most lines are not.
[[nodiscard]] auto judge_encoding(std::string_view first_bytes, bool whole) -> input_encoding;

/// For an input that is said to be CP949: false when its first bytes say otherwise, by a byte order
/// mark or by lines that are UTF-8 and no CP949.
[[nodiscard]] auto may_be_cp949(std::string_view first_bytes, bool whole) -> bool;

/// Whether all bytes above ASCII stand in pairs that CP949 (EUC-KR and its extension) has.
/// False for pure ASCII.
[[nodiscard]] auto looks_like_cp949(std::string_view line) -> bool;

}  // namespace bestow::importing
