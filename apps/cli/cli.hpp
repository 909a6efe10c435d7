// The command line: words in, an exit code out. Everything but a few offline commands goes over
// HTTP, so what a person can do a script and a remote caller can do too.
//
// Data goes to `out`, everything else to `err`. Threads: call run() from one thread.
#pragma once

#include <functional>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

namespace bestow::cli {

/// Part of the contract: scripts branch on these.
enum class exit_code : int {
  done = 0,
  fault = 1,
  usage = 2,
  refused = 3,  ///< The rejection's name is on stderr.
  not_found = 4,
  unavailable = 5,  ///< Or timed out.
};

/// Options of `bestow serve`; empty = not given.
struct serve_options {
  std::string config;
  std::string data;
  std::string listen;
  std::string nats;
};

/// What the machine gives a command. Tests hand in their own.
struct surroundings {
  std::ostream& out;
  std::ostream& err;
  std::istream& in;
  bool out_is_terminal{false};
  bool err_is_terminal{false};
  std::vector<std::pair<std::string, std::string>> environment{};
  std::function<exit_code(const serve_options&)> serve{};
};
/// `words` without the program's name.
[[nodiscard]] auto run(const std::vector<std::string>& words, surroundings& with) -> exit_code;

[[nodiscard]] auto version() -> std::string;

}  // namespace bestow::cli
