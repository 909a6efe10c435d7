// Small files beside the log: whole reads, atomic replacement, directories. For store/ and
// apps/evidence.
// Any thread; two calls on the same path must not overlap.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "events/result.hpp"

namespace bestow::store {

/// Creates the directory and its parents with mode 0700 and fsyncs what holds each new one.
/// @fault file_io_failed
[[nodiscard]] auto make_directory(const std::string& path) -> result<void>;
/// Makes creations, renames and removals in the directory durable. @fault file_io_failed
[[nodiscard]] auto sync_directory(const std::string& path) -> result<void>;
/// The directory part of a path; "." when it has none.
[[nodiscard]] auto parent_of(const std::string& path) -> std::string;
[[nodiscard]] auto file_exists(const std::string& path) -> bool;

/// The whole file; nullopt when there is none.
/// @fault file_io_failed  not readable, or longer than `bytes_max`.
[[nodiscard]] auto read_file(const std::string& path, std::size_t bytes_max)
    -> result<std::optional<std::string>>;

/// Whether a replaced file must survive power loss (fsync: milliseconds) or only a killed process.
enum class durability : std::uint8_t { power_loss, process_loss };
/// Writes <path>.tmp with mode 0600 and renames it over `path`: readers see the old or the new
/// content, never a mixture. @fault file_io_failed  the old content stands.
[[nodiscard]] auto replace_file(const std::string& path, std::string_view content,
                                durability lasting) -> result<void>;

}  // namespace bestow::store
