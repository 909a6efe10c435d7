// What stat_of asks of a log. Implemented by every log beside event_log.
#pragma once

#include "events/result.hpp"
#include "store/event_log.hpp"

namespace bestow::store {

class log_statistics {
 public:
  log_statistics() = default;
  log_statistics(const log_statistics&) = delete;
  auto operator=(const log_statistics&) -> log_statistics& = delete;
  virtual ~log_statistics() = default;
  /// Thread-safe; a few page reads. @fault log_io_failed.
  [[nodiscard]] virtual auto statistics() const -> result<log_stat> = 0;
  /// What log_room.hpp asks.
  [[nodiscard]] virtual auto has_room() const -> bool { return true; }
};

}  // namespace bestow::store
