// AsyncAPI 3.0: every subject that Bestow speaks or listens on, from the settings and the tables
// that the program itself uses. Pure; thread-agnostic.
#pragma once

#include <string>

#include "config/settings.hpp"

namespace bestow::commands {

/// The document as JSON text, indented, with a line break at its end.
[[nodiscard]] auto asyncapi(const config::settings& settings, const std::string& version)
    -> std::string;
/// docs/reference/commands.md without its first line.
[[nodiscard]] auto commands_page(const config::settings& settings) -> std::string;

}  // namespace bestow::commands
