// All registered views: their stores, their progress, their rebuilds.
//
// A projector actor drives each view with step(); readers ask for a snapshot. Rows and checkpoint
// commit together, so a killed projector goes on exactly where its rows end. A view whose
// checkpoint does not fit the log's history is rebuilt, never continued.
// Threads: step(name) from one thread per view at a time; everything else from any thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "events/result.hpp"
#include "events/types.hpp"
#include "store/event_log.hpp"
#include "store/target_list.hpp"
#include "store/view_store.hpp"

namespace bestow::projections {

enum class view_life : std::uint8_t { following, rebuilding, stopped };

struct view_status {
  std::string name;
  std::uint32_t version{0};
  view_life life{view_life::following};
  position at{};         ///< Everything up to here is applied and committed.
  std::uint64_t lag{0};  ///< Events between it and the log head.
  std::string problem;   ///< Why it stopped; "" otherwise.
};

struct step_report {
  position at{};
  bool caught_up{false};  ///< Nothing more in the log when the step ended.
};

class view_set {
 public:
  view_set() = default;
  view_set(const view_set&) = delete;
  auto operator=(const view_set&) -> view_set& = delete;
  virtual ~view_set() = default;

  /// Names in registry order.
  [[nodiscard]] virtual auto names() const -> std::vector<std::string> = 0;
  /// Applies the next batch (bounded by limits::projector_batch_*) in one transaction.
  /// @fault view_poisoned  an event cannot be applied; the view is stopped and says so in status
  [[nodiscard]] virtual auto step(std::string_view name) -> result<step_report> = 0;
  /// Builds the view again beside the serving one; step() drives the rebuild; when it has caught up
  /// readers are switched atomically. False: no such view.
  [[nodiscard]] virtual auto start_rebuild(std::string_view name) -> result<bool> = 0;
  [[nodiscard]] virtual auto status() const -> std::vector<view_status> = 0;
  /// Waits until the serving view has committed everything up to `at`. False: timed out.
  [[nodiscard]] virtual auto wait_for(std::string_view name, position at,
                                      std::chrono::milliseconds within) const -> bool = 0;
  /// A snapshot of the serving rows. @fault internal  no such view.
  [[nodiscard]] virtual auto read(std::string_view name) const
      -> result<std::unique_ptr<store::view_reader>> = 0;
  /// SHA-256 over (key, value) of all rows: two builds of one log agree (G5).
  [[nodiscard]] virtual auto dump_hash(std::string_view name) const -> result<std::string> = 0;
};

/// Opens every registered view (projections/registry.hpp). `log` and `lists` outlive it.
[[nodiscard]] auto open_views(store::view_store_factory& stores, const store::event_log& log,
                              store::target_lists& lists) -> result<std::unique_ptr<view_set>>;

}  // namespace bestow::projections
