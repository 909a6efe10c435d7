// Every view made again from the log's first fact, and compared with the view that serves (G5).
//
// Promise: the data directory it reads is not changed: its views are opened under the directory's
// lock and only read. Threads: one call per data directory. Blocks: 0.2 to 9 M targets/s.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "apps/evidence/backup.hpp"
#include "events/result.hpp"
#include "events/types.hpp"

namespace bestow::evidence {

enum class replay_verdict : std::uint8_t {
  equal,          ///< Row for row what the serving view holds at that position.
  different,      ///< The serving view is wrong: rebuild it.
  other_history,  ///< The serving view was made from another log: the next start rebuilds it.
  no_live_view,   ///< There is none to compare with, as in a backup.
};
[[nodiscard]] auto name_of(replay_verdict verdict) -> std::string_view;

struct replayed_view {
  std::string name;
  std::uint32_t version{0};
  replay_verdict verdict{replay_verdict::no_live_view};
  position compared_at{};   ///< Where the serving view stands; 0: nothing was compared.
  std::string live_hash;    ///< Of the serving view; "" = none.
  std::string replay_hash;  ///< Of the replay at the same position; "" = none.
  position at{};            ///< The log's head.
  std::string hash;         ///< Of the replay there.
};

/// @param data  a stopped data directory, or a backup
/// @param into  a new or empty directory; gets views/ and lists/ as a start would make them
/// @fault log_locked      a service runs on the data directory
/// @fault file_io_failed  `into` is taken or has no room
/// @fault log_corrupt, log_io_failed, view_poisoned
[[nodiscard]] auto replay_views(const std::string& data, const std::string& into,
                                const work_progress& tell) -> result<std::vector<replayed_view>>;

}  // namespace bestow::evidence
