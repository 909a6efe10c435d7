#include "bench/peers/peers.hpp"

#include <fmt/format.h>

#include <cstdlib>

namespace bestow::bench {

auto wants_peers(const arguments& args) -> bool {
  const auto word = args.get("peers", "yes");
  if (word == "yes" || word == "no") return word == "yes";
  fmt::print(stderr, "--peers wants yes or no, not '{}'\n", word);
  std::exit(2);
}

}  // namespace bestow::bench
