// The rows of a batch that the log says were refused, read as they are needed.
//
// Promise: memory is that of a few facts, however many rows were refused. Threads: one reader
// belongs to one thread.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "domain/rejection.hpp"
#include "events/result.hpp"
#include "events/types.hpp"
#include "store/event_log.hpp"

namespace bestow::importing {

struct durable_reject {
  std::uint64_t row{0};
  domain::row_field field{};
  domain::row_rejection code{};
};

class durable_rejects {
 public:
  durable_rejects(const store::event_log& log, promotion_id promotion, std::string batch);
  /// Refused rows up to `last_row` that no earlier call gave, ascending. The log covers last_row.
  /// @fault log_corrupt, log_io_failed  as the log says.
  [[nodiscard]] auto take_until(std::uint64_t last_row) -> result<std::vector<durable_reject>>;

 private:
  /// Reads some more facts; false at the end of the stream.
  [[nodiscard]] auto read_more() -> result<bool>;

  const store::event_log* log_;
  stream_id stream_;
  std::string batch_;
  stream_version seen_;
  std::uint64_t covered_row_{0};  ///< Last row of the facts read so far.
  std::deque<durable_reject> waiting_;
};

}  // namespace bestow::importing
