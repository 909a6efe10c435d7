// Sends a whole text to an import driver or a dry run, cut as the test wishes.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "actors/engine.hpp"
#include "domain/rejection.hpp"
#include "tests/import/fake_engine.hpp"
#include "tests/import/session_fixture.hpp"

namespace bestow::testing {

/// The answer, or the first trouble.
template <class Driver>
auto send_to(Driver& driver, std::string_view text, const cut& next = whole())
    -> decltype(driver.finish()) {
  while (!text.empty()) {
    const auto bytes = std::min(text.size(), next());
    if (auto pushed = driver.push(text.substr(0, bytes)); !pushed)
      return tl::unexpected{pushed.error()};
    text.remove_prefix(bytes);
  }
  return driver.finish();
}

/// "done", or the name of the rejection or fault.
template <class Answer>
auto name_of_end(const actors::outcome<Answer>& answer) -> std::string {
  if (answer) return "done";
  if (const auto* no = std::get_if<domain::refusal>(&answer.error()))
    return std::string{name_of(no->why)};
  return std::string{name_of(std::get<fault>(answer.error()).code)};
}

}  // namespace bestow::testing
