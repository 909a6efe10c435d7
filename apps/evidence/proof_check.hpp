// Checks a proof without a log and without a server. Pure but for reading the input.
#pragma once

#include <cstdint>
#include <istream>
#include <optional>
#include <string>

#include "apps/evidence/target_proof.hpp"

namespace bestow::evidence {

struct proof_verdict {
  bool sound{false};
  std::string problem;  ///< The first thing that is wrong, with its line; "" when sound.
  proof_title title;
  std::uint64_t claims{0};
  std::uint64_t frames{0};
  /// Every frame follows from the one before, up to the head.
  bool chained{false};
  /// The target's place in the partition was counted from all rows of the promotion.
  bool ordinal_proved{false};
  /// Messages whose bytes were made again from the facts, and those whose grant was read instead
  /// (batch wire: the other grants in them are not this target's).
  std::uint64_t messages_remade{0};
  std::uint64_t messages_read{0};
};

/// What the caller knows from elsewhere.
struct trusted_hashes {
  /// The head's frame hash. Needs frames that are chained to it, or an export.
  std::optional<sha256_digest> head;
  /// An export's frame lines: every frame of the proof must be among them. May be null.
  std::istream* log_export{nullptr};
};

/// Reads the proof line by line, so memory is bounded by a line and the target's facts. Each frame's hash is
/// computed again, each fact decoded again, and each line written again: any changed byte shows.
/// With the whole chain a fact of the target that no claim tells shows, too.
[[nodiscard]] auto check_proof(std::istream& proof, const trusted_hashes& trusted)
    -> proof_verdict;

}  // namespace bestow::evidence
