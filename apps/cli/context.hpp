// What every command works with. Private to apps/cli.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "apps/cli/cli.hpp"

namespace bestow::cli {

enum class output_kind { table, json, csv };

struct global_options {
  std::string url;
  std::string token;
  std::string output;
  bool quiet{false};
  bool no_color{false};
  bool yes{false};
};

struct context {
  surroundings& with;
  global_options global;
  /// Set by the command that was chosen; run after parsing.
  std::function<exit_code()> action;

  [[nodiscard]] auto output() const -> output_kind;
  [[nodiscard]] auto colour() const -> bool;
  [[nodiscard]] auto variable(std::string_view name) const -> std::string;
  /// A line for people on stderr, unless --quiet.
  void note(std::string_view text) const;
  /// "error: <text>" on stderr, always.
  void complain(std::string_view text) const;
  /// Asks on a terminal; true with --yes. Without a terminal and without --yes: false.
  [[nodiscard]] auto confirmed(std::string_view question) const -> bool;
};

}  // namespace bestow::cli
