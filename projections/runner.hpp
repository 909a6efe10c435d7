// Drives one view: batches, checkpoint, resume, rebuild beside the serving rows, poison, waiting.
//
// Promise: rows and checkpoint are committed together, so whatever is killed when, the next step
// goes on exactly behind the rows. Rows of another history (the checkpoint's frame hash is not the
// log's) are thrown away before anyone reads them.
// Threads: step from one thread at a time; everything else from any thread.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "events/limits.hpp"
#include "events/result.hpp"
#include "projections/view.hpp"
#include "projections/view_set.hpp"
#include "store/view_store.hpp"

namespace bestow::projections {

/// Where one transaction ends. The event that passes a bound is still in it.
struct batch_bounds {
  std::uint64_t events{limits::projector_batch_events};
  std::uint64_t targets{limits::projector_batch_targets};
  std::uint64_t log_bytes{limits::projector_batch_bytes};
  std::size_t dirty_pages{limits::projector_dirty_pages};
};

class view_runner {
 public:
  /// Opens the serving rows, removes what an interrupted rebuild left, checks the checkpoint.
  [[nodiscard]] static auto open(const view_definition& definition, const view_context& context,
                                 store::view_store_factory& stores, const batch_bounds& bounds)
      -> result<std::unique_ptr<view_runner>>;

  [[nodiscard]] auto name() const -> std::string_view { return definition_.name; }
  /// One batch of the serving rows and, during a rebuild, one of the new rows.
  /// @fault view_poisoned  the view is stopped; a rebuild may start it again. Where its own rows
  ///                       are damaged the next step begins that rebuild by itself.
  /// @fault any other      nothing was applied; step again later. Until one succeeds the status
  ///                       names the fault.
  [[nodiscard]] auto step() -> result<step_report>;
  /// Asks for a rebuild; the next step begins it, once no reader holds rows of before the last
  /// rebuild. Asking again during one changes nothing.
  void start_rebuild();
  [[nodiscard]] auto status() const -> view_status;
  /// False at once when the view is stopped, and after `within` otherwise.
  [[nodiscard]] auto wait_for(position at, std::chrono::milliseconds within) const -> bool;
  [[nodiscard]] auto read() const -> result<std::unique_ptr<store::view_reader>>;

 private:
  /// One set of rows and how far it has read.
  struct build {
    std::shared_ptr<store::view_store> rows;
    std::uint32_t generation{0};
    position at{};
  };

  view_runner(const view_definition& definition, const view_context& context,
              store::view_store_factory& stores, const batch_bounds& bounds)
      : definition_{definition}, context_{context}, stores_{&stores}, bounds_{bounds} {}

  [[nodiscard]] auto open_rows(std::uint32_t generation) -> result<build>;
  [[nodiscard]] auto fits(const store::view_store& rows) const -> result<std::optional<position>>;
  [[nodiscard]] auto open_serving() -> result<void>;
  [[nodiscard]] auto begin_wanted_rebuild() -> result<void>;
  [[nodiscard]] auto advance(build& b) -> result<bool>;
  [[nodiscard]] auto advance_rebuild() -> result<bool>;
  [[nodiscard]] auto commit(build& b, store::view_writer& rows, position at) -> result<void>;
  void switch_to_rebuild();
  [[nodiscard]] auto retire_old_rows() -> result<void>;
  [[nodiscard]] auto stop(const fault& why) -> fault;
  [[nodiscard]] auto take_step() -> result<step_report>;

  view_definition definition_;
  view_context context_;
  store::view_store_factory* stores_;
  batch_bounds bounds_;

  mutable std::mutex mutex_;  ///< Guards what follows; only step() changes the builds.
  mutable std::condition_variable moved_;
  build serving_;
  std::optional<build> rebuild_;
  std::shared_ptr<store::view_store> retired_;  ///< Old rows that a reader may still hold.
  bool flip_due_{false};                        ///< The disk does not yet know which rows serve.
  std::uint32_t last_generation_{0};
  bool rebuild_wanted_{false};
  bool stopped_{false};
  std::string problem_;
  std::string held_up_;  ///< The fault of the latest step, which the next one may not meet.
};

/// A view set over any views. open_views() is this over the registry with the bounds of limits.hpp.
[[nodiscard]] auto open_view_set(const std::vector<view_definition>& definitions,
                                 const view_context& context, store::view_store_factory& stores,
                                 const batch_bounds& bounds) -> result<std::unique_ptr<view_set>>;

}  // namespace bestow::projections
