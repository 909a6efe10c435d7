// What the log's facts say of one target, each as one line of text. The same lines come out whether
// the facts are read from a log or from the frames in a proof: a proof is checked by telling the
// story again.
//
// Promise: a line is a function of the facts told so far, the target and the message's bytes.
// Private to apps/evidence. Threads: one object belongs to one thread.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "bus/grant_wire.hpp"
#include "events/codec.hpp"
#include "events/result.hpp"
#include "events/types.hpp"

namespace bestow::evidence {

struct story_subject {
  promotion_id promotion{};
  target_id target{};
  partition_no partition{};
  target_ordinal ordinal{};  ///< In the partition's sealed list.
};

/// Where a fact stands.
struct fact_at {
  position at{};
  stream_id stream;
  stream_version version{};
  timestamp recorded_at{};
  std::string_view principal;
};

/// The exact bytes of message `index` of a release.
using message_source =
    std::function<result<std::string>(const targets_released& release, std::uint32_t index)>;

class target_story {
 public:
  target_story(const story_subject& subject, message_source messages)
      : subject_{subject}, messages_{std::move(messages)} {}

  /// One line for a proof, with its line feed; "" when the fact says nothing of the target. Facts
  /// must come in log order; facts of other promotions are ignored.
  /// @fault log_corrupt  the fact contradicts itself or what was told before
  [[nodiscard]] auto tell(const fact_at& where, const any_event& fact) -> result<std::string>;

  /// The target as a grant message shows it: its row with the promotion's defaults. nullopt before
  /// both were told. Views live as long as the story.
  [[nodiscard]] auto row() const -> std::optional<bus::grant_fields>;
  /// Batches whose rows hold the target, as far as told.
  [[nodiscard]] auto batches() const -> const std::set<std::string>& { return batches_; }

 private:
  struct own_release {
    attempt_no attempt{};
    std::uint32_t message{0};
  };
  struct own_row {
    std::uint64_t customer{0};
    std::uint64_t amount{0};
    std::uint64_t expiry{0};
    std::string reason;
    std::string voucher_number;
    std::string merchant_code;
    std::string merchant_brand_code;
    bool is_withdrawal{false};
  };

  // One for each fact that can say something of a target; all others are silent.
  [[nodiscard]] auto say(const fact_at& where, const promotion_created& e) -> result<std::string>;
  [[nodiscard]] auto say(const fact_at& where, const targets_imported& e) -> result<std::string>;
  [[nodiscard]] auto say(const fact_at& where, const batch_closed& e) -> result<std::string>;
  [[nodiscard]] auto say(const fact_at& where, const list_sealed& e) -> result<std::string>;
  [[nodiscard]] auto say(const fact_at& where, const promotion_approved& e) -> result<std::string>;
  [[nodiscard]] auto say(const fact_at& where, const run_started& e) -> result<std::string>;
  [[nodiscard]] auto say(const fact_at& where, const targets_released& e) -> result<std::string>;
  [[nodiscard]] auto say(const fact_at& where, const targets_publish_failed& e)
      -> result<std::string>;
  [[nodiscard]] auto say(const fact_at& where, const grants_published& e) -> result<std::string>;
  [[nodiscard]] auto say(const fact_at& where, const results_recorded& e) -> result<std::string>;
  [[nodiscard]] auto say(const fact_at& where, const double_grant_detected& e)
      -> result<std::string>;
  [[nodiscard]] auto say(const fact_at& where, const targets_abandoned& e) -> result<std::string>;
  [[nodiscard]] auto say(const fact_at& where, const results_overdue& e) -> result<std::string>;
  [[nodiscard]] auto say(const fact_at& where, const recalls_recorded& e) -> result<std::string>;
  template <class Other>
  [[nodiscard]] auto say(const fact_at&, const Other&) -> result<std::string> {
    return std::string{};
  }

  story_subject subject_;
  message_source messages_;
  std::optional<promotion_created> created_;
  std::optional<own_row> row_;
  std::set<std::string> batches_;
  std::map<position, own_release> releases_;
};

}  // namespace bestow::evidence
