// A log as it was at some position: later facts are not there. For replaying up to where a live view
// has come. Threads: reads as the log below; the position is changed by one thread while nobody reads.
#pragma once

#include <algorithm>
#include <utility>

#include "store/event_log.hpp"

namespace bestow::evidence {

class log_until final : public store::event_log {
 public:
  explicit log_until(const store::event_log& log) : log_{log}, until_{log.head().last} {}
  /// Beyond the head counts as the head.
  void end_at(position until) { until_ = std::min(until, log_.head().last); }

  [[nodiscard]] auto append_group(std::span<const store::append_batch>, timestamp)
      -> result<std::vector<store::append_answer>> override {
    return fail(fault_code::internal, "append_group", "the log is open for reading only");
  }
  [[nodiscard]] auto reopen() -> result<void> override { return {}; }
  /// Only the position is that of the end: nothing here asks for more.
  [[nodiscard]] auto head() const -> store::log_head override {
    auto h = log_.head();
    h.last = until_;
    return h;
  }
  [[nodiscard]] auto log_id() const -> std::string override { return log_.log_id(); }
  [[nodiscard]] auto version_of(const stream_id& stream) const -> result<stream_version> override {
    return log_.version_of(stream);
  }
  [[nodiscard]] auto read(position after, const store::read_options& options,
                          const store::event_visitor& visit) const -> result<position> override {
    if (after >= until_) return after;
    const auto seen = log_.read(after, options, [&](const store::stored_event& e) {
      return e.at <= until_ && visit(e);
    });
    if (!seen) return seen;
    return std::min(*seen, until_);
  }
  [[nodiscard]] auto read_stream(const stream_id& stream, stream_version after,
                                 const store::read_options& options,
                                 const store::event_visitor& visit) const
      -> result<stream_version> override {
    return log_.read_stream(stream, after, options, [&](const store::stored_event& e) {
      return e.at <= until_ && visit(e);
    });
  }
  [[nodiscard]] auto streams(aggregate kind, std::uint64_t from_id, std::size_t count_max) const
      -> result<std::vector<stream_id>> override {
    return log_.streams(kind, from_id, count_max);
  }
  [[nodiscard]] auto frame_hash_at(position at) const -> result<sha256_digest> override {
    return log_.frame_hash_at(at);
  }

 private:
  const store::event_log& log_;
  position until_;
};

}  // namespace bestow::evidence
