// Everything the log says of one target, with the frames that say it: a document that an auditor
// checks with SHA-256 alone. docs/guides/audit.md describes its lines and what it does not prove.
//
// Promise: memory is bounded by the target's facts and one frame; what is proved is settled when it
// is gathered. The last line says that the document is whole.
// Threads: one proof belongs to one thread at a time.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "apps/evidence/target_story.hpp"
#include "events/result.hpp"
#include "events/types.hpp"
#include "store/event_log.hpp"
#include "store/target_list.hpp"
#include "store/target_list_source.hpp"

namespace bestow::evidence {

/// Which frames the document carries.
enum class proof_chain : std::uint8_t {
  /// Every frame from the promotion's first one to the head: each hash can be computed from the one
  /// before, and the ordinal from all rows. Size: the log from there on, in base64.
  whole,
  /// Only those that hold a fact of the target: small; their hashes must be looked up in an export.
  facts,
};
[[nodiscard]] auto parse_proof_chain(std::string_view word) -> std::optional<proof_chain>;
[[nodiscard]] auto name_of(proof_chain chain) -> std::string_view;

/// The first line of a proof.
struct proof_title {
  std::string log_id;
  story_subject subject;
  promotion_type type{};
  proof_chain chain{proof_chain::whole};
  position from{};  ///< Of the promotion's first fact.
  position head{};
  sha256_digest head_hash{};
};
[[nodiscard]] auto title_line(const proof_title& title) -> std::string;
[[nodiscard]] auto end_line(std::uint64_t claims, std::uint64_t frames) -> std::string;

class target_proof {
 public:
  /// Reads the promotion's and the partition's stream. nullopt: no such promotion, it is not sealed,
  /// or it has no such target.
  /// @fault log_corrupt, log_io_failed
  /// @fault overloaded  the target has more than limits::proof_facts_max facts
  [[nodiscard]] static auto gather(const store::event_log& log, store::target_lists& lists,
                                   promotion_id promotion, target_id target, proof_chain chain)
      -> result<std::optional<target_proof>>;

  /// Appends the next lines to `out`. @returns false after the last one.
  /// @fault log_corrupt, log_io_failed  the document ends here and is not whole
  [[nodiscard]] auto step(std::string& out) -> result<bool>;
  [[nodiscard]] auto claims() const -> std::size_t { return claims_.size(); }

 private:
  struct told {
    position at{};
    std::string line;
  };
  explicit target_proof(const store::event_log& log) : log_{&log} {}
  [[nodiscard]] auto tell_all(const store::target_list& list, const store::list_scope& scope)
      -> result<void>;
  [[nodiscard]] auto next_position() const -> position;

  const store::event_log* log_;
  proof_title title_;
  std::vector<told> claims_;
  position next_{};  ///< The frame that holds it comes next; 0: nothing was written.
  std::uint64_t frames_{0};
};

}  // namespace bestow::evidence
