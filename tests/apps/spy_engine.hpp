// An engine that remembers what it was asked and answers what the test wants. Imports take every
// row. Threads: any; one call at a time is remembered.
#pragma once

#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "actors/engine.hpp"

namespace bestow::testing {

class spy_engine final : public actors::engine {
 public:
  /// Answers the next commands until changed.
  actors::outcome<actors::command_receipt> next{actors::command_receipt{}};
  std::optional<actors::trouble> import_trouble;
  std::optional<actors::trouble> chunk_trouble;  ///< Of rows, when their batch is open.
  result<bool> next_rebuild{true};
  actors::outcome<actors::stream_receipt> next_stream{actors::stream_receipt{}};
  actors::outcome<actors::adoption_receipt> next_adoption{actors::adoption_receipt{}};
  actors::engine_status figures;
  std::function<void()> before;  ///< Runs in each command first; may block.

  /// "seal 7 by local", in order.
  [[nodiscard]] auto calls() const -> std::vector<std::string>;
  [[nodiscard]] auto last_created() const -> promotion_created;
  [[nodiscard]] auto last_caller() const -> actors::caller;
  /// All rows of all import chunks so far.
  [[nodiscard]] auto imported_rows() const -> std::uint64_t;

  auto create(promotion_created wanted, const actors::caller& by)
      -> actors::outcome<actors::command_receipt> override;
  auto open_batch(promotion_id id, std::string batch, import_format format,
                  const actors::caller& by) -> actors::outcome<actors::batch_receipt> override;
  auto import(promotion_id id, actors::import_chunk chunk)
      -> actors::outcome<actors::chunk_receipt> override;
  void import_async(promotion_id id, actors::import_chunk chunk,
                    std::function<void(actors::outcome<actors::chunk_receipt>)> done) override;
  auto probe(promotion_id id, actors::import_chunk chunk)
      -> actors::outcome<actors::probe_receipt> override;
  auto close_batch(promotion_id id, domain::close_batch c, const actors::caller& by)
      -> actors::outcome<actors::batch_receipt> override;
  auto abandon_batch(promotion_id id, domain::abandon_batch c, const actors::caller& by)
      -> actors::outcome<actors::command_receipt> override;
  auto seal(promotion_id id, const actors::caller& by)
      -> actors::outcome<actors::command_receipt> override;
  auto approve(promotion_id id, const actors::caller& by)
      -> actors::outcome<actors::command_receipt> override;
  auto start_run(promotion_id id, std::uint32_t run_date, const actors::caller& by)
      -> actors::outcome<actors::command_receipt> override;
  auto stop_run(promotion_id id, std::string reason, const actors::caller& by)
      -> actors::outcome<actors::command_receipt> override;
  auto resume(promotion_id id, const actors::caller& by)
      -> actors::outcome<actors::command_receipt> override;
  auto schedule(promotion_id id, timestamp at, const actors::caller& by)
      -> actors::outcome<actors::command_receipt> override;
  auto cancel(promotion_id id, std::string reason, const actors::caller& by)
      -> actors::outcome<actors::command_receipt> override;
  auto close(promotion_id id, std::string reason, const actors::caller& by)
      -> actors::outcome<actors::command_receipt> override;
  auto retry(promotion_id id, retry_scope scope, std::vector<std::uint64_t> targets,
             const actors::caller& by) -> actors::outcome<actors::command_receipt> override;
  auto recall(promotion_id id, std::string reason, std::vector<std::uint64_t> targets,
              const actors::caller& by) -> actors::outcome<actors::command_receipt> override;
  /// Key "known": a repeat; "too early": refused; the rest is recorded.
  auto record_results(std::shared_ptr<const std::vector<bus::decoded_result>> results)
      -> actors::outcome<actors::results_receipt> override;
  [[nodiscard]] auto recorded() const -> std::vector<bus::decoded_result> {
    const std::lock_guard lock{mutex_};
    return recorded_;
  }
  auto rebuild_stream(promotion_type type, const actors::caller& by)
      -> actors::outcome<actors::stream_receipt> override;
  auto adopt_stream(promotion_type type, const actors::caller& by)
      -> actors::outcome<actors::adoption_receipt> override;
  auto rebuild_events(const actors::caller& by) -> actors::outcome<actors::stream_receipt> override;
  auto rebuild_view(std::string_view name) -> result<bool> override;
  auto status() -> actors::engine_status override { return figures; }
  void stop() override {}

 private:
  auto note(std::string what, const actors::caller& by) -> actors::outcome<actors::command_receipt>;

  mutable std::mutex mutex_;
  std::vector<std::string> calls_;
  promotion_created created_;
  actors::caller caller_;
  domain::batch_state batch_;
  std::vector<bus::decoded_result> recorded_;
  std::uint64_t rows_{0};
};

}  // namespace bestow::testing
