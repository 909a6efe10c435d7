#include <fstream>
#include <iterator>
#include <set>

#include "config/settings.hpp"
#include "tests/catch.hpp"

namespace bestow::config {
namespace {

auto text_of(const std::string& path) -> std::string {
  std::ifstream in{path, std::ios::binary};
  REQUIRE(in);
  return {std::istreambuf_iterator<char>{in}, {}};
}

}  // namespace

TEST_CASE("every key has a name of its own, a default, what is allowed and a meaning",
          "[unit][config]") {
  std::set<std::string> names;
  for (const auto& key : key_table()) {
    CAPTURE(key.section, key.name);
    CHECK(names.insert(key.section + "." + key.name).second);
    CHECK_FALSE(key.fallback.empty());
    CHECK_FALSE(key.allowed.empty());
    CHECK_FALSE(key.meaning.empty());
    CHECK(key.name.find_first_not_of("abcdefghijklmnopqrstuvwxyz_") == std::string::npos);
  }
}

TEST_CASE("a default written into the file is the default", "[unit][config]") {
  for (const auto& key : key_table()) {
    if (key.type == "tokens") continue;
    CAPTURE(key.section, key.name);
    const auto text = "[" + key.section + "]\n" + key.name + " = " + key.fallback + "\n";
    const auto loaded = load_text(text, "t.toml", {});
    REQUIRE(loaded);
    CHECK(value_of(*loaded, key.section, key.name) == key.fallback);
  }
}

TEST_CASE("the example file holds every key with its default and nothing else", "[unit][config]") {
  const auto text = text_of(BESTOW_SOURCE_DIR "/config/bestow.toml");
  const auto loaded = load_text(text, "bestow.toml", {});
  REQUIRE(loaded);
  const settings plain;
  for (const auto& key : key_table()) {
    CAPTURE(key.section, key.name);
    CHECK(value_of(*loaded, key.section, key.name) == value_of(plain, key.section, key.name));
    const bool stands = text.find("\n" + key.name + " = ") != std::string::npos ||
                        text.find("[[http." + key.name + "]]") != std::string::npos;
    CHECK(stands);
  }
}

TEST_CASE("the reference page names every key once", "[unit][config]") {
  const auto page = key_table_markdown();
  for (const auto& key : key_table()) {
    CAPTURE(key.section, key.name);
    CHECK(page.find("| `" + key.name + "` |") != std::string::npos);
    CHECK(page.find(key.meaning) != std::string::npos);
  }
}

TEST_CASE("a secret's value is never shown", "[unit][config]") {
  const auto hash = std::string(64, 'a');
  const auto loaded = load_text(
      "[[http.tokens]]\nname = \"ops\"\nrole = \"admin\"\nsha256 = \"" + hash + "\"\n", "t", {});
  REQUIRE(loaded);
  CHECK(value_of(*loaded, "http", "tokens").find("aaaa") == std::string::npos);
}

}  // namespace bestow::config
