// What the works share. Private to apps/measure.
// Threads: the main thread.
#pragma once

#include <string_view>

#include "apps/measure/scratch.hpp"
#include "apps/measure/stopwatch.hpp"
#include "apps/measure/works.hpp"

namespace bestow::measure {

inline void tell(const work_options& o, unsigned repetition, std::string_view what) {
  if (o.see.stage) o.see.stage(repetition, what);
}

/// The measured section: from here to the end of the object.
class section {
 public:
  explicit section(const work_options& o) : see_{&o.see} {
    if (see_->measured) see_->measured(true);
  }
  section(const section&) = delete;
  auto operator=(const section&) -> section& = delete;
  ~section() {
    if (see_->measured) see_->measured(false);
  }

 private:
  const watcher* see_;
};

/// Runs one(directory, repetition) in a fresh directory for each repetition.
template <class One>
auto repeat(const work_options& o, std::string_view name, const figures_sink& each, One one)
    -> outcome<void> {
  for (unsigned n = 1; n <= o.repetitions; ++n) {
    auto place = scratch::make(o.directory, name);
    if (!place) return ended(place);
    auto f = one(place->path(), n);
    if (!f) return ended(f);
    if (auto gone = place->remove(); !gone) return ended(gone);
    each(std::move(*f));
  }
  return {};
}

/// `count` per second; 0 when no time passed.
[[nodiscard]] inline auto per_second(double count, double seconds) -> double {
  return seconds > 0 ? count / seconds : 0;
}

}  // namespace bestow::measure
