// Commands that read a data directory without a server. Read-only, except that listing views
// takes the directory's lock. Private to apps/cli.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "apps/cli/context.hpp"
#include "events/result.hpp"
#include "store/event_log.hpp"

namespace bestow::cli {

struct offline_answer {
  exit_code code{exit_code::done};  ///< Anything else was already reported.
  std::string json;
};
/// A log that is read where it lies, or nullptr with the code that was reported.
struct opened_log {
  exit_code code{exit_code::done};
  std::unique_ptr<store::event_log> log;
};
[[nodiscard]] auto open_offline(const context& ctx, const std::string& data) -> opened_log;
/// Complains of a fault with its remedy.
[[nodiscard]] auto report_fault(const context& ctx, const fault& f) -> exit_code;
[[nodiscard]] auto stat_of_directory(const context& ctx, const std::string& data) -> offline_answer;
/// The answer has the shape of GET /api/v1/log.
[[nodiscard]] auto facts_of_directory(const context& ctx, const std::string& data,
                                      std::uint64_t from, std::uint64_t limit,
                                      const std::string& stream) -> offline_answer;
/// Walks the whole chain; a crash in damaged pages is an answer too. code is `fault` when it is
/// not clean.
[[nodiscard]] auto verify_offline(const context& ctx, const std::string& data) -> offline_answer;
[[nodiscard]] auto views_of_directory(const context& ctx, const std::string& data)
    -> offline_answer;

}  // namespace bestow::cli
