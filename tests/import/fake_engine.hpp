// An engine for import tests: the real deciders over a memory log, answers from another thread.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <set>
#include <string>
#include <thread>

#include "actors/engine.hpp"
#include "domain/promotion.hpp"
#include "store/memory_log.hpp"

namespace bestow::testing {

class fake_engine final : public actors::engine {
 public:
  explicit fake_engine(promotion_created created);
  ~fake_engine() override;

  /// From the n-th chunk on (from 1; 0 = never) nothing is imported; the answer is this trouble.
  void fail_from_chunk(std::uint64_t n, actors::trouble with);
  /// Chunks wait for release_chunks() before they are looked at.
  void hold_chunks();
  void release_chunks();
  [[nodiscard]] auto log() -> store::memory_log& { return log_; }
  [[nodiscard]] auto state() -> domain::promotion& { return promotion_; }
  [[nodiscard]] auto chunks_seen() const -> std::uint64_t { return chunks_seen_; }
  /// Most chunks that were ever waiting at once.
  [[nodiscard]] auto most_waiting() const -> std::size_t { return most_waiting_; }

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
  auto record_results(std::shared_ptr<const std::vector<bus::decoded_result>> results)
      -> actors::outcome<actors::results_receipt> override;
  auto rebuild_stream(promotion_type type, const actors::caller& by)
      -> actors::outcome<actors::stream_receipt> override;
  auto adopt_stream(promotion_type type, const actors::caller& by)
      -> actors::outcome<actors::adoption_receipt> override;
  auto rebuild_events(const actors::caller& by) -> actors::outcome<actors::stream_receipt> override;
  auto rebuild_view(std::string_view name) -> result<bool> override;
  auto status() -> actors::engine_status override;
  void stop() override;

 private:
  struct waiting_chunk {
    actors::import_chunk chunk;
    std::function<void(actors::outcome<actors::chunk_receipt>)> done;
  };

  void work();
  /// The facts that become durable of a chunk; tells `receipt` of the rows that do not.
  auto filter(const actors::import_chunk& chunk, actors::chunk_receipt& receipt)
      -> targets_imported;
  auto append(const domain::promotion_decision& decided) -> actors::outcome<void>;
  auto batch_receipt(const std::string& batch) -> actors::batch_receipt;

  store::memory_log log_{1};
  domain::promotion promotion_;
  std::set<std::uint64_t> customers_;
  std::set<std::uint64_t> ids_;
  std::set<std::string, std::less<>> vouchers_;
  std::uint64_t chunks_seen_{0};
  std::uint64_t fail_from_{0};
  actors::trouble trouble_;

  std::recursive_mutex state_mutex_;  ///< The engine's own state; commands come from two threads.
  std::mutex mutex_;                  ///< Guards what follows.
  std::condition_variable changed_;
  std::deque<waiting_chunk> waiting_;
  std::size_t most_waiting_{0};
  bool held_{false};
  bool stopping_{false};
  std::thread worker_;
};

}  // namespace bestow::testing
