// The log on disk: event_log over one LMDB file. Private to store/; opened by open_lmdb_log.
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

#include "store/event_log.hpp"
#include "store/frame_reader.hpp"
#include "store/group_plan.hpp"
#include "store/log_statistics.hpp"
#include "store/log_tables.hpp"

namespace bestow::store {

class lmdb_log final : public event_log, public log_statistics {
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

 private:
  /// How far one transaction's worth of a read came.
  template <class Place>
  struct chunk {
    Place seen;
    bool at_end{false};
  };

  lmdb_log(log_options options, std::uint64_t new_log_seed);
  [[nodiscard]] auto open_environment() -> result<void>;
  [[nodiscard]] auto begin_read() const -> result<lmdb_txn>;
  [[nodiscard]] auto committed_version(const lmdb_txn& txn, const stream_id& stream) const
      -> result<stream_version>;
  [[nodiscard]] auto plan(std::span<const append_batch> group, timestamp wall)
      -> result<group_plan>;
  [[nodiscard]] auto write(const group_plan& plan) -> result<void>;
  [[nodiscard]] auto put_all(const lmdb_txn& txn, const group_plan& plan) -> result<void>;
  void remember(const group_plan& plan);
  void keep_house(timestamp wall);
  [[nodiscard]] auto save_anchor() -> result<void>;
  [[nodiscard]] auto read_chunk(frame_reader& reader, position after) const
      -> result<chunk<position>>;
  [[nodiscard]] auto stream_chunk(frame_reader& reader, const stream_id& stream,
                                  stream_version after) const -> result<chunk<stream_version>>;

  const log_options options_;
  const std::uint64_t new_log_seed_;

  /// Shared by whatever uses the environment, exclusive while it is closed and opened again.
  mutable std::shared_mutex environment_mutex_;
  std::optional<open_log> log_;  ///< Empty only after a reopen that failed.
  std::string log_id_;

  mutable std::mutex head_mutex_;
  mutable log_head head_;  ///< Committed; a read-only log refreshes it.

  // Used by the appending thread only.
  std::unordered_map<stream_id, stream_version> heads_cache_;
  bool refuses_{false};  ///< A commit's outcome is unknown: no append before reopen().
  timestamp anchored_wall_{};

  mutable std::mutex anchor_mutex_;
  position anchored_;
};

}  // namespace bestow::store
