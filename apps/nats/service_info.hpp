// What Bestow tells NATS tools of itself: $SRV.PING, $SRV.INFO and $SRV.STATS as NATS micro
// services answer them (nats.c 3.4 has no such API, so the answers are made here).
//
// Thread-safe: stats may be written by many threads while they are read.
#pragma once

#include <chrono>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bus/responder.hpp"
#include "events/types.hpp"

namespace bestow::commands {

inline constexpr std::string_view service_name = "bestow";
/// One of the processes in this group gets each command.
inline constexpr std::string_view queue_group = "bestow";

/// Who answers.
struct service_identity {
  std::string id;       ///< Of this process: letters and digits.
  std::string version;  ///< Of Bestow: 1.2.3.
  std::string prefix;   ///< Of the commands' subjects.
  timestamp started{};
};

/// What one command was asked and how long it took.
class endpoint_stats {
 public:
  /// `error` "" = done.
  void count(std::chrono::nanoseconds took, const std::string& error);
  struct figures {
    std::uint64_t requests{0};
    std::uint64_t errors{0};
    std::string last_error;
    std::chrono::nanoseconds processing{0};
  };
  [[nodiscard]] auto read() const -> figures;

 private:
  mutable std::mutex mutex_;
  figures all_;
};

/// Subjects to listen on for $SRV.
[[nodiscard]] auto service_subjects() -> std::vector<bus::request_subject>;
/// The answer to a request on `subject`; nullopt: it is for another service, or no such request.
/// `stats` has one for each command, in the order of command_table().
[[nodiscard]] auto service_answer(std::string_view subject, const service_identity& who,
                                  const std::vector<endpoint_stats>& stats)
    -> std::optional<std::string>;

}  // namespace bestow::commands
