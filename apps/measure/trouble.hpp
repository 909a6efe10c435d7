// Why a measurement has no figures.
//
// A machine that fails is a fault, as everywhere. Work that was done wrong (a row lost, an order
// broken, a command refused) makes its run void: its speed says nothing. Threads: values.
#pragma once

#include <string>
#include <utility>
#include <variant>

#include "actors/engine.hpp"
#include "events/result.hpp"

namespace bestow::measure {

/// The work was not done as it must be.
struct void_run {
  std::string why;
};
using trouble = std::variant<void_run, fault>;
template <class T>
using outcome = tl::expected<T, trouble>;

[[nodiscard]] inline auto as_trouble(const fault& f) -> trouble { return f; }
[[nodiscard]] inline auto as_trouble(const trouble& t) -> trouble { return t; }
/// A refusal makes the run void: nothing that is measured may be refused.
[[nodiscard]] auto as_trouble(const actors::trouble& t) -> trouble;

/// Passes a failure on: `if (!x) return ended(x);`
template <class T, class E>
[[nodiscard]] auto ended(const tl::expected<T, E>& failed) -> tl::unexpected<trouble> {
  return tl::unexpected<trouble>{as_trouble(failed.error())};
}
/// `if (count != wanted) return void_because("the log lacks rows");`
[[nodiscard]] inline auto void_because(std::string why) -> tl::unexpected<trouble> {
  return tl::unexpected<trouble>{void_run{std::move(why)}};
}

[[nodiscard]] auto text_of(const trouble& t) -> std::string;

}  // namespace bestow::measure
