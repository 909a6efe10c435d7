// Drives one import: an input's bytes on one side, the engine on the other.
//
// Promise: the answer rests on durable facts, and a re-send of the same batch gets the same answer:
// what the log has already is compared byte for byte (by hash) and not imported again. An input
// that ends without finish() leaves its batch open, to be sent again and gone on with.
// Memory: limits::import_chunks_in_flight chunks. Threads: one driver belongs to one thread; its
// calls block while the engine works.
//
//   import_driver driver{engine, log, options};
//   for each piece: driver.push(piece);   // stop at the first trouble
//   driver.finish();
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "actors/engine.hpp"
#include "apps/import/durable_rejects.hpp"
#include "apps/import/import_session.hpp"
#include "apps/import/rejects_file.hpp"
#include "store/event_log.hpp"

namespace bestow::importing {

/// Rows that are durable, and the input's bytes up to the last of them.
struct import_progress {
  std::uint64_t rows{0};
  std::uint64_t bytes{0};
};

struct import_options {
  promotion_id promotion{};
  std::string batch;  ///< Usually the file's SHA-256 in hex. Empty is refused.
  import_format format{import_format::csv};
  bool cp949{false};   ///< The input is CP949, not UTF-8.
  bool strict{false};  ///< One bad row voids the batch.
  actors::caller by;
  std::string directory;  ///< Data directory for rejects files; "" = keep none.
  std::function<void(const import_progress&)> on_progress;  ///< After each durable chunk.
};

struct import_answer {
  std::string batch;
  std::uint64_t rows{0};
  std::uint64_t accepted{0};
  std::uint64_t rejected{0};
  std::uint64_t bytes{0};
  sha256_digest sha256{};             ///< Of the whole input.
  std::vector<rejected_row> rejects;  ///< The first limits::rejects_in_answer_max, in file order.
  std::string rejects_path;           ///< Holds them all; "" when there are none or none are kept.
  bool repeated{false};               ///< The batch was closed already; nothing was done.
  position at{};
};

class import_driver {
 public:
  /// `engine` and `log` (the engine's own) outlive the driver. Nothing is done yet.
  import_driver(actors::engine& engine, const store::event_log& log, import_options options);
  import_driver(const import_driver&) = delete;
  auto operator=(const import_driver&) -> import_driver& = delete;
  /// Waits for chunks on their way. Without finish() they are durable then and the batch is open.
  ~import_driver();

  /// Takes the next piece of the input, of any size. Blocks while
  /// limits::import_chunks_in_flight chunks are under way.
  /// @refuses promotion_not_found; input_encoding_*, input_header_* (nothing was opened);
  ///          batch_content_differs; what open_batch and import refuse.
  /// @fault   what the engine answers; outcome_unknown when it does not in time. Send again.
  /// After a trouble every further call answers the same.
  [[nodiscard]] auto push(std::string_view bytes) -> actors::outcome<void>;
  /// The input is complete: waits for its last chunk, makes the rejects file durable, closes the
  /// batch. Call once. Refuses and faults as push(), file_io_failed for the rejects file, and
  /// outcome_unknown when the batch was being sent twice at once: send it again.
  /// @refuses strict_import_has_bad_rows  the batch is void, its rejects file stands; voided() says
  ///          what was found.
  [[nodiscard]] auto finish() -> actors::outcome<import_answer>;

  /// After a trouble: the batch is open in the log and waits to be gone on with or given up.
  [[nodiscard]] auto holds_open_batch() const -> bool;
  /// The answer that a strict import did not give; nullopt unless it was refused as such.
  [[nodiscard]] auto voided() const -> const std::optional<import_answer>& { return voided_; }

 private:
  struct flight;
  struct landing;

  [[nodiscard]] auto advance() -> actors::outcome<void>;
  [[nodiscard]] auto make_session() -> actors::outcome<void>;
  [[nodiscard]] auto begin() -> actors::outcome<bool>;
  [[nodiscard]] auto open() -> actors::outcome<void>;
  [[nodiscard]] auto take(judged_chunk chunk) -> actors::outcome<void>;
  void send(judged_chunk chunk);
  [[nodiscard]] auto settle_down_to(std::size_t flights) -> actors::outcome<void>;
  [[nodiscard]] auto settle(const judged_chunk& chunk, const actors::chunk_receipt& receipt)
      -> actors::outcome<void>;
  [[nodiscard]] auto settle_durable(const judged_chunk& chunk) -> actors::outcome<void>;
  [[nodiscard]] auto report(const judged_chunk& chunk, std::vector<bad_row> bad_rows)
      -> actors::outcome<void>;
  [[nodiscard]] auto duplicate_detail(domain::row_field field, std::string_view original)
      -> std::string;
  [[nodiscard]] auto check_reported() -> actors::outcome<void>;
  [[nodiscard]] auto close() -> actors::outcome<import_answer>;
  [[nodiscard]] auto void_batch(import_answer answer) -> actors::outcome<import_answer>;
  [[nodiscard]] auto differs() const -> actors::trouble;

  actors::engine* engine_;
  const store::event_log* log_;
  import_options options_;
  std::optional<actors::trouble> trouble_;
  std::optional<import_session> session_;  ///< Made when the promotion's type is known.
  bool voucher_{false};
  bool begun_{false};
  actors::batch_receipt batch_;
  std::optional<durable_rejects> durable_;
  std::shared_ptr<landing> landing_;
  std::deque<std::shared_ptr<flight>> flights_;
  std::unique_ptr<rejects_file> rejects_;
  std::vector<rejected_row> answer_rejects_;
  std::uint64_t rejected_{0};
  position at_{};
  std::optional<import_answer> voided_;
};

}  // namespace bestow::importing
