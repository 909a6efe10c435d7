// The places for long answers: views, the log and proofs share limits::exports_max of them, because
// each holds one of the server's threads. Private to apps/http. Threads: any.
#pragma once

#include <fmt/format.h>

#include "apps/http/http_types.hpp"
#include "apps/http/problem.hpp"
#include "events/limits.hpp"

namespace bestow::http {

/// One of the exports that may run at once, for as long as it lives.
class export_place {
 public:
  explicit export_place(http_state& state) : state_{&state} {
    taken_ = state_->exports.fetch_add(1) < limits::exports_max;
  }
  export_place(const export_place&) = delete;
  auto operator=(const export_place&) -> export_place& = delete;
  ~export_place() { state_->exports.fetch_sub(1); }
  [[nodiscard]] auto taken() const -> bool { return taken_; }

 private:
  http_state* state_;
  bool taken_{false};
};

/// The answer when none is free.
[[nodiscard]] inline auto no_export_place() -> problem {
  return problem_of(request_error::exports_busy,
                    fmt::format("{} are under way, which is the limit", limits::exports_max));
}

}  // namespace bestow::http
