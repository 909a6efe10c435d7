// bestow: one binary, service and command line.
#include <unistd.h>
#include <clocale>
#include <cstring>
#include <iostream>

#include "apps/bestow/serve.hpp"
#include "apps/cli/cli.hpp"

extern char** environ;

namespace {

auto environment() -> std::vector<std::pair<std::string, std::string>> {
  std::vector<std::pair<std::string, std::string>> all;
  for (char** at = environ; *at != nullptr; ++at)
    if (const char* equals = std::strchr(*at, '='); equals != nullptr)
      all.emplace_back(std::string(*at, static_cast<std::size_t>(equals - *at)), equals + 1);
  return all;
}

}  // namespace

auto main(int argc, char** argv) -> int {
  // Tables count the cells of Korean text; numbers and dates keep their plain form.
  if (std::setlocale(LC_CTYPE, "C.UTF-8") == nullptr) std::setlocale(LC_CTYPE, "");
  const std::vector<std::string> words{argv + 1, argv + argc};
  bestow::cli::surroundings with{std::cout, std::cerr, std::cin};
  with.out_is_terminal = isatty(STDOUT_FILENO) == 1;
  with.err_is_terminal = isatty(STDERR_FILENO) == 1;
  with.environment = environment();
  with.serve = [&with](const bestow::cli::serve_options& options) {
    return bestow::apps::serve(options, with.environment);
  };
  const auto code = bestow::cli::run(words, with);
  std::cout.flush();
  return static_cast<int>(code);
}
