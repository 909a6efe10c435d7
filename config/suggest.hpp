// "Did you mean": the nearest known word. Pure; thread-agnostic.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace bestow::config {

/// Edits (insert, delete, replace, swap of neighbours) from `a` to `b`. O(|a| * |b|).
[[nodiscard]] auto edit_distance(std::string_view a, std::string_view b) -> std::size_t;
/// The known words nearest to `word`, nearest first, at most `count`; none that is further than a
/// third of its length (two edits at least).
[[nodiscard]] auto nearest(std::string_view word, std::span<const std::string> known,
                           std::size_t count) -> std::vector<std::string>;
/// " Did you mean 'x'?" or "".
[[nodiscard]] auto did_you_mean(std::string_view word, std::span<const std::string> known)
    -> std::string;

}  // namespace bestow::config
