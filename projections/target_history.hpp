// The history of targets as lines for people: which facts touched them, and what each said.
//
// Private to projections/. Threads: one call's thread.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "events/partition.hpp"
#include "projections/queries.hpp"
#include "projections/view.hpp"

namespace bestow::projections {

/// Gathers the lines of some targets of one partition while its stream goes by.
class target_history {
 public:
  using handles = event_list<targets_released, targets_publish_failed, grants_published,
                             results_recorded, double_grant_detected, targets_abandoned,
                             results_overdue, recalls_recorded>;
  static constexpr bool reads_texts = true;

  explicit target_history(std::vector<target_ordinal> ordinals);

  [[nodiscard]] auto apply(const fact_head& head, const targets_released& e) -> result<void>;
  [[nodiscard]] auto apply(const fact_head& head, const targets_publish_failed& e) -> result<void>;
  [[nodiscard]] auto apply(const fact_head& head, const grants_published& e) -> result<void>;
  [[nodiscard]] auto apply(const fact_head& head, const results_recorded& e) -> result<void>;
  [[nodiscard]] auto apply(const fact_head& head, const double_grant_detected& e) -> result<void>;
  [[nodiscard]] auto apply(const fact_head& head, const targets_abandoned& e) -> result<void>;
  [[nodiscard]] auto apply(const fact_head& head, const results_overdue& e) -> result<void>;
  [[nodiscard]] auto apply(const fact_head& head, const recalls_recorded& e) -> result<void>;

  /// The lines since the last call: by position, those of one fact in the order it names them.
  [[nodiscard]] auto take() -> std::vector<target_fact> { return std::exchange(lines_, {}); }

 private:
  /// A release that one of the targets is in: where its message stands among the release's.
  struct own_release {
    target_ordinal ordinal{};
    run_no run{};
    attempt_no attempt{};
    std::uint32_t message{0};
  };
  [[nodiscard]] auto follows(std::uint64_t ordinal) const -> bool;
  auto add(const fact_head& head, std::string_view what, target_ordinal ordinal,
           std::string detail) -> target_fact&;

  std::vector<target_ordinal> ordinals_;  ///< Ascending, each once.
  std::map<position, std::vector<own_release>> releases_;
  std::vector<target_fact> lines_;
};

}  // namespace bestow::projections
