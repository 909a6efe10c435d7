#include "apps/import/text_converter.hpp"

#include <iconv.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>

namespace bestow::importing {
namespace {

/// A pair of CP949 is at most three bytes of UTF-8.
constexpr std::size_t growth = 2;

auto no_conversion() -> iconv_t {
  return reinterpret_cast<iconv_t>(-1);  // NOLINT(performance-no-int-to-ptr): iconv(3) says so.
}

}  // namespace

auto text_converter::open_cp949() -> result<std::unique_ptr<text_converter>> {
  auto* const conversion = ::iconv_open("UTF-8", "CP949");
  if (conversion == no_conversion())
    return fail(fault_code::bad_config, "iconv_open",
                std::string{"CP949 is not among this machine's conversions: "} +
                    std::strerror(errno));
  return std::make_unique<text_converter>(key{}, conversion);
}

text_converter::~text_converter() {
  ::iconv_close(conversion_);
}

auto text_converter::to_utf8(std::string_view text) -> std::optional<std::string_view> {
  const auto is_ascii = [](char c) { return static_cast<std::uint8_t>(c) < 0x80U; };
  if (std::all_of(text.begin(), text.end(), is_ascii)) return text;
  converted_.resize(text.size() * growth);
  auto* in = const_cast<char*>(text.data());  // iconv(3) only reads it.
  auto* out = converted_.data();
  auto in_left = text.size();
  auto out_left = converted_.size();
  ::iconv(conversion_, nullptr, nullptr, nullptr, nullptr);
  if (::iconv(conversion_, &in, &in_left, &out, &out_left) == static_cast<std::size_t>(-1))
    return std::nullopt;
  return std::string_view{converted_}.substr(0, converted_.size() - out_left);
}

}  // namespace bestow::importing
