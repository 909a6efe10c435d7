// Logs to test, events to append and events as read back.
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "events/assert.hpp"
#include "events/clock.hpp"
#include "events/codec.hpp"
#include "store/event_log.hpp"
#include "store/memory_log.hpp"
#include "tests/store/log/temp_directory.hpp"

namespace bestow::testing {

inline constexpr std::uint64_t log_seed = 7;
inline constexpr std::uint64_t map_bytes = 1ULL << 30U;
inline constexpr timestamp noon{1'800'000'000'000};

/// The contract suite's subjects. restart() is a process that ends well and starts again.
class memory_subject {
 public:
  [[nodiscard]] auto log() -> store::event_log& { return log_; }
  auto restart() -> store::event_log& {
    log_.crash();
    return log_;
  }

 private:
  store::memory_log log_{log_seed};
};

template <std::uint64_t SegmentBytes>
class lmdb_files_subject {
 public:
  lmdb_files_subject() { open(); }
  [[nodiscard]] auto log() -> store::event_log& { return *log_; }
  [[nodiscard]] auto directory() const -> const std::string& { return directory_.path(); }
  void close() { log_.reset(); }
  void open() {
    auto opened =
        store::open_lmdb_log({directory_.path(), map_bytes, false, SegmentBytes}, log_seed);
    BESTOW_ASSERT(opened.has_value());
    log_ = std::move(*opened);
  }
  auto restart() -> store::event_log& {
    close();
    open();
    return *log_;
  }

 private:
  temp_directory directory_;
  std::unique_ptr<store::event_log> log_;
};

/// One file.
using lmdb_subject = lmdb_files_subject<limits::log_segment_bytes_default>;
/// A file for each group: whatever reads, crosses from segment to segment.
using segments_subject = lmdb_files_subject<1>;

inline auto bytes_of(std::string_view text) -> std::vector<std::byte> {
  std::vector<std::byte> out(text.size());
  std::ranges::transform(text, out.begin(), [](char c) { return static_cast<std::byte>(c); });
  return out;
}

/// An event whose payload is this text.
inline auto event(std::string_view text, event_type type = event_type::promotion_created)
    -> encoded_event {
  return {type, {}, bytes_of(text)};
}
inline auto events(std::size_t count, std::string_view text = "x") -> std::vector<encoded_event> {
  return std::vector<encoded_event>(count, event(text));
}
inline auto stream(std::uint64_t id) -> stream_id { return stream_of(promotion_id{id}); }
inline auto batch(const stream_id& to, std::uint64_t expected, std::vector<encoded_event> what)
    -> store::append_batch {
  return {to, {expected}, std::move(what)};
}

struct seen_event {
  position at{};
  stream_id stream;
  stream_version version{};
  event_type type{};
  std::vector<std::byte> metadata;
  std::vector<std::byte> payload;
  timestamp recorded_at{};
  timestamp wall_at{};
  auto operator==(const seen_event&) const -> bool = default;
};

inline auto keep(const store::stored_event& e) -> seen_event {
  return {e.at,
          e.stream,
          e.version,
          e.type,
          {e.metadata.begin(), e.metadata.end()},
          {e.payload.begin(), e.payload.end()},
          e.recorded_at,
          e.wall_at};
}

/// Everything after a position. The log must be readable.
inline auto read_all(const store::event_log& log, position after = {},
                     const store::read_options& options = {}) -> std::vector<seen_event> {
  std::vector<seen_event> out;
  const auto end = log.read(after, options, [&](const store::stored_event& e) {
    out.push_back(keep(e));
    return true;
  });
  BESTOW_ASSERT(end.has_value());
  return out;
}
inline auto read_all_of(const store::event_log& log, const stream_id& which,
                        stream_version after = {}, const store::read_options& options = {})
    -> std::vector<seen_event> {
  std::vector<seen_event> out;
  const auto end = log.read_stream(which, after, options, [&](const store::stored_event& e) {
    out.push_back(keep(e));
    return true;
  });
  BESTOW_ASSERT(end.has_value());
  return out;
}

inline auto text_of(const seen_event& e) -> std::string {
  return {reinterpret_cast<const char*>(e.payload.data()), e.payload.size()};
}

/// Appends one batch alone; it must succeed.
inline auto append(store::event_log& log, const store::append_batch& what, timestamp wall = noon)
    -> store::append_receipt {
  auto answers = log.append_group({&what, 1}, wall);
  BESTOW_ASSERT(answers.has_value() && answers->size() == 1 && answers->front().has_value());
  return *answers->front();
}

}  // namespace bestow::testing
