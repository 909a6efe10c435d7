// Where the bytes of a log go: payload bytes of each kind of fact, the payers' own strings apart.
//
// Cost: reads the whole log once and decodes the results. Threads: any.
#pragma once

#include <cstdint>
#include <map>

#include "store/event_log.hpp"

namespace bestow::measure {

struct log_bytes {
  std::map<event_type, std::uint64_t> payloads;
  std::map<event_type, std::uint64_t> facts;
  /// Transaction keys and error messages as stored (compressed); part of results_recorded.
  std::uint64_t payer_strings{0};
  std::uint64_t imported{0};  ///< Targets.
  std::uint64_t results{0};   ///< Rows.

  [[nodiscard]] static auto of(const store::event_log& log) -> result<log_bytes>;
  [[nodiscard]] auto total() const -> std::uint64_t;
  [[nodiscard]] auto import_bytes() const -> std::uint64_t;
  /// Everything after the import, payers' strings apart.
  [[nodiscard]] auto later_bytes() const -> std::uint64_t;

 private:
  [[nodiscard]] auto add(const store::stored_event& e) -> result<void>;
};

}  // namespace bestow::measure
