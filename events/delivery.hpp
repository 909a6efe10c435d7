// Facts about one outgoing JetStream stream: stream delivery-voucher or delivery-point.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <tuple>
#include <variant>

#include "events/types.hpp"

namespace bestow {

/// The JetStream stream (or a new generation of it) belongs to this log from here on. The first
/// message of a generation is the identity message; grants follow from base_seq + 1.
struct stream_generation_started {
  static constexpr std::string_view name = "stream_generation_started";
  std::string stream;  ///< GRANTS_VOUCHER or GRANTS_POINT (with the configured prefix).
  std::uint32_t generation{1};
  std::uint64_t base_seq{1};   ///< Sequence of the identity message.
  position from_release{};     ///< Releases at or after this position are planned into it.

  static constexpr auto fields =
      std::tuple{&stream_generation_started::stream, &stream_generation_started::generation,
                 &stream_generation_started::base_seq, &stream_generation_started::from_release};
  bool operator==(const stream_generation_started&) const = default;
};

/// Alarm: the broker had lost the tail of what it had acknowledged (a power cut); it was sent again.
struct stream_tail_republished {
  static constexpr std::string_view name = "stream_tail_republished";
  std::string stream;
  std::uint64_t first_seq{0};
  std::uint64_t last_seq{0};

  static constexpr auto fields =
      std::tuple{&stream_tail_republished::stream, &stream_tail_republished::first_seq,
                 &stream_tail_republished::last_seq};
  bool operator==(const stream_tail_republished&) const = default;
};

/// The generation holds every message that was planned into it when it was opened: it is whole.
/// Not said of generation 1, which begins empty.
struct stream_generation_completed {
  static constexpr std::string_view name = "stream_generation_completed";
  std::string stream;
  std::uint32_t generation{1};
  std::uint64_t last_seq{0};  ///< Last sequence that was stored again.

  static constexpr auto fields = std::tuple{&stream_generation_completed::stream,
                                            &stream_generation_completed::generation,
                                            &stream_generation_completed::last_seq};
  bool operator==(const stream_generation_completed&) const = default;
};

/// Alarm: the stream takes no message for want of room. Once for each time it becomes full.
struct stream_paused {
  static constexpr std::string_view name = "stream_paused";
  std::string stream;
  std::string code;  ///< Name of the fault: broker_stream_full.
  std::string detail;

  static constexpr auto fields =
      std::tuple{&stream_paused::stream, &stream_paused::code, &stream_paused::detail};
  bool operator==(const stream_paused&) const = default;
};

/// There is room again: publishing goes on.
struct stream_resumed {
  static constexpr std::string_view name = "stream_resumed";
  std::string stream;
  std::uint64_t last_seq{0};  ///< Last sequence on the stream when it went on.

  static constexpr auto fields = std::tuple{&stream_resumed::stream, &stream_resumed::last_seq};
  bool operator==(const stream_resumed&) const = default;
};

/// The stream was ahead of the log (restored from an older backup): these messages were proved to
/// be grants of this log and stand in it now as released and published.
struct stream_adopted {
  static constexpr std::string_view name = "stream_adopted";
  std::string stream;
  std::uint64_t first_seq{0};
  std::uint64_t last_seq{0};
  std::uint64_t release_count{0};  ///< targets_released facts they became.
  std::string adopted_by;

  static constexpr auto fields =
      std::tuple{&stream_adopted::stream, &stream_adopted::first_seq, &stream_adopted::last_seq,
                 &stream_adopted::release_count, &stream_adopted::adopted_by};
  bool operator==(const stream_adopted&) const = default;
};

/// Alarm: publishing to this stream is halted until an operator has looked.
struct stream_halted {
  static constexpr std::string_view name = "stream_halted";
  std::string stream;
  std::string code;    ///< Name of the fault: broker_stream_foreign, _ahead, _damaged, ...
  std::string detail;

  static constexpr auto fields =
      std::tuple{&stream_halted::stream, &stream_halted::code, &stream_halted::detail};
  bool operator==(const stream_halted&) const = default;
};

using delivery_event =
    std::variant<stream_generation_started, stream_tail_republished, stream_halted,
                 stream_generation_completed, stream_paused, stream_resumed, stream_adopted>;

}  // namespace bestow
