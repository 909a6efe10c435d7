// Stores of views for a while: each in a folder of its own, which goes with it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "events/result.hpp"
#include "store/view_store.hpp"

namespace bestow::store {

/// LMDB files under <directory>/<number>/, removed with the factory. Every store of it must be gone
/// by then. What a killed process left is in <directory>: remove that at start.
/// @fault file_io_failed  the folder cannot be made
[[nodiscard]] auto make_scratch_view_stores(const std::string& directory, std::uint64_t map_bytes)
    -> result<std::unique_ptr<view_store_factory>>;

}  // namespace bestow::store
