// The bytes of every fact, kept in tests/golden/events: <event>.hex is what this binary writes,
// <event>-<n>.hex what earlier ones wrote. A change that alters the first breaks every log that
// exists; after appending a field, move the file aside as the next <n> and write the new one:
//   events_test "[write-golden]"
#include <filesystem>
#include <fstream>
#include <iterator>

#include "events/codec.hpp"
#include "tests/catch.hpp"
#include "tests/events/samples.hpp"

namespace {

using namespace bestow;
using namespace bestow::test;
namespace fs = std::filesystem;

auto golden_folder() -> fs::path { return fs::path{BESTOW_SOURCE_DIR} / "tests/golden/events"; }

auto golden_bytes(const fs::path& path) -> bytes {
  std::ifstream file{path, std::ios::binary};
  INFO(path.string());
  REQUIRE(file.good());
  return bytes_of_hex(std::string{std::istreambuf_iterator<char>{file}, {}});
}

auto type_named(std::string_view name) -> event_type {
  for (const auto type : all_event_types())
    if (name_of(type) == name) return type;
  return event_type{};
}

}  // namespace

TEST_CASE("every fact has golden bytes, and is still written as exactly those", "[unit][codec]") {
  for (const auto& sample : sample_events()) {
    const auto encoded = encode_event(sample);
    const auto golden = golden_bytes(golden_folder() / (std::string{name_of(encoded.type)} + ".hex"));
    INFO(name_of(encoded.type));
    CHECK(hex_of(encoded.payload) == hex_of(golden));
    const auto decoded = decode_any(encoded.type, golden);
    REQUIRE(decoded);
    CHECK((*decoded == sample));
  }
}

TEST_CASE("every golden file is a fact that this binary reads", "[unit][codec]") {
  std::size_t read = 0;
  for (const auto& entry : fs::directory_iterator{golden_folder()}) {
    const auto stem = entry.path().stem().string();
    const auto name = stem.substr(0, stem.find('-'));
    INFO(entry.path().string());
    CHECK(decode_any(type_named(name), golden_bytes(entry.path())));
    ++read;
  }
  CHECK(read >= all_event_types().size());
}

TEST_CASE("writes the golden files", "[.][write-golden]") {
  for (const auto& sample : sample_events()) {
    const auto encoded = encode_event(sample);
    const auto hex = hex_of(encoded.payload);
    std::ofstream file{golden_folder() / (std::string{name_of(encoded.type)} + ".hex")};
    for (std::size_t at = 0; at < hex.size(); at += 64) file << hex.substr(at, 64) << '\n';
    REQUIRE(file.good());
  }
}
