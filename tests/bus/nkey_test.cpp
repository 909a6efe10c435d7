#include "bus/nkey.hpp"

#include <filesystem>
#include <fstream>

#include "bus/server_probe.hpp"
#include "tests/bus/bus_fixture.hpp"
#include "tests/catch.hpp"

using namespace bestow;
using namespace bestow::bus;
using namespace bestow::test;

namespace {

// The pair that the NATS documentation shows.
const std::string seed = "SUACSSL3UAHUDXKFSNVUZRF5UHPMWZ6BFDTJ7M6USDXIEDNPPQYYYCU3VY";
const std::string public_key = "UDXU4RCSJNZOIQHZNWXHXORDPRTGNJAHAHFRGZNEEJCPQTT2M7NLCNF4";

}  // namespace

TEST_CASE("a user's seed gives the user's public key", "[unit][bus]") {
  CHECK(public_key_of_seed(seed) == public_key);
}

TEST_CASE("what is not a user's seed is refused, and is in no message", "[unit][bus]") {
  auto flipped = seed;
  flipped[20] = flipped[20] == 'A' ? 'B' : 'A';
  for (const auto& bad : {std::string{}, seed.substr(1), seed + "A", flipped, public_key,
                          std::string{"su lower case"}, std::string(58, '1')}) {
    CAPTURE(bad);
    const auto key = public_key_of_seed(bad);
    REQUIRE_FALSE(key);
    CHECK(key.error().code == fault_code::bad_config);
    if (!bad.empty()) CHECK(key.error().detail.find(bad) == std::string::npos);
  }
}

TEST_CASE("a seed is found in its file, bare or between a credentials file's lines",
          "[unit][bus]") {
  const temporary_directory base;
  const auto path = base.path() + "/seed";
  std::ofstream{path} << "-----BEGIN USER NKEY SEED-----\r\n" << seed << "\r\n------END\n";
  CHECK(public_key_of_seed_file(path) == public_key);
  CHECK_FALSE(public_key_of_seed_file(base.path() + "/none"));
  std::ofstream{path} << "nothing\n";
  CHECK_FALSE(public_key_of_seed_file(path));
}

TEST_CASE("server versions are compared by their numbers", "[unit][bus]") {
  CHECK(version_less("2.9.9", "2.9.10"));
  CHECK(version_less("2.8.4", "2.9.10"));
  CHECK(version_less("2.10.22", "2.10.23"));
  CHECK_FALSE(version_less("2.9.10", "2.9.10"));
  CHECK_FALSE(version_less("2.10.0-RC.1", "2.9.10"));
  CHECK_FALSE(version_less("v2.11.1", "2.10.23"));
  CHECK_FALSE(version_less("3", "2.10.23"));
}
