// The log in memory: the same frames, hashes and answers as the LMDB log, and faults on demand.
// For tests and the simulator.
//
// Promise: behaves as event_log says; what was committed survives crash() and reopen().
// Threads: as event_log; the fault switches from any thread.
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "store/event_log.hpp"
#include "store/frame.hpp"
#include "store/group_plan.hpp"
#include "store/log_frames.hpp"
#include "store/log_statistics.hpp"

namespace bestow::store {

/// How the next commit that has something to write goes wrong.
enum class commit_fault : std::uint8_t {
  none,
  lost,     ///< log_io_failed; nothing was written.
  applied,  ///< log_io_failed, yet everything was written: the outcome the caller cannot know.
  full,     ///< log_full; nothing was written; the log goes on.
};

class memory_log final : public event_log, public log_statistics, public frame_source {
 public:
  /// @param seed       decides the log's id
  /// @param bytes_max  log_full above this many bytes of frames
  explicit memory_log(std::uint64_t seed,
                      std::uint64_t bytes_max = std::numeric_limits<std::uint64_t>::max());

  /// Acts once, on the next append_group that writes. After lost and applied the log refuses
  /// appends until reopen() or crash().
  void fail_next_commit(commit_fault how);
  /// Moves the bound of log_full: an operator makes room, or takes it.
  void set_bytes_max(std::uint64_t bytes_max);
  /// The process dies and starts again: every commit is kept, switches and refusals are gone.
  void crash();
  /// Flips one bit of the frame that holds the event at `at`. Precondition: such a position.
  void flip_bit(position at, std::size_t bit);

  [[nodiscard]] auto append_group(std::span<const append_batch> group, timestamp wall)
      -> result<std::vector<append_answer>> override;
  [[nodiscard]] auto reopen() -> result<void> override;
  [[nodiscard]] auto head() const -> log_head override;
  [[nodiscard]] auto log_id() const -> std::string override;
  [[nodiscard]] auto version_of(const stream_id& stream) const -> result<stream_version> override;
  [[nodiscard]] auto read(position after, const read_options& options,
                          const event_visitor& visit) const -> result<position> override;
  [[nodiscard]] auto read_stream(const stream_id& stream, stream_version after,
                                 const read_options& options, const event_visitor& visit) const
      -> result<stream_version> override;
  [[nodiscard]] auto streams(aggregate kind, std::uint64_t from_id, std::size_t count_max) const
      -> result<std::vector<stream_id>> override;
  [[nodiscard]] auto frame_hash_at(position at) const -> result<sha256_digest> override;
  [[nodiscard]] auto statistics() const -> result<log_stat> override;
  [[nodiscard]] auto frame_holding(position at) const
      -> result<std::optional<frame_copy>> override;
  [[nodiscard]] auto identity() const -> log_identity override;

 private:
  /// Immutable once stored, so that a visitor runs without the lock.
  struct stored_frame {
    position first{};
    std::shared_ptr<const std::vector<std::byte>> bytes;
  };
  struct stream_entry {
    stream_version head{};
    /// First version in a frame -> index of the frame.
    std::map<std::uint64_t, std::size_t> frames;
  };
  [[nodiscard]] auto index_of(position at) const -> std::size_t;
  [[nodiscard]] auto frame_at(std::size_t index) const -> stored_frame;
  void apply(group_plan&& plan);

  const log_identity identity_;
  mutable std::mutex mutex_;  ///< Guards everything below.
  std::vector<stored_frame> frames_;
  std::map<stream_id, stream_entry> streams_;
  log_head head_;
  std::uint64_t bytes_{0};
  std::uint64_t bytes_max_;
  commit_fault next_commit_{commit_fault::none};
  bool refuses_{false};
};

}  // namespace bestow::store
