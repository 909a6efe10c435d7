#include "apps/http/header_fields.hpp"

#include <algorithm>
#include <cctype>

namespace bestow::http {
namespace {

auto same_name(std::string_view a, std::string_view b) -> bool {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](unsigned char l, unsigned char r) {
    return std::tolower(l) == std::tolower(r);
  });
}

}  // namespace

auto field_value(const std::vector<std::pair<std::string, std::string>>& fields,
                 std::string_view name) -> std::string_view {
  for (const auto& [key, value] : fields)
    if (same_name(key, name)) return value;
  return "";
}

}  // namespace bestow::http
