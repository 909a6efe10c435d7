// The publisher of one JetStream stream: an outbox over the log. It tails the log for releases and
// sends what the plan fixes, chained by expected sequence; nothing else ever publishes grants.
//
// A crash, a lost ack or a twin is harmless: any process with the same log writes the same bytes at
// the same sequence, and after any doubt the stream's tail is read back and compared.
#pragma once

#include <caf/all.hpp>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "actors/credit_queue.hpp"
#include "actors/delivery_plan.hpp"
#include "actors/host.hpp"
#include "actors/stream_tag.hpp"

namespace bestow::actors {

enum class delivery_life : std::uint8_t { connecting, ready, full, halted };

struct publisher_state {
  static constexpr const char* name = "publisher";
  context_ptr context;
  promotion_type type{promotion_type::point};
  std::string stream;
  std::string topic;
  delivery_plan plan;
  credit_queue credits;
  release_window window{0};
  delivery_life life{delivery_life::connecting};
  std::optional<fault> trouble;   ///< Why it is not ready.
  bool owned{false};              ///< The generation fact exists and the identity message is ours.
  bool refused{false};            ///< A chunk was refused: find the cause before going on.
  bool paused{false};             ///< stream_paused was said, stream_resumed not yet.
  bool completing{false};         ///< stream_generation_completed is on its way to the log.
  std::string writer;             ///< Fence: names this publisher in message ids; "" = no fence.
  bool chained{false};            ///< Fence: the stream's last message is known to be this writer's.
  std::uint64_t lost_to{0};       ///< Up to here the broker had lost what it had acknowledged.
  std::uint64_t republished{0};   ///< Messages sent again because the broker had lost them.
  std::uint32_t epoch{0};         ///< Acks of an earlier synchronisation are stale.
  std::uint64_t acked{0};         ///< Highest sequence known to be on the stream.
  std::uint64_t ticks{0};
  std::uint64_t stored_grants{0};  ///< Acknowledged since the last tick, for the rate.
  std::chrono::nanoseconds tick_at{0};
  std::chrono::nanoseconds progress_at{0};
  std::chrono::milliseconds backoff{0};
  std::chrono::nanoseconds retry_at{0};
  std::chrono::nanoseconds looked_at{0};  ///< When an idle stream was last known to be whole.
  plan_mark saved;
  std::map<std::uint64_t, std::shared_ptr<const store::target_list>> lists;
};

using publisher_host = caf::stateful_actor<publisher_state>;

/// Blocks its thread on broker round trips: spawned detached outside the simulator.
[[nodiscard]] auto run_publisher(publisher_host* self, context_ptr context, promotion_type type)
    -> caf::behavior;

/// Chunk-ack tokens: which publisher, which synchronisation, which last sequence.
[[nodiscard]] auto make_token(promotion_type type, std::uint32_t epoch, std::uint64_t seq)
    -> std::uint64_t;
[[nodiscard]] auto type_of_token(std::uint64_t token) -> promotion_type;

/// The link or the order of what was sent is in doubt: nothing is sent until it is read back.
void lose_link(publisher_state& s, fault why);
// --- publisher_stream.cpp: whose the stream is, and making it ours -----------------------------------
[[nodiscard]] auto stream_config_of(const publisher_state& s) -> bus::stream_config;
/// True: the stream is this log's, of the plan's generation, with the settings it needs, and
/// whole; `found` says where it ends. Otherwise the state says why and when to go on.
[[nodiscard]] auto own_stream(publisher_host* self, bus::stream_inspection& found) -> bool;
/// The generation fact comes before the identity message: nothing is published that the log does
/// not know. Asks for it and synchronises again when it is durable.
void claim_stream(publisher_host* self);
/// Appends a fact about the stream. Nothing depends on the answer: a conflict is a twin's finding.
void append_delivery(publisher_host* self, delivery_event event);
/// Waits with growing pauses, in the given life.
void try_later(publisher_state& s, delivery_life life, fault why);

/// An operator mended something: a halt ends and the stream is looked at again.
void look_again(publisher_host* self);
/// Makes the next generation durable, then looks again: the older one is replaced.
[[nodiscard]] auto begin_generation(publisher_host* self, const generation_request& r)
    -> caf::result<generation_reply>;

// --- publisher_sync.cpp: agreeing with the broker on what is stored ---------------------------------
/// Makes the stream ours, compares its tail with the plan and marks what is stored. On success the
/// publisher is ready and sends from the first missing message.
void synchronise(publisher_host* self);
/// Stops this stream for good, says so in the log and in status().
void halt(publisher_host* self, const fault& why);
/// Halts for what an operator must mend; anything that may pass is tried again with backoff.
void give_up(publisher_host* self, const fault& why);
/// The sealed list behind a release; cached while releases of the promotion are open.
[[nodiscard]] auto list_of(publisher_state& s, promotion_id promotion)
    -> result<std::shared_ptr<const store::target_list>>;
/// Messages of `r` as the log plans them.
[[nodiscard]] auto encode_planned(publisher_state& s, const planned_release& r,
                                  std::uint32_t first, std::uint32_t count)
    -> result<bus::outgoing_chunk>;
/// Tells partitions what is stored but not yet recorded in the log.
void tell_published(publisher_host* self, const planned_release& r);

}  // namespace bestow::actors
