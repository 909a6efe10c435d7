// The log on disk: event_log over numbered LMDB files. Private to store/; opened by open_lmdb_log.
//
// The last file is the active segment: appends go there, and it knows every stream's version and
// what each earlier file holds. The earlier ones are sealed: opened for reading when a read needs
// them. A read takes the active segment once and goes by it; sealing puts another in its place and
// waits for no reader.
//
// Promise and threads: those of event_log. Reads hold a transaction for at most
// limits::group_bytes_max of frames, so that a slow reader does not pin old pages.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "store/anchor.hpp"
#include "store/event_log.hpp"
#include "store/frame_reader.hpp"
#include "store/group_plan.hpp"
#include "store/log_frames.hpp"
#include "store/log_statistics.hpp"
#include "store/log_tables.hpp"
#include "store/segment_cache.hpp"

namespace bestow::store {

class lmdb_log final : public event_log, public log_statistics, public frame_source {
 public:
  [[nodiscard]] static auto open(const log_options& options, std::uint64_t new_log_seed)
      -> result<std::unique_ptr<lmdb_log>>;
  ~lmdb_log() override;

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
  [[nodiscard]] auto has_room() const -> bool override;

 private:
  /// How far one transaction's worth of a read came.
  template <class Place>
  struct chunk {
    Place seen;
    bool at_end{false};
  };

  lmdb_log(log_options options, std::uint64_t new_log_seed);
  [[nodiscard]] auto open_environment() -> result<void>;
  [[nodiscard]] auto open_active(std::uint32_t newest) -> result<segment_ptr>;
  [[nodiscard]] auto check_anchor(const log_anchor& anchor, const segment_ptr& active,
                                  const log_head& head) -> result<void>;
  /// The active segment as it is now. A read-only log looks whether the writer began another.
  [[nodiscard]] auto active() const -> result<segment_ptr>;
  [[nodiscard]] auto follow_writer(segment_ptr known) const -> result<segment_ptr>;
  void replace_active(segment_ptr by) const;
  /// The segment that holds a position, or would.
  [[nodiscard]] auto segment_of(const segment_ptr& active, position at) const
      -> result<segment_ptr>;
  /// The segment that holds a version of a stream, which the stream has reached.
  [[nodiscard]] auto segment_of(const segment_ptr& active, const stream_id& stream,
                                stream_version version) const -> result<segment_ptr>;
  /// The frame that holds the position, or else the last one before it; nullopt: there is none.
  [[nodiscard]] auto frame_up_to(position at) const -> result<std::optional<frame_copy>>;

  [[nodiscard]] auto plan(const open_log& active, std::span<const append_batch> group,
                          timestamp wall) -> result<group_plan>;
  [[nodiscard]] auto write(const open_log& active, const group_plan& plan) -> result<void>;
  [[nodiscard]] auto put_all(const open_log& active, const lmdb_txn& txn, const group_plan& plan)
      -> result<void>;
  [[nodiscard]] auto not_sealed_by_others(const open_log& active) -> result<void>;
  /// Whether the group after this plan's time begins another segment.
  [[nodiscard]] auto seal_due(const open_log& active, timestamp recorded_at) const -> bool;
  /// Seals the active segment and begins the next. What keeps it from that is noted, and the log
  /// goes on in the segment it has.
  /// @fault log_io_failed  the files are in a state that only reopen() can settle.
  [[nodiscard]] auto seal(const segment_ptr& active, timestamp wall) -> result<void>;
  void note_seal(std::string problem);
  void remember(const group_plan& plan);
  void keep_house(const open_log& active, timestamp wall);
  [[nodiscard]] auto save_anchor() -> result<void>;
  [[nodiscard]] auto read_chunk(frame_reader& reader, position after) const
      -> result<chunk<position>>;
  [[nodiscard]] auto stream_chunk(frame_reader& reader, const stream_id& stream,
                                  stream_version after) const -> result<chunk<stream_version>>;

  const log_options options_;
  const std::uint64_t new_log_seed_;

  /// Shared by whatever uses the environment, exclusive while it is closed and opened again.
  mutable std::shared_mutex environment_mutex_;
  std::string log_id_;
  mutable segment_cache sealed_;
  mutable std::mutex active_mutex_;
  mutable segment_ptr active_;       ///< Null only after a reopen that failed.
  mutable std::mutex follow_mutex_;  ///< One thread looks for the writer's next segment.

  mutable std::mutex head_mutex_;
  mutable log_head head_;  ///< Committed; a read-only log refreshes it.

  // Used by the appending thread only.
  std::unordered_map<stream_id, stream_version> heads_cache_;
  bool refuses_{false};  ///< A commit's outcome is unknown: no append before reopen().
  timestamp anchored_wall_{};
  std::optional<timestamp> seal_failed_wall_;

  mutable std::mutex house_mutex_;
  position anchored_;
  std::string seal_problem_;
};

}  // namespace bestow::store
