// A small world for view tests: a memory log filled only by what the domain decides, the sealed
// lists built from it, and the folds to compare the views with.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "domain/partition.hpp"
#include "domain/promotion.hpp"
#include "projections/queries.hpp"
#include "projections/registry.hpp"
#include "projections/runner.hpp"
#include "store/memory_log.hpp"
#include "store/target_list.hpp"
#include "store/view_store.hpp"

namespace bestow::projections::testing {

struct target_spec {
  std::uint64_t id{0};
  std::uint16_t partition{0};
  std::int64_t amount{0};
  std::uint64_t customer{0};  ///< 0: id + 7,000,000.
};

/// A fresh directory under the system's temporary one; removed with the object.
class temp_directory {
 public:
  temp_directory();
  temp_directory(const temp_directory&) = delete;
  auto operator=(const temp_directory&) -> temp_directory& = delete;
  ~temp_directory();
  [[nodiscard]] auto path() const -> std::string { return path_.string(); }

 private:
  std::filesystem::path path_;
};

class stage {
 public:
  explicit stage(std::uint64_t seed = 1);

  [[nodiscard]] auto log() -> store::memory_log& { return log_; }
  [[nodiscard]] auto lists() -> store::target_lists& { return *lists_; }
  [[nodiscard]] auto context() -> view_context { return {&log_, lists_.get()}; }

  /// Moves the wall clock.
  void tick(std::int64_t milliseconds) { now_.value += milliseconds; }
  [[nodiscard]] auto now() const -> timestamp { return now_; }

  /// What the domain makes of the command is appended and folded. True: there were facts. A
  /// refusal fails the test.
  template <class Command>
  auto tell(promotion_id id, const Command& command) -> bool {
    return add(id, domain::decide(command, promotions_[id]));
  }
  template <class Command>
  auto tell(promotion_id id, std::uint16_t k, const Command& command) -> bool {
    return add(id, partition_no{k}, domain::decide(command, partition(id, k)));
  }

  /// Creates a promotion; imports the targets in one closed batch unless there are none.
  void create(promotion_id id, std::uint32_t partitions,
              promotion_type type = promotion_type::point);
  void open_batch(promotion_id id, const std::string& batch);
  void import(promotion_id id, const std::string& batch, const std::vector<target_spec>& targets,
              std::uint32_t rejected = 0);
  void close_batch(promotion_id id, const std::string& batch);
  void seal(promotion_id id);
  /// Creates, imports, seals, approves and starts.
  void begin(promotion_id id, std::uint32_t partitions, const std::vector<target_spec>& targets);
  void start(promotion_id id, bool resume = false, std::uint32_t chunk = 1'000);
  void release(promotion_id id, std::uint16_t k, std::uint32_t count,
               std::vector<std::uint32_t> too_large = {});
  /// Every open release of the partition, oldest first, at most `count`.
  void publish(promotion_id id, std::uint16_t k, std::size_t count = ~std::size_t{0});
  void answer(promotion_id id, std::uint16_t k, std::vector<domain::result_row> rows);
  /// Partitions say that they are done where they are; then the promotion completes if all are.
  void conclude(promotion_id id);

  void retry(promotion_id id, retry_scope scope);
  void recall(promotion_id id);
  /// The next targets of the open recall, else of the run's retry; a recall that is all released
  /// is finished.
  void release_again(promotion_id id, std::uint16_t k, std::uint32_t count);
  void answer_recalls(promotion_id id, std::uint16_t k, std::vector<domain::recall_row> rows);
  /// What was published up to `until` is not waited for any longer.
  void expire(promotion_id id, std::uint16_t k, timestamp until);

  [[nodiscard]] auto promotion(promotion_id id) -> const domain::promotion& {
    return promotions_[id];
  }
  [[nodiscard]] auto promotions() const -> const std::map<promotion_id, domain::promotion>& {
    return promotions_;
  }
  [[nodiscard]] auto partition(promotion_id id, std::uint16_t k) -> const domain::partition&;
  /// Sum of the partitions' counts.
  [[nodiscard]] auto counts(promotion_id id) -> domain::target_counts;

  /// Appends an event as it is, past the domain.
  auto append(const stream_id& stream, encoded_event event) -> position;

 private:
  auto add(promotion_id id, domain::promotion_decision decision) -> bool;
  auto add(promotion_id id, partition_no k, domain::partition_decision decision) -> bool;
  void append_all(const stream_id& stream, std::vector<encoded_event> events,
                  const std::function<void(std::size_t, position)>& folded);

  store::memory_log log_;
  std::unique_ptr<store::target_lists> lists_;
  timestamp now_{1'700'000'000'000};
  std::map<promotion_id, domain::promotion> promotions_;
  std::map<std::pair<promotion_id, std::uint16_t>, domain::partition> partitions_;
  std::map<promotion_type, std::uint64_t> next_seq_;
};

/// `count` targets with ids 10, 20, ... dealt over the partitions in turn; amounts 100, 101, ...
[[nodiscard]] auto some_targets(std::size_t count, std::uint32_t partitions)
    -> std::vector<target_spec>;
[[nodiscard]] auto answered(std::uint32_t ordinal, process_status status, std::string_view key = {},
                            std::string_view error = {}) -> domain::result_row;

/// All registered views, with the bounds given.
[[nodiscard]] auto open_all(stage& s, store::view_store_factory& stores,
                            const batch_bounds& bounds = {}) -> std::unique_ptr<view_set>;
/// Steps until the view has caught up. A fault fails the test.
void follow(view_set& views, std::string_view name);
void follow_all(view_set& views);
[[nodiscard]] auto hashes(const view_set& views) -> std::map<std::string, std::string>;

/// Where views are kept: "memory" or "lmdb".
[[nodiscard]] auto make_stores(std::string_view kind, const temp_directory& dir)
    -> std::unique_ptr<store::view_store_factory>;

}  // namespace bestow::projections::testing
