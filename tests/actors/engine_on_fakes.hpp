// The production actors on CAF's deterministic scheduler, over the in-memory log, bus and views.
// Nothing runs until the test says so: drive() for as long as there is something to do.
// Used by the actor tests and by the simulator.
#pragma once

#include <caf/all.hpp>
#include <caf/scheduler/test_coordinator.hpp>
#include <memory>
#include <string>
#include <vector>

#include "actors/core.hpp"
#include "bus/memory_bus.hpp"
#include "projections/queries.hpp"
#include "store/memory_log.hpp"
#include "store/snapshot_store.hpp"
#include "store/view_store.hpp"

namespace bestow::tests {

/// What outlives a killed process: disk and broker.
struct world {
  explicit world(std::uint64_t seed);
  std::uint64_t seed;
  std::unique_ptr<store::memory_log> log;
  std::unique_ptr<store::view_store_factory> view_stores;
  std::unique_ptr<store::snapshot_store> snapshots;
  std::shared_ptr<bus::memory_broker> broker;
  manual_clock time;
  seeded_randomness random;
};

/// One process: actors and connection. Destroying it is kill -9.
class process {
 public:
  explicit process(world& w, actors::grant_settings grants = {},
                   actors::delivery_settings delivery = {});
  ~process();
  process(const process&) = delete;
  auto operator=(const process&) -> process& = delete;

  /// Runs every actor and delivers everything on the bus until nothing is left to do now.
  void drive();
  /// One seeded step: one actor job, one bus step or a little time. False: nothing was to be done.
  auto step(std::uint64_t choice) -> bool;
  /// Moves time (both clocks) and lets timers fire.
  void pass(std::chrono::milliseconds by);
  /// drive() and pass() until `done` holds; false after `rounds` rounds of 20 ms.
  auto drive_until(const std::function<bool()>& done, unsigned rounds = 500) -> bool;

  /// Sends a command to a promotion's host and drives until it answers.
  template <class Reply, class Message>
  auto command(promotion_id id, Message message) -> decltype(Reply::answer) {
    const auto host = ask<actors::found>(core.directory, actors::find_promotion{id}).host;
    return ask<Reply>(host, std::move(message)).answer;
  }
  template <class Reply, class Message>
  auto ask(const caf::actor& to, Message message) -> Reply {
    caf::scoped_actor self{*system};
    auto request = self->request(to, caf::infinite, std::move(message));
    Reply reply{};
    bool answered = false;
    // Driven until the answer waits in the mailbox; receive() then never blocks.
    drive_until([&] { return self->has_next_message() || !self->mailbox().empty(); });
    if (self->mailbox().empty()) return reply;
    request.receive([&](Reply& r) { reply = std::move(r), answered = true; },
                    [&](caf::error& e) { failure = caf::to_string(e); });
    return reply;
  }

  auto create(promotion_created wanted) -> actors::outcome<actors::command_receipt>;
  /// Imports `count` targets of `id` in one batch: uid = first_uid.., amount each. `twice`: every chunk
  /// is sent again, as by an importer that lost the answer, and must get the first answer.
  auto import_points(promotion_id id, const std::string& batch, std::uint64_t first_uid,
                     std::uint32_t count, std::uint64_t amount, bool twice = false)
      -> actors::outcome<actors::batch_receipt>;
  auto seal(promotion_id id) -> actors::outcome<actors::command_receipt>;
  auto approve(promotion_id id) -> actors::outcome<actors::command_receipt>;
  auto start(promotion_id id) -> actors::outcome<actors::command_receipt>;
  auto stop(promotion_id id) -> actors::outcome<actors::command_receipt>;
  auto resume(promotion_id id) -> actors::outcome<actors::command_receipt>;
  [[nodiscard]] auto row(promotion_id id) -> projections::promotion_row;

  world& w;
  std::unique_ptr<bus::memory_bus> bus;
  std::unique_ptr<store::target_lists> lists;
  std::unique_ptr<projections::view_set> views;
  actors::context_ptr context;
  caf::actor_system_config config;
  std::unique_ptr<caf::actor_system> system;
  caf::scheduler::test_coordinator* scheduler{nullptr};
  actors::core_actors core;
  std::string failure;
  std::vector<fault> fatal;
};

/// A point promotion of one partition unless changed.
[[nodiscard]] auto point_promotion(std::uint64_t id, std::uint32_t partitions) -> promotion_created;

/// The paying service in a few lines: answers every grant on the stream that was not answered yet.
class small_wallet {
 public:
  explicit small_wallet(world& w) : w_{w} {}
  /// Publishes the answers of new grants, at most `count_max`; `fail_every` n: each n-th fails.
  /// @returns how many
  auto answer_new(std::uint64_t fail_every = 0, std::size_t count_max = ~std::size_t{0})
      -> std::size_t;

 private:
  world& w_;
  std::uint64_t seen_{1};
};

}  // namespace bestow::tests
