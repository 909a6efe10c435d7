// One fact of every type with every field away from its default, for golden bytes and hostile
// input; and small tools over bytes.
#pragma once

#include <cstddef>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "events/codec.hpp"

namespace bestow::test {

using bytes = std::vector<std::byte>;

/// One per alternative of any_event, in its order. Texts are too short to be compressed, so the
/// bytes do not depend on the version of zstd.
[[nodiscard]] auto sample_events() -> std::vector<any_event>;
/// Facts of the size that real work has: explicit columns of every width, compressed texts.
[[nodiscard]] auto large_events() -> std::vector<any_event>;

[[nodiscard]] auto bytes_of(std::initializer_list<unsigned> values) -> bytes;
[[nodiscard]] auto hex_of(std::span<const std::byte> data) -> std::string;
/// Ignores white space; anything else that is no hex digit ends the test program.
[[nodiscard]] auto bytes_of_hex(std::string_view hex) -> bytes;

/// The elements of a payload's array, each as its own bytes.
[[nodiscard]] auto elements_of(std::span<const std::byte> payload) -> std::vector<bytes>;
/// A payload made of elements.
[[nodiscard]] auto payload_of(std::span<const bytes> elements) -> bytes;

}  // namespace bestow::test
