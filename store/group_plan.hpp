// Turns a group of appends into frames: checks versions, gives out positions, chains hashes. The
// part of appending that the memory log and the LMDB log share, so that both make the same bytes.
//
// Promise: planning writes nothing; a plan is applied whole or dropped whole. Pure but for the
// version lookup; one thread at a time.
#pragma once

#include <functional>
#include <span>
#include <unordered_map>
#include <vector>

#include "events/result.hpp"
#include "events/types.hpp"
#include "store/event_log.hpp"
#include "store/frame.hpp"

namespace bestow::store {

/// Where a stream's events begin in one frame. One entry for each (frame, stream).
struct index_entry {
  stream_id stream;
  stream_version first{};  ///< Version of the stream's first event in that frame.
  position frame{};        ///< Key of the frame.
};

struct planned_frame {
  position first{};  ///< Key.
  std::vector<std::byte> bytes;
};

struct group_plan {
  std::vector<planned_frame> frames;  ///< Empty when nothing is to be written.
  std::vector<index_entry> index;
  /// Of every stream the group changes.
  std::unordered_map<stream_id, stream_version> versions;
  std::vector<append_answer> answers;
  log_head head;  ///< After the group.
};

/// Version of a stream as committed; 0 when it does not exist.
using version_lookup = std::function<result<stream_version>(const stream_id&)>;

/// @fault internal  more than limits::group_appends_max appends.
/// @fault any       of the lookup.
[[nodiscard]] auto plan_group(std::span<const append_batch> group, const log_head& head,
                              const log_identity& identity, timestamp wall,
                              const version_lookup& committed) -> result<group_plan>;

}  // namespace bestow::store
