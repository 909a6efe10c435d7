// What a backup's manifest takes back: only what was written.
#include "apps/evidence/manifest.hpp"

#include "apps/evidence/digest.hpp"
#include "tests/catch.hpp"

namespace bestow::evidence {
namespace {

auto small() -> manifest {
  manifest m;
  m.version = "0.1.0";
  m.made_at = timestamp{1'800'000'000'123};
  m.log_id = std::string(32, 'a');
  m.incarnation = 3;
  m.head = position{42};
  m.head_hash = sha256_of("head");
  m.frames = 7;
  m.files = {{"log/00000001.mdb", 4'096, sha256_of("log")},
             {"log/anchor", 200, sha256_of("anchor")},
             {"rejects/7/a file.csv", 0, sha256_of("")}};
  return m;
}

auto with(std::string_view old, std::string_view fresh) -> std::string {
  auto text = to_json(small());
  const auto at = text.find(old);
  REQUIRE(at != std::string::npos);
  return text.replace(at, old.size(), fresh);
}

}  // namespace

TEST_CASE("a manifest comes back as it was written", "[unit][evidence]") {
  const auto m = small();
  const auto back = parse_manifest(to_json(m));
  REQUIRE(back);
  CHECK(*back == m);
  CHECK(m.bytes() == 4'296);
  CHECK(to_json(*back) == to_json(m));
}

TEST_CASE("a manifest that is not as it was written is refused", "[unit][evidence]") {
  const auto text = to_json(small());
  for (const auto& [what, damaged] : std::vector<std::pair<std::string, std::string>>{
           {"cut off", text.substr(0, text.size() / 2)},
           {"empty", ""},
           {"no object", "[]"},
           {"another document", R"({"format":"something"})"},
           {"a field too many", with("\"epoch\"", "\"more\": 1,\n \"epoch\"")},
           {"a number as text", with("\"head_position\": 42", "\"head_position\": \"42\"")},
           {"a negative number", with("\"head_position\": 42", "\"head_position\": -42")},
           {"a digest too short", with("\"sha256\": \"", "\"sha256\": \"0")},
           {"other spaces", text + " "},
           {"out of order", with("log/00000001.mdb", "log/zzz.mdb")},
           {"twice", with("log/anchor", "log/00000001.mdb")},
           {"other time", with("1800000000123", "1800000000124")}}) {
    CAPTURE(what);
    const auto back = parse_manifest(damaged);
    REQUIRE_FALSE(back);
    CHECK(back.error().code == fault_code::log_corrupt);
  }
  CHECK(parse_manifest(with("\"format_version\": 1", "\"format_version\": 2")).error().code ==
        fault_code::log_version_unknown);
}

TEST_CASE("a manifest names files only where a backup puts them", "[unit][evidence]") {
  for (const auto* path : {"/etc/passwd", "log/../../x", "log/./a", "log//a", "log", "log/", "",
                           "other/a", "../log/a", "rejects/.."}) {
    CAPTURE(path);
    CHECK_FALSE(parse_manifest(with("log/00000001.mdb", path)));
  }
}

TEST_CASE("base64 is read back exactly or not at all", "[unit][evidence]") {
  for (std::size_t size = 0; size < 70; ++size) {
    std::vector<std::byte> bytes(size);
    for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::byte>(i * 37 + size);
    const auto text = to_base64(bytes);
    CHECK(from_base64(text) == bytes);
  }
  CHECK(to_base64(std::as_bytes(std::span{"ab", 2})) == "YWI=");
  for (const auto* wrong : {"YWI", "YW==YW==", "YWJ=", "YW I=", "YWI=\n", "====", "YWI!"})
    CHECK_FALSE(from_base64(wrong));
}

}  // namespace bestow::evidence
