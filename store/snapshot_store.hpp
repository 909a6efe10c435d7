// Snapshots of stream states: an optimisation, never the truth. A snapshot that does not fit the
// log (position, frame hash, fold version, checksum) is discarded and the stream replayed.
// Thread-safe.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "events/result.hpp"
#include "events/types.hpp"

namespace bestow::store {

struct snapshot {
  stream_version version{};     ///< Of the stream when taken (0 for folds over the whole log).
  position at{};                ///< Log position it covers.
  sha256_digest frame_hash{};   ///< Of the frame at that position.
  std::uint32_t fold_version{0};
  std::vector<std::byte> state;
};

class snapshot_store {
 public:
  snapshot_store() = default;
  snapshot_store(const snapshot_store&) = delete;
  auto operator=(const snapshot_store&) -> snapshot_store& = delete;
  virtual ~snapshot_store() = default;
  /// Replaces the stream's snapshot atomically (write aside, rename). Not fsynced: losing it costs
  /// a replay.
  [[nodiscard]] virtual auto save(const stream_id& stream, const snapshot& s) -> result<void> = 0;
  /// nullopt: none, damaged, or of another fold version.
  [[nodiscard]] virtual auto load(const stream_id& stream, std::uint32_t fold_version) const
      -> std::optional<snapshot> = 0;
  virtual void erase(const stream_id& stream) = 0;
};

[[nodiscard]] auto make_file_snapshots(std::string directory)
    -> result<std::unique_ptr<snapshot_store>>;
[[nodiscard]] auto make_memory_snapshots() -> std::unique_ptr<snapshot_store>;

}  // namespace bestow::store
