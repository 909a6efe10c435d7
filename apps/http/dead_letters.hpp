// What the dead-letter stream holds, and trying a letter again.
//
// A letter is named by its sequence in the stream. What became of a retry stands in the same
// stream, behind the letter: a note (its result is recorded) or the next letter (still unusable).
// So the state survives any restart, and a retry that is repeated gets the first answer.
// Threads: any; calls wait for each other. Memory: 24 bytes for each letter that was retried.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "actors/engine.hpp"
#include "bus/bus.hpp"
#include "bus/dead_letter.hpp"
#include "events/clock.hpp"

namespace bestow::http {

struct numbered_letter {
  std::uint64_t number{0};
  bus::dead_letter letter;
  /// Sequence of the note or of the next letter; nullopt: never tried again.
  std::optional<std::uint64_t> retried_at;
  bool accepted{false};
};

struct letter_page {
  std::vector<numbered_letter> letters;
  std::optional<std::uint64_t> next;  ///< The last number shown, when there may be more.
  std::uint64_t count{0};             ///< Letters in the stream.
  std::uint64_t open_count{0};        ///< Of them never tried again.
};

/// What the box works with; all outlive the call.
struct letter_parts {
  bus::message_bus* messages{nullptr};
  actors::engine* engine{nullptr};
  const bestow::clock* time{nullptr};
  std::string stream;
};

struct retry_outcome {
  bool accepted{false};
  bool repeated{false};           ///< It was tried again before: this is the first answer.
  std::uint64_t next_letter{0};   ///< Not accepted: the letter that now stands for it.
  std::string reason;             ///< Not accepted: why.
  position at{};                  ///< Accepted now: reads wait for it.
};

class dead_letters {
 public:
  /// Letters above `after`, oldest first; with `open_only` those never tried again.
  /// @fault broker_unavailable
  [[nodiscard]] auto page(const letter_parts& parts, std::uint64_t after, std::size_t limit,
                          bool open_only) -> result<letter_page>;
  /// nullopt: there is no letter of this number. @fault broker_unavailable
  [[nodiscard]] auto show(const letter_parts& parts, std::uint64_t number)
      -> result<std::optional<numbered_letter>>;
  /// Hands the original message to the engine once more and writes down what became of it. Safe to
  /// repeat after any fault: what is recorded already counts as a repeat and is ignored.
  /// nullopt: there is no letter of this number.
  [[nodiscard]] auto retry(const letter_parts& parts, std::uint64_t number)
      -> actors::outcome<std::optional<retry_outcome>>;

 private:
  struct settled {
    std::uint64_t at{0};
    bool accepted{false};
  };
  /// Reads what is new in the stream.
  [[nodiscard]] auto catch_up(const letter_parts& parts) -> result<void>;
  [[nodiscard]] auto read(const letter_parts& parts, std::uint64_t number)
      -> result<std::optional<numbered_letter>>;
  void complete(numbered_letter& l) const;
  /// Stores the outcome behind everything known; a stranger's message in between is read first.
  [[nodiscard]] auto write_down(const letter_parts& parts, const bus::dead_letter& outcome)
      -> result<void>;

  std::mutex mutex_;
  std::uint64_t first_seq_{0};
  std::uint64_t seen_seq_{0};
  std::uint64_t letter_count_{0};
  std::map<std::uint64_t, settled> settled_;  ///< By the letter that was tried again.
};

}  // namespace bestow::http
