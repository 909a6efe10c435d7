// What a view is: a name, a version, the events it handles, and a fold over them inside one write
// transaction. Everything else (checkpoints, batches, rebuilds, lag) comes with projections/runner.
//
// A view is a struct:
//
//   struct my_view {
//     static constexpr std::string_view name = "my_view";
//     static constexpr std::uint32_t version = 1;   // Bump when rows or the fold change.
//     using handles = event_list<promotion_created, list_sealed>;  // Others are never decoded.
//     class fold {
//      public:
//       fold(store::view_writer& rows, const view_context& context);
//       auto apply(const fact_head& head, const promotion_created& e) -> result<void>;
//       auto apply(const fact_head& head, const list_sealed& e) -> result<void>;
//       auto finish() -> result<void>;        // Writes what the fold kept back.
//       auto load() const -> batch_load;      // How much it keeps back.
//     };
//   };
//
// Promise: a fold lives for one transaction, so what it caches can never outlive a failed commit.
// Threads: a fold belongs to the thread that steps its view.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "events/codec.hpp"
#include "events/result.hpp"
#include "events/types.hpp"
#include "store/event_log.hpp"
#include "store/target_list.hpp"
#include "store/view_store.hpp"

namespace bestow::projections {

/// Where and when the fact at hand stands.
struct fact_head {
  position at{};
  stream_id stream;
  timestamp recorded_at{};
};

/// What a fold may read beside its own rows: only what is itself a function of the log.
struct view_context {
  const store::event_log* log{nullptr};
  store::target_lists* lists{nullptr};
  bool past{false};  ///< Rows of an earlier moment, made aside: files beside the log are left alone.
};

/// How much a fold has taken on since its transaction began.
struct batch_load {
  std::uint64_t targets{0};    ///< Targets described by the facts applied.
  std::size_t dirty_pages{0};  ///< Pages of rows waiting for finish().
};

/// A fact that cannot be applied. The view stops here: skipping would make every later answer
/// wrong.
[[nodiscard]] auto poison(const fact_head& head, std::string_view what, std::string why)
    -> tl::unexpected<fault>;

/// One transaction's fold, as the runner drives it.
class view_batch {
 public:
  view_batch() = default;
  view_batch(const view_batch&) = delete;
  auto operator=(const view_batch&) -> view_batch& = delete;
  virtual ~view_batch() = default;
  /// @fault view_poisoned  the fact cannot be decoded or contradicts the rows
  /// @fault any other      the machine failed; the same fact may be tried again later
  [[nodiscard]] virtual auto apply(const store::stored_event& e) -> result<void> = 0;
  /// Writes what was kept back. Called once, before the commit.
  [[nodiscard]] virtual auto finish() -> result<void> = 0;
  [[nodiscard]] virtual auto load() const -> batch_load = 0;
};

/// A view as the registry lists it.
struct view_definition {
  std::string_view name;
  std::uint32_t version{0};
  std::vector<event_type> types;
  std::unique_ptr<view_batch> (*begin)(store::view_writer& rows,
                                       const view_context& context){nullptr};
};

/// The events a view handles; decodes each and calls the fold's apply for it. The values of text
/// columns are left behind, for no view keeps them: they are read from the log where they are shown.
/// A fold that reads them says so: `static constexpr bool reads_texts = true`.
template <class... Events>
struct event_list {
  [[nodiscard]] static auto types() -> std::vector<event_type> { return {type_of<Events>()...}; }

  template <class Fold>
  [[nodiscard]] static auto apply(Fold& fold, const store::stored_event& e) -> result<void> {
    const fact_head head{e.at, e.stream, e.recorded_at};
    result<void> done = poison(head, name_of(e.type), "the view does not handle this event");
    static_cast<void>(
        ((e.type == type_of<Events>() && (done = apply_one<Events>(fold, head, e), true)) || ...));
    return done;
  }

 private:
  template <class Fold>
  static constexpr auto reads_texts() -> bool {
    if constexpr (requires { Fold::reads_texts; })
      return Fold::reads_texts;
    else
      return false;
  }
  template <class Event, class Fold>
  static auto apply_one(Fold& fold, const fact_head& head, const store::stored_event& e)
      -> result<void> {
    constexpr bool whole = reads_texts<Fold>();
    auto fact = whole ? decode_event<Event>(e.payload) : decode_without_texts<Event>(e.payload);
    if (!fact) return poison(head, Event::name, to_string(fact.error()));
    return fold.apply(head, *fact);
  }
};

/// Turns a view struct into its registry entry.
template <class View>
[[nodiscard]] auto define() -> view_definition {
  class batch final : public view_batch {
   public:
    batch(store::view_writer& rows, const view_context& context) : fold_{rows, context} {}
    auto apply(const store::stored_event& e) -> result<void> override {
      return View::handles::apply(fold_, e);
    }
    auto finish() -> result<void> override { return fold_.finish(); }
    [[nodiscard]] auto load() const -> batch_load override { return fold_.load(); }

   private:
    typename View::fold fold_;
  };
  return {View::name, View::version, View::handles::types(),
          [](store::view_writer& rows, const view_context& context) -> std::unique_ptr<view_batch> {
            return std::make_unique<batch>(rows, context);
          }};
}

}  // namespace bestow::projections
