// A target of a sealed list by its id alone, for who does not know its partition. Pure; any thread.
#pragma once

#include <optional>

#include "events/types.hpp"
#include "store/target_list.hpp"

namespace bestow::store {

struct target_place {
  partition_no partition{};
  target_ordinal ordinal{};
};

/// Where the target stands; nullopt: the list has no such id. One binary search for each partition,
/// `hint`'s first: a guess that costs nothing when it is wrong or beyond the list.
[[nodiscard]] auto find_target(const target_list& list, target_id id,
                               std::optional<partition_no> hint = std::nullopt)
    -> std::optional<target_place>;

}  // namespace bestow::store
