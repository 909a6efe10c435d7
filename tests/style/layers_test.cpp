// The direction of every include, against the table in layers.txt.
#include "tests/style/layers.hpp"

#include "tests/catch.hpp"

namespace bestow::style {
namespace {

auto table() -> layer_table {
  return read_layers(read_text("tests/style/layers.txt"));
}

auto joined_lines(const std::vector<std::string>& lines) -> std::string {
  std::string text;
  for (const auto& line : lines) text += line + "\n";
  return text;
}

}  // namespace

TEST_CASE("every include follows the table of layers", "[style]") {
  const auto layers = table();
  REQUIRE(layers.folders.size() >= 11);
  std::vector<std::string> found;
  for (const auto& file : repository()) {
    const auto more = violations_of(file, layers);
    found.insert(found.end(), more.begin(), more.end());
  }
  INFO(joined_lines(found));
  CHECK(found.empty());
  CHECK(repository().size() > 30);
}

TEST_CASE("a header other folders include pulls in no third party", "[style]") {
  const auto found = public_violations(repository(), table());
  INFO(joined_lines(found));
  CHECK(found.empty());
}

TEST_CASE("the table lets no arrow turn back", "[style]") {
  const auto layers = table();
  for (const auto& [folder, allowed] : layers.folders) {
    for (const auto& target : allowed) {
      INFO(folder << " -> " << target);
      REQUIRE(layers.folders.contains(target));
      CHECK_FALSE(layers.folders.find(target)->second.contains(folder));
    }
  }
}

TEST_CASE("an arrow added on purpose is found", "[style]") {
  const auto layers = table();
  const auto problems = [&](std::string path, std::string text) {
    return violations_of(make_source(std::move(path), std::move(text)), layers).size();
  };
  CHECK(problems("domain/x.cpp", "#include \"store/event_log.hpp\"\n") == 1);
  CHECK(problems("events/x.hpp", "#include \"domain/rejection.hpp\"\n") == 1);
  CHECK(problems("actors/x.cpp", "#include <lmdb.h>\n") == 1);
  CHECK(problems("apps/x/main.cpp", "#include <caf/all.hpp>\n") == 1);
  CHECK(problems("domain/x.cpp", "#include <unistd.h>\n") == 1);
  CHECK(problems("events/promotion.hpp", "#include <msgpack.hpp>\n") == 1);
  CHECK(problems("store/x.cpp", "#include <unknown/thing.h>\n") == 1);
  CHECK(problems("store/x.cpp", "#include \"event_log.hpp\"\n") == 1);
  CHECK(problems("store/x.cpp",
                 "#include <lmdb.h>\n#include <vector>\n#include \"events/types.hpp\"\n") == 0);
  CHECK(problems("events/codec.cpp", "#include <msgpack.hpp>\n") == 0);
  CHECK(problems("domain/x.cpp", "// #include \"store/event_log.hpp\"\n") == 0);
}

TEST_CASE("a third party behind a public header is found", "[style]") {
  const std::vector<source_file> files = {
      make_source("store/a.hpp", "#include \"store/b.hpp\"\n"),
      make_source("store/b.hpp", "#include <lmdb.h>\n"),
      make_source("actors/c.cpp", "#include \"store/a.hpp\"\n"),
  };
  CHECK(public_violations(files, table()).size() == 1);
}

}  // namespace bestow::style
