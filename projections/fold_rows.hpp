// Rows every fold over targets needs beside its pages: how many targets each partition has, which
// releases wait for their publish, and what a target is worth.
//
// All are kept back during one transaction; releases that open and close inside it never reach the
// environment. Private to projections/. Threads: one transaction's thread.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "events/columns.hpp"
#include "events/partition.hpp"
#include "events/promotion.hpp"
#include "events/result.hpp"
#include "projections/target_pages.hpp"
#include "projections/view.hpp"
#include "store/view_store.hpp"

namespace bestow::projections {

/// Targets of each partition of sealed lists.
class list_sizes {
 public:
  explicit list_sizes(store::view_writer& rows) : rows_{&rows} {}
  /// The list was sealed. Written at once: it happens once in a promotion's life.
  [[nodiscard]] auto put(promotion_id promotion, const list_sealed& e) -> result<void>;
  /// 0: no such partition, or the list is not sealed.
  [[nodiscard]] auto size(const partition_place& place) -> result<std::uint32_t>;
  /// The same from a snapshot, for all partitions; nullopt: not sealed.
  [[nodiscard]] static auto read(const store::view_reader& rows, promotion_id promotion)
      -> result<std::optional<std::vector<std::uint32_t>>>;

 private:
  store::view_writer* rows_;
  std::map<promotion_id, std::vector<std::uint32_t>> known_;
};

/// A release between its fact and its publish.
struct waiting_release {
  partition_place place;
  release_kind kind{release_kind::grant};
  attempt_no attempt{};
  std::uint32_t message_count{0};
  ordinal_ranges ordinals;
};

class waiting_releases {
 public:
  explicit waiting_releases(store::view_writer& rows) : rows_{&rows} {}
  void open(position at, waiting_release r);
  /// Takes the release out. nullopt: none waits at this position.
  [[nodiscard]] auto close(position at) -> result<std::optional<waiting_release>>;
  /// Writes what opened and erases what closed, in key order. Called once.
  [[nodiscard]] auto write() -> result<void>;

 private:
  store::view_writer* rows_;
  std::map<position, waiting_release> opened_;  ///< In this transaction, still waiting.
  std::vector<position> closed_;                ///< Opened in an earlier one.
};

/// Amount columns of sealed lists.
class list_amounts {
 public:
  explicit list_amounts(const view_context& context) : context_{&context} {}
  /// The list, mapped (and rebuilt from the log when its files are gone). Lives as long as this.
  [[nodiscard]] auto of(promotion_id promotion) -> result<const store::target_list*>;

 private:
  const view_context* context_;
  std::map<promotion_id, std::shared_ptr<const store::target_list>> open_;
};

}  // namespace bestow::projections
