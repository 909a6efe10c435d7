// The works whose speed is measured: the disk alone, import, publish, single commands, replay.
//
// Each repetition runs in a fresh directory that is gone after it, has the raw limit of the same
// work beside it where there is one, and ends in a check (count, sum, nothing twice, no hole, a whole
// chain): figures of a work that was done wrong are never given out.
// Threads: the main thread only (the broker's child hangs on it). Blocks for seconds to minutes.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "apps/measure/figures.hpp"
#include "apps/measure/trouble.hpp"
#include "events/limits.hpp"
#include "events/types.hpp"

namespace bestow::measure {

/// Who looks on. Both may be empty.
struct watcher {
  /// What is done now; repetition 0 = before the first one.
  std::function<void(unsigned repetition, std::string_view what)> stage;
  /// True as the measured section begins, false when it has ended: for a profiler.
  std::function<void(bool begins)> measured;
};

struct work_options {
  std::string directory;  ///< Exists.
  std::uint64_t targets{0};
  unsigned repetitions{1};
  std::uint64_t seed{1};
  watcher see;
};
/// Gets the figures of each repetition as it ends.
using figures_sink = std::function<void(figures)>;

/// Bare commits of 16 bytes, one by one: fsyncs per second. At most `targets` commits, or as many as
/// fit into `within`.
[[nodiscard]] auto measure_disk(const work_options& o, std::chrono::milliseconds within,
                                const figures_sink& each) -> outcome<void>;

/// A CSV in memory to durable, validated, deduplicated rows; beside it the parser alone, and a bare
/// file that takes the same bytes in as many commits.
[[nodiscard]] auto measure_import(const work_options& o, promotion_type type,
                                  const figures_sink& each) -> outcome<void>;

struct publish_options {
  bool fence{false};  ///< Messages name their writer, those of the bare loop do not.
  std::uint64_t window{limits::window_grants_max};  ///< Of the bare loop, messages.
  std::string server{"nats-server"};
};
/// Pending point targets, one message each, until every grants_published is durable; in turns before
/// and behind it a bare loop sends the same bytes through the same server.
[[nodiscard]] auto measure_publish(const work_options& o, const publish_options& p,
                                   const figures_sink& each) -> outcome<void>;

struct command_options {
  std::vector<unsigned> crowds{1, 64};
  /// Share the clients, at most limits::live_promotions_max: more would measure the loading of hosts.
  std::uint64_t promotions{64};
  std::uint64_t lone_share{20};  ///< One client makes 1/20 of the commands of a crowd (`targets`).
  std::chrono::milliseconds within{std::chrono::hours{24}};  ///< Of each crowd.
  bool log_alone{false};  ///< Beside one client, the same facts through the log with no engine.
};
/// Single durable commands, one answer waited for at a time by each client; before and after the
/// lone client a bare file commits payloads of the same size one by one.
///
/// The command moves a promotion's start: one fact of some 15 bytes, decided, folded, appended,
/// synced and answered, with nothing around it that grows.
[[nodiscard]] auto measure_commands(const work_options& o, const command_options& c,
                                    const figures_sink& each) -> outcome<void>;

/// An existing log to promotion_summary and to target_status, each built from nothing on disk; beside
/// them reading the frames, and decoding the same facts. The log is written once.
///
/// A described target is one target of one bulk fact that the view handles: released, published and
/// answered are three. The import is not one of them: no view reads it.
[[nodiscard]] auto measure_replay(const work_options& o, const figures_sink& each)
    -> outcome<void>;

}  // namespace bestow::measure
