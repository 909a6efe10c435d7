#include "store/find_target.hpp"

namespace bestow::store {

auto find_target(const target_list& list, target_id id, std::optional<partition_no> hint)
    -> std::optional<target_place> {
  if (hint && hint->value < list.partition_count())
    if (const auto at = list.find(*hint, id)) return target_place{*hint, *at};
  for (std::uint32_t k = 0; k < list.partition_count(); ++k) {
    const partition_no number{static_cast<partition_no::rep>(k)};
    if (hint && *hint == number) continue;
    if (const auto at = list.find(number, id)) return target_place{number, *at};
  }
  return std::nullopt;
}

}  // namespace bestow::store
