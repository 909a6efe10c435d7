// One life of a promotion from one seed: the production actors, with kills, failed commits, lost
// acks, a broken link, redeliveries, clock jumps, stops, resumes, retries, recalls, overdue answers
// and a close at random moments. After the
// faults end, everything must come to its end and every invariant hold.
#pragma once

#include <cstdint>
#include <string>

namespace bestow::tests {

struct life_report {
  std::string problem;        ///< "" = every invariant held.
  std::string log_hash;       ///< Of the last frame: the same seed gives the same one.
  std::uint64_t steps{0};
  std::uint64_t kills{0};
  std::uint64_t orderly_ends{0};  ///< Of the kills.
  std::uint64_t commit_faults{0};
  std::uint64_t link_faults{0};
  std::uint64_t stops{0};
  std::uint64_t targets{0};
  std::uint64_t asked_again{0};  ///< Retries and recalls that were asked for; most are refused.
  std::uint64_t retries{0};      ///< Carried out, by partition.
  std::uint64_t recalls{0};
  std::uint64_t unknown{0};      ///< Targets without an answer at the end.
  std::uint64_t closed{0};
};

[[nodiscard]] auto live_once(std::uint64_t seed) -> life_report;

}  // namespace bestow::tests
