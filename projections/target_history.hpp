// A target's history as lines for people: which facts touched it, and what each said.
//
// Private to projections/. Threads: one call's thread.
#pragma once

#include <map>
#include <vector>

#include "events/partition.hpp"
#include "projections/queries.hpp"
#include "projections/view.hpp"

namespace bestow::projections {

/// Gathers the lines of one target while its partition's stream goes by.
class target_history {
 public:
  using handles = event_list<targets_released, targets_publish_failed, grants_published,
                             results_recorded, double_grant_detected, targets_abandoned,
                             results_overdue, recalls_recorded>;

  explicit target_history(target_ordinal ordinal) : ordinal_{ordinal} {}

  [[nodiscard]] auto apply(const fact_head& head, const targets_released& e) -> result<void>;
  [[nodiscard]] auto apply(const fact_head& head, const targets_publish_failed& e) -> result<void>;
  [[nodiscard]] auto apply(const fact_head& head, const grants_published& e) -> result<void>;
  [[nodiscard]] auto apply(const fact_head& head, const results_recorded& e) -> result<void>;
  [[nodiscard]] auto apply(const fact_head& head, const double_grant_detected& e) -> result<void>;

  [[nodiscard]] auto apply(const fact_head& head, const targets_abandoned& e) -> result<void>;
  [[nodiscard]] auto apply(const fact_head& head, const results_overdue& e) -> result<void>;
  [[nodiscard]] auto apply(const fact_head& head, const recalls_recorded& e) -> result<void>;

  [[nodiscard]] auto take() -> std::vector<target_fact> { return std::move(lines_); }

 private:
  /// A release the target is in: where its message stands among the release's.
  struct own_release {
    attempt_no attempt{};
    std::uint32_t message{0};
  };
  void add(const fact_head& head, std::string_view what, std::string detail);

  target_ordinal ordinal_;
  std::map<position, own_release> releases_;
  std::vector<target_fact> lines_;
};

}  // namespace bestow::projections
