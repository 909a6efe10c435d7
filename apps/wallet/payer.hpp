// What the paying service does with a batch of grants, without any transport.
//
// The order is the lesson: decide from the idempotency key, make the payment durable, send the
// result, and only then acknowledge the grant. Whatever is delivered twice gets the first answer.
// Threads: one thread uses a payer.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "apps/wallet/behaviour.hpp"
#include "apps/wallet/ledger.hpp"
#include "bus/bus.hpp"
#include "bus/grant_wire.hpp"

namespace bestow::wallet {

struct payer_counts {
  std::uint64_t grants{0};        ///< Grants delivered, repeats included.
  std::uint64_t credited{0};      ///< Paid for the first time.
  std::uint64_t repeated{0};      ///< Delivered again; answered as the first time.
  std::uint64_t contradicted{0};  ///< Same key, other content; refused.
  std::uint64_t failed{0};
  std::uint64_t retried{0};  ///< RETRYING was sent first.
  std::uint64_t dropped{0};
  std::uint64_t held{0};  ///< Results that are sent later.
  std::uint64_t recalls{0};  ///< Deliveries that were recalls.
  std::uint64_t taken_back{0};
  std::uint64_t unreadable{0};
};

using outgoing_results = std::vector<bus::message_bus::simple_message>;

/// Grants of one batch, decided but not yet paid.
struct decided_batch {
  outgoing_results early;             ///< To be sent before anything is recorded.
  std::vector<ledger_entry> entries;  ///< To be paid.
  std::vector<held_result> held;      ///< To be kept with the payments.
  struct answer {
    std::size_t entry{no_entry};  ///< Its payment; a contradicted one is answered FAILED.
    bus::decoded_result result;
    std::string subject;
    unsigned copies{1};
  };
  static constexpr std::size_t no_entry = SIZE_MAX;
  struct recall_answer {
    bus::decoded_result result;
    std::string subject;
  };
  std::vector<recall_entry> recalls;          ///< To be taken back.
  std::vector<recall_answer> recall_answers;  ///< One for each, to be sent once it is durable.
  std::vector<answer> answers;          ///< To be sent once the payments are durable, in order.
  std::vector<std::string> complaints;  ///< At most a few, for the operator.
};

/// `prepay.campaign.voucher.publish.3` (or `.recall.3`) -> `prepay.campaign.voucher.result`; "" when
/// the subject is neither of grants nor of recalls.
[[nodiscard]] auto result_topic_of(std::string_view grant_subject) -> std::string;

/// Reads and decides every message. Messages that are not grants are left alone.
[[nodiscard]] auto decide_batch(std::span<const bus::incoming_message> messages, const behaviour& b,
                                timestamp now, payer_counts& counts) -> decided_batch;

/// The results to send after `entries` were recorded with these outcomes.
[[nodiscard]] auto results_of(const decided_batch& batch, std::span<const credit> outcomes,
                              timestamp now, payer_counts& counts) -> outgoing_results;

/// The answers to recalls after they were taken with these outcomes.
[[nodiscard]] auto recall_results_of(const decided_batch& batch, std::span<const take_back> outcomes,
                                     timestamp now, payer_counts& counts) -> outgoing_results;

}  // namespace bestow::wallet
