// One Bestow on the machine's disk without its HTTP: log, views, lists, engine and, if wanted, a
// nats-server of its own. Wired as `bestow serve` wires it.
//
// Threads: made, used and destroyed on the main thread (the server's child hangs on it); commands
// to its engine from any.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "actors/engine.hpp"
#include "apps/import/import_driver.hpp"
#include "apps/measure/trouble.hpp"
#include "apps/system/system_clock.hpp"
#include "bus/embedded_server.hpp"
#include "projections/queries.hpp"
#include "projections/view_set.hpp"
#include "store/event_log.hpp"
#include "store/view_store.hpp"

namespace bestow::measure {

struct world_options {
  std::string directory;
  bool broker{false};
  /// Promotions complete when all is published: no payer takes part.
  bool complete_when_published{true};
  bool fence{false};  ///< Every grant names its writer, as for an external broker.
  actors::grant_settings grants{};
  std::string server{"nats-server"};  ///< The broker's program.
};

class world {
  struct opening {};  // Only open() makes worlds.

 public:
  explicit world(opening) {}
  /// @fault what log, views, broker and engine answer when they cannot be opened
  [[nodiscard]] static auto open(const world_options& options) -> result<std::unique_ptr<world>>;
  world(const world&) = delete;
  auto operator=(const world&) -> world& = delete;
  ~world();

  /// Imports a CSV in one batch, in pieces of 1 MiB. `peak` becomes the largest anonymous memory
  /// seen on the way.
  struct imported {
    importing::import_answer answer;
    std::uint64_t anonymous_peak{0};
  };
  [[nodiscard]] auto import(promotion_id id, std::string_view csv) -> outcome<imported>;
  /// Pid of the nats-server; 0 without one.
  [[nodiscard]] auto server_pid() const -> int { return broker ? broker->pid() : 0; }
  /// A trouble when the engine has given up meanwhile.
  [[nodiscard]] auto sound() const -> outcome<void>;

  apps::system_clock time;
  apps::system_randomness random;
  std::unique_ptr<bus::embedded_server> broker;
  std::unique_ptr<store::event_log> log;
  std::unique_ptr<store::snapshot_store> snapshots;
  std::unique_ptr<store::target_lists> lists;
  std::unique_ptr<store::view_store_factory> view_stores;
  std::unique_ptr<projections::view_set> views;
  std::unique_ptr<projections::queries> answers;
  std::unique_ptr<bus::message_bus> messages;
  std::unique_ptr<actors::engine> engine;

 private:
  [[nodiscard]] auto open_stores(const world_options& options) -> result<void>;
  [[nodiscard]] auto start_engine(const world_options& options) -> result<void>;

  mutable std::mutex mutex_;
  std::optional<fault> gave_up_;  ///< Guarded by mutex_.
};

/// The chain of a data directory's log is whole. Nobody has it open.
[[nodiscard]] auto check_chain(const std::string& directory) -> outcome<void>;

}  // namespace bestow::measure
