// The one fold of a partition's facts over records of targets. Every view that shows or counts
// targets uses it, each over pages of its own, so no two views (nor the partition actor, which
// shares domain::effect_of) can hold different opinions of a target.
//
// Record: begins with `std::uint8_t status` (state_tally.hpp) and has `std::uint16_t attempt`.
// Watcher: `void changed(Record&, const target_change&)`, called for every target a fact changed.
// Private to projections/. Threads: one transaction's thread.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <utility>

#include "domain/partition.hpp"
#include "events/partition.hpp"
#include "projections/fold_rows.hpp"
#include "projections/state_tally.hpp"
#include "projections/target_pages.hpp"
#include "projections/view.hpp"

namespace bestow::projections {

/// What a fact did to one target.
struct target_change {
  target_ordinal ordinal{};
  std::uint8_t before{0};  ///< Status bytes.
  std::uint8_t after{0};
};
/// A change by a result: which one.
struct result_change : target_change {
  std::uint32_t row{0};  ///< Row of results_recorded.
  process_status said{process_status::success};
};

/// What one results_recorded amounted to.
struct results_folded {
  std::uint64_t changed{0};
  std::uint64_t ignored{0};  ///< Stored, changed nothing.
};

/// The partition a fact's stream names. Precondition: a partition's stream.
[[nodiscard]] inline auto place_of(const fact_head& head) -> partition_place {
  return {promotion_id{head.stream.id}, partition_no{static_cast<std::uint16_t>(head.stream.part)}};
}

template <class Record>
class target_fold {
 public:
  static constexpr std::uint32_t per_page = page_records<Record>;

  explicit target_fold(store::view_writer& rows) : pages_{rows}, sizes_{rows}, waiting_{rows} {}

  [[nodiscard]] auto apply(const fact_head& head, const list_sealed& e) -> result<void> {
    return sizes_.put(promotion_id{head.stream.id}, e);
  }

  /// Recalls are a second axis: they leave a target's state alone.
  template <class Watcher>
  [[nodiscard]] auto apply(const fact_head& head, const targets_released& e, Watcher&& watch)
      -> result<void> {
    const auto place = place_of(head);
    if (e.promotion != place.promotion || e.partition != place.number)
      return poison(head, e.name, "the fact names another partition than its stream");
    waiting_.open(head.at, {place, e.kind, e.attempt, e.message_count, e.ordinals});
    if (e.kind == release_kind::recall)
      return over(head, e.name, e.ordinals, [&](Record& r, std::uint32_t ordinal) {
        const auto before = r.status;
        set(r, domain::recall_state::recalling);
        watch.changed(r, target_change{target_ordinal{ordinal}, before, r.status});
      });
    return over(head, e.name, e.ordinals, [&](Record& r, std::uint32_t ordinal) {
      const auto before = r.status;
      r.attempt = e.attempt.value;
      set(r, domain::target_state::released);
      watch.changed(r, target_change{target_ordinal{ordinal}, before, r.status});
    });
  }

  template <class Watcher>
  [[nodiscard]] auto apply(const fact_head& head, const targets_publish_failed& e, Watcher&& watch)
      -> result<void> {
    return over(head, e.name, e.ordinals, [&](Record& r, std::uint32_t ordinal) {
      const auto before = r.status;
      set(r, domain::target_state::publish_failed);
      watch.changed(r, target_change{target_ordinal{ordinal}, before, r.status});
    });
  }

  template <class Watcher>
  [[nodiscard]] auto apply(const fact_head& head, const targets_abandoned& e, Watcher&& watch)
      -> result<void> {
    return over(head, e.name, e.ordinals, [&](Record& r, std::uint32_t ordinal) {
      const auto before = r.status;
      set(r, domain::target_state::abandoned);
      watch.changed(r, target_change{target_ordinal{ordinal}, before, r.status});
    });
  }

  template <class Watcher>
  [[nodiscard]] auto apply(const fact_head& head, const results_overdue& e, Watcher&& watch)
      -> result<void> {
    return over(head, e.name, e.ordinals, [&](Record& r, std::uint32_t ordinal) {
      const auto before = r.status;
      const auto now = state_of(before);
      const bool retried = now == domain::target_state::retrying ||
                           now == domain::target_state::unknown_after_retrying;
      set(r, retried ? domain::target_state::unknown_after_retrying
                     : domain::target_state::unknown);
      watch.changed(r, target_change{target_ordinal{ordinal}, before, r.status});
    });
  }

  /// Only answers that changed something are stored, so each row is what the target now is.
  template <class Watcher>
  [[nodiscard]] auto apply(const fact_head& head, const recalls_recorded& e, Watcher&& watch)
      -> result<void> {
    const auto place = place_of(head);
    const auto size = sizes_.size(place);
    if (!size) return tl::unexpected{size.error()};
    targets_ += e.ordinals.size();
    for (std::size_t i = 0; i < e.ordinals.size(); ++i) {
      const auto ordinal = e.ordinals[i];
      if (ordinal >= *size) return beyond(head, e.name, ordinal, *size);
      const auto at = static_cast<std::uint32_t>(ordinal);
      auto page = pages_.page(place, at / per_page, *size);
      if (!page) return tl::unexpected{page.error()};
      Record& r = (*page)[at % per_page];
      const auto before = r.status;
      set(r, static_cast<recall_status>(e.recall_statuses[i]) == recall_status::recalled
                 ? domain::recall_state::recalled
                 : domain::recall_state::recall_failed);
      watch.changed(r, target_change{target_ordinal{at}, before, r.status});
    }
    return {};
  }

  /// @returns how many grants became published; 0: said before, as the partition's fold has it
  /// @fault view_poisoned  the release is not of this partition, not earlier, or of another size
  template <class Watcher>
  [[nodiscard]] auto apply(const fact_head& head, const grants_published& e, Watcher&& watch)
      -> result<std::uint64_t> {
    if (e.released_at >= head.at) return poison(head, e.name, "its release is not before it");
    auto closed = waiting_.close(e.released_at);
    if (!closed) return tl::unexpected{closed.error()};
    if (!*closed) return std::uint64_t{0};
    const auto& release = **closed;
    if (release.place != place_of(head))
      return poison(head, e.name, "its release is another partition's");
    if (release.message_count != e.message_count)
      return poison(head, e.name, "its message count is not the release's");
    if (release.kind == release_kind::recall) return release.ordinals.size();
    const auto done = over(head, e.name, release.ordinals, [&](Record& r, std::uint32_t ordinal) {
      const auto before = r.status;
      r.status |= published_bit;
      // A result may have come first, and a later attempt has an answer of its own.
      if (state_of(before) == domain::target_state::released && r.attempt == release.attempt.value)
        set(r, domain::target_state::published);
      watch.changed(r, target_change{target_ordinal{ordinal}, before, r.status});
    });
    if (!done) return tl::unexpected{done.error()};
    return release.ordinals.size();
  }

  template <class Watcher>
  [[nodiscard]] auto apply(const fact_head& head, const results_recorded& e, Watcher&& watch)
      -> result<results_folded> {
    const auto count = e.ordinals.size();
    if (e.statuses.size() != count || e.attempts.size() != count ||
        e.transaction_keys.size() != count || e.error_messages.size() != count)
      return poison(head, e.name, "its columns differ in length");
    const auto place = place_of(head);
    const auto size = sizes_.size(place);
    if (!size) return tl::unexpected{size.error()};
    results_folded sum;
    targets_ += count;
    std::uint32_t begin = 0;  // The page at hand: its first ordinal, and its records.
    Record* records = nullptr;
    answered last;
    domain::result_effect effect;
    for (std::size_t i = 0; i < count; ++i) {
      const auto ordinal = e.ordinals[i];
      if (ordinal >= *size) return beyond(head, e.name, ordinal, *size);
      const auto at = static_cast<std::uint32_t>(ordinal);
      if (records == nullptr || at - begin >= per_page) {  // Below `begin` it wraps around.
        auto page = pages_.page(place, at / per_page, *size);
        if (!page) return tl::unexpected{page.error()};
        records = *page;
        begin = at / per_page * per_page;
      }
      Record& r = records[at - begin];
      const auto before = r.status;
      const answered now{state_of(before), r.attempt, static_cast<process_status>(e.statuses[i]),
                         static_cast<std::uint16_t>(e.attempts[i])};
      if (i == 0 || now != last) {  // Mostly as for the one before.
        last = now;
        effect = domain::effect_of(now.state, now.released, now.said, now.attempt);
      }
      // An answer can overtake the publish's acknowledgement; it proves that the publish happened.
      if (r.attempt > 0) r.status |= published_bit;
      if (effect.changes) {
        ++sum.changed;
        set(r, effect.next);
        watch.changed(r, result_change{{target_ordinal{at}, before, r.status},
                                       static_cast<std::uint32_t>(i), now.said});
      } else {
        ++sum.ignored;
        if (r.status != before)
          watch.changed(r, target_change{target_ordinal{at}, before, r.status});
      }
    }
    return sum;
  }

  /// Writes pages and releases. Called once.
  [[nodiscard]] auto write() -> result<void> {
    if (auto done = pages_.write(); !done) return done;
    return waiting_.write();
  }
  [[nodiscard]] auto load() const -> batch_load { return {targets_, pages_.dirty()}; }

 private:
  /// What the effect of an answer follows from.
  struct answered {
    domain::target_state state{};
    std::uint16_t released{0};  ///< The attempt that was released last.
    process_status said{};
    std::uint16_t attempt{0};
    auto operator==(const answered&) const -> bool = default;
  };

  static void set(Record& r, domain::target_state s) {
    r.status = static_cast<std::uint8_t>((r.status & ~state_bits) | static_cast<unsigned>(s));
  }
  static void set(Record& r, domain::recall_state s) {
    r.status =
        static_cast<std::uint8_t>((r.status & ~recall_bits) | static_cast<unsigned>(s) << 4U);
  }
  static auto beyond(const fact_head& head, std::string_view what, std::uint64_t ordinal,
                     std::uint32_t size) -> tl::unexpected<fault> {
    return poison(head, what,
                  "ordinal " + std::to_string(ordinal) + " of a partition with " +
                      std::to_string(size) + " targets");
  }

  /// Calls fn(record, ordinal) for each ordinal, page by page.
  template <class Fn>
  auto over(const fact_head& head, std::string_view what, const ordinal_ranges& ordinals, Fn&& fn)
      -> result<void> {
    const auto place = place_of(head);
    const auto size = sizes_.size(place);
    if (!size) return tl::unexpected{size.error()};
    targets_ += ordinals.size();
    for (const auto& range : ordinals.ranges()) {
      const auto end = std::uint64_t{range.first} + range.count;
      if (end > *size) return beyond(head, what, end - 1, *size);
      for (std::uint32_t at = range.first; at < end;) {
        auto page = pages_.page(place, at / per_page, *size);
        if (!page) return tl::unexpected{page.error()};
        const auto stop = std::min<std::uint64_t>(end, (at / per_page + 1ULL) * per_page);
        for (; at < stop; ++at) fn((*page)[at % per_page], at);
      }
    }
    return {};
  }

  target_pages<Record> pages_;
  list_sizes sizes_;
  waiting_releases waiting_;
  std::uint64_t targets_{0};
};

/// The smallest record: enough to count by.
struct counted_target {
  std::uint8_t status{0};
  std::uint8_t unused{0};
  std::uint16_t attempt{0};
};
static_assert(sizeof(counted_target) == 4);

/// A watcher that counts targets as they move and adds up what the granted ones are worth.
struct target_counter {
  state_tally tally;
  const store::target_list* list{nullptr};  ///< Needed where a fact can grant or take back.
  partition_no number{};
  void changed(const counted_target&, const target_change& c) {
    tally.move(c.before, c.after);
    if (list == nullptr) return;
    if (is_success(c.after) && !is_success(c.before))
      tally.add_amount(list->amount(number, c.ordinal));
    if (recall_of(c.after) == domain::recall_state::recalled &&
        recall_of(c.before) != domain::recall_state::recalled)
      tally.add_recalled(list->amount(number, c.ordinal));
  }
};

}  // namespace bestow::projections
