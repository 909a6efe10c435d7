#include <cstdio>
#include <fstream>

#include <fmt/format.h>

#include "config/settings.hpp"
#include "tests/catch.hpp"

namespace bestow::config {
namespace {

const std::string hash_a(64, 'a');
const std::string hash_b(64, 'b');

auto detail_of(std::string_view text, const load_request& request = {}) -> std::string {
  const auto loaded = load_text(text, "b.toml", request);
  if (loaded) return "(accepted)";
  CHECK(loaded.error().code == fault_code::bad_config);
  return loaded.error().detail;
}

auto contains(const std::string& text, std::string_view part) -> bool {
  return text.find(part) != std::string::npos;
}

struct bad_value {
  std::string_view section;
  std::string_view line;
  std::string_view says;
};

}  // namespace

TEST_CASE("without a file every setting has its default", "[unit][config]") {
  const auto loaded = load({});
  REQUIRE(loaded);
  CHECK(loaded->data.dir == "bestow-data");
  CHECK(loaded->http.listen == "127.0.0.1:8480");
  CHECK(loaded->nats.mode == nats_mode::embedded);
  CHECK(loaded->grants.chunk == limits::release_chunk_default);
  CHECK_FALSE(loaded->grants.named_tokens);
}

TEST_CASE("a file that cannot be read is named", "[unit][config]") {
  load_request request;
  request.path = "/nowhere/bestow.toml";
  const auto loaded = load(request);
  REQUIRE_FALSE(loaded);
  CHECK(contains(loaded.error().detail, "/nowhere/bestow.toml"));
}

TEST_CASE("values of the file arrive in the settings", "[unit][config]") {
  const auto loaded = load_text(R"(
[data]
dir = "/srv/bestow"
map_size = "1TiB"
[nats]
mode = "external"
url = "tls://nats.example:4443"
[http]
listen = "[::1]:9000"
body_max = 65536
read_timeout = "2m"
[grants]
chunk = 500
rate = 20000
completion = "published"
extra_fields = false
campaign_point_publish = "pay.points"
[log]
format = "json"
)",
                                "b.toml", {});
  REQUIRE(loaded);
  CHECK(loaded->data.dir == "/srv/bestow");
  CHECK(loaded->data.map_size == 1ULL << 40U);
  CHECK(loaded->nats.mode == nats_mode::external);
  CHECK(loaded->nats.url == "tls://nats.example:4443");
  CHECK(loaded->http.listen == "[::1]:9000");
  CHECK(loaded->http.body_max == 65'536);
  CHECK(loaded->http.read_timeout == std::chrono::minutes{2});
  CHECK(loaded->grants.chunk == 500);
  CHECK(loaded->grants.rate_per_second == 20'000);
  CHECK(loaded->grants.complete_when_published);
  CHECK_FALSE(loaded->grants.extra_fields);
  CHECK(loaded->grants.point_topic == "pay.points");
  CHECK(loaded->log.format == log_format::json);
}

TEST_CASE("a bad value names its place, key, value and what is allowed", "[unit][config]") {
  const auto bad = GENERATE(
      bad_value{"data", "dir = \"\"", "data.dir is ''; it must not be empty"},
      bad_value{"data", "dir = 5", "data.dir is an integer; it wants text"},
      bad_value{"data", "map_size = \"1KiB\"", "data.map_size is '1KiB'; allowed is 1MiB..64TiB"},
      bad_value{"data", "map_size = \"lots\"", "data.map_size is 'lots'"},
      bad_value{"data", "map_size = \"99999999999999TiB\"", "data.map_size is"},
      bad_value{"data", "view_map_size = -5", "data.view_map_size is '-5'"},
      bad_value{"nats", "mode = \"cluster\"",
                "nats.mode is 'cluster'; allowed are embedded, external"},
      bad_value{"nats", "url = \"http://x\"", "nats.url is 'http://x'; allowed is nats://"},
      bad_value{"nats", "server = \"\"", "nats.server is ''; it must not be empty"},
      bad_value{"http", "listen = \"8480\"", "http.listen is '8480'; allowed is HOST:PORT"},
      bad_value{"http", "listen = \"127.0.0.1:99999\"", "http.listen is '127.0.0.1:99999'"},
      bad_value{"http", "listen = \"0.0.0.0:8480\"", "needs http.tokens"},
      bad_value{"http", "body_max = 10", "http.body_max is '10'; allowed is 1KiB..64MiB"},
      bad_value{"http", "read_timeout = 5", "http.read_timeout is an integer; it wants duration"},
      bad_value{"http", "read_timeout = \"0s\"", "http.read_timeout is '0s'; allowed is 1s..10m"},
      bad_value{"http", "write_timeout = \"1 s\"", "http.write_timeout is '1 s'"},
      bad_value{"http", "stream_viewers = 0", "http.stream_viewers is '0'; allowed is 1..64"},
      bad_value{"grants", "chunk = 0", "grants.chunk is '0'; allowed is 1..10000"},
      bad_value{"grants", "chunk = 10001", "grants.chunk is '10001'"},
      bad_value{"grants", "chunk = 1.5",
                "grants.chunk is a number with a fraction; it wants integer"},
      bad_value{"grants", "chunk = \"many\"", "grants.chunk is text; it wants integer"},
      bad_value{"grants", "rate = -1", "grants.rate is '-1'"},
      bad_value{"grants", "completion = \"soon\"", "allowed are results, published"},
      bad_value{"grants", "extra_fields = \"yes\"",
                "grants.extra_fields is text; it wants boolean"},
      bad_value{"grants", "campaign_voucher_publish = \"a.>\"", "without a wildcard"},
      bad_value{"grants", "campaign_point_publish = \"\"", "grants.campaign_point_publish is ''"},
      bad_value{"grants", "point_stream = \"a b\"", "allowed are 1..64 letters"},
      bad_value{"grants", "point_stream = \"GRANTS_VOUCHER\"", "'GRANTS_VOUCHER' is named twice"},
      bad_value{"process", "worker_threads = 0",
                "process.worker_threads is '0'; allowed is 1..256"},
      bad_value{"log", "level = \"loud\"", "allowed are trace, debug, info, warn, error"},
      bad_value{"log", "format = []", "log.format is an array; it wants choice"});
  const auto text = fmt::format("[{}]\n{}\n", bad.section, bad.line);
  const auto detail = detail_of(text);
  CAPTURE(text, detail);
  CHECK(contains(detail, bad.says));
}

TEST_CASE("a problem names line and column", "[unit][config]") {
  CHECK(contains(detail_of("\n\n[grants]\n  chunk = 0\n"), "b.toml:4:11: grants.chunk"));
  CHECK(contains(detail_of("[grants]\nchunk = = 1\n"), "b.toml:2:"));
}

TEST_CASE("an unknown key is named with the nearest one", "[unit][config]") {
  CHECK(contains(detail_of("[grants]\nchnk = 5\n"),
                 "b.toml:2:8: unknown key grants.chnk. Did you mean 'chunk'?"));
  CHECK(
      contains(detail_of("[grant]\nchunk = 5\n"), "unknown section grant. Did you mean 'grants'?"));
  CHECK(contains(detail_of("listen = 1\n"), "unknown key listen"));
  CHECK(contains(detail_of("http = 1\n"), "http is an integer; it wants a section [http]"));
}

TEST_CASE("all problems are told at once", "[unit][config]") {
  const auto detail = detail_of("[grants]\nchunk = 0\nrate = -1\n[log]\nlevel = \"x\"\n");
  CHECK(contains(detail, "grants.chunk"));
  CHECK(contains(detail, "grants.rate"));
  CHECK(contains(detail, "log.level"));
}

TEST_CASE("every key can be overridden by the environment", "[unit][config]") {
  for (const auto& key : key_table()) {
    if (key.type == "tokens") continue;
    auto name = "BESTOW_" + key.section + "_" + key.name;
    for (auto& c : name) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    auto value = key.fallback;
    std::erase(value, '"');
    load_request request;
    request.environment = {{name, value}};
    CAPTURE(name, value);
    CHECK(load(request));
    // The value is checked as the file's would be; a key that takes any text takes this too.
    request.environment = {{name, "\x01"}};
    if (name == "BESTOW_NATS_PASSWORD") request.environment.emplace_back("BESTOW_NATS_USER", "one");
    const bool any_text =
        key.type == "text" && (key.allowed == "any text" || key.allowed == "a file" ||
                               key.allowed == "a directory" || key.allowed == "a program");
    CHECK(load(request).has_value() == any_text);
  }
}

TEST_CASE("the environment wins over the file and an option wins over both", "[unit][config]") {
  load_request request;
  request.environment = {
      {"BESTOW_GRANTS_CHUNK", "300"}, {"BESTOW_GRANTS_RATE", "7"}, {"PATH", "/bin"}};
  request.overrides = {{"grants.rate", "9", "--rate"}};
  const auto loaded = load_text("[grants]\nchunk = 200\nrate = 5\n", "b.toml", request);
  REQUIRE(loaded);
  CHECK(loaded->grants.chunk == 300);
  CHECK(loaded->grants.rate_per_second == 9);
}

TEST_CASE("a bad override names where it came from", "[unit][config]") {
  load_request request;
  request.environment = {{"BESTOW_GRANTS_CHUNK", "0"}};
  CHECK(contains(detail_of("", request), "environment BESTOW_GRANTS_CHUNK: grants.chunk is '0'"));
  request.environment = {{"BESTOW_GRANTS_CHNK", "5"}};
  CHECK(contains(detail_of("", request), "environment BESTOW_GRANTS_CHNK: no such key"));
  request.environment = {};
  request.overrides = {{"http.listen", "nonsense", "--listen"}};
  CHECK(contains(detail_of("", request), "--listen: http.listen is 'nonsense'"));
  request.overrides = {{"nope", "1", "--nope"}};
  CHECK(contains(detail_of("", request), "--nope: no such key"));
}

TEST_CASE("variables of the command line are not settings", "[unit][config]") {
  load_request request;
  request.environment = {{"BESTOW_URL", "x"},
                         {"BESTOW_TOKEN", "y"},
                         {"BESTOW_OUTPUT", "json"},
                         {"BESTOW_CONFIG", "z"}};
  CHECK(load(request));
}

TEST_CASE("named tokens open other addresses and switch four eyes on", "[unit][config]") {
  const auto token = fmt::format(
      "[[http.tokens]]\nname = \"ops\"\nrole = \"operator\"\nsha256 = \"{}\"\n", hash_a);
  const auto loaded = load_text("[http]\nlisten = \"0.0.0.0:8480\"\n" + token, "b.toml", {});
  REQUIRE(loaded);
  REQUIRE(loaded->http.tokens.size() == 1);
  CHECK(loaded->http.tokens[0].name == "ops");
  CHECK(loaded->http.tokens[0].role == access_role::operate);
  CHECK(loaded->grants.named_tokens);
}

TEST_CASE("a bad token is named without its hash", "[unit][config]") {
  const auto with = [](std::string_view name, std::string_view role, std::string_view hash) {
    return fmt::format("[[http.tokens]]\nname = \"{}\"\nrole = \"{}\"\nsha256 = \"{}\"\n", name,
                       role, hash);
  };
  CHECK(contains(detail_of(with("ops", "king", hash_a)), "role 'king' of token 'ops'"));
  CHECK(contains(detail_of(with("", "admin", hash_a)), "a token's name is"));
  CHECK(contains(detail_of(with("a b", "admin", hash_a)), "a token's name is"));
  const auto short_hash = detail_of(with("ops", "admin", "deadbeef"));
  CHECK(contains(short_hash, "sha256 of token 'ops' is not 64 hex digits"));
  CHECK_FALSE(contains(short_hash, "deadbeef"));
  CHECK(contains(detail_of(with("ops", "admin", hash_a) + with("ops", "viewer", hash_b)),
                 "the name 'ops' stands twice"));
  CHECK(contains(detail_of(with("a", "admin", hash_a) + with("b", "viewer", hash_a)),
                 "has the hash of another token"));
  CHECK(
      contains(detail_of(with("a", "admin", hash_a) + "color = \"red\"\n"), "has no key 'color'"));
  CHECK(contains(detail_of("[http]\ntokens = \"x\"\n"), "wants an array of tables"));
}

TEST_CASE("tokens can come as one variable", "[unit][config]") {
  load_request request;
  request.environment = {
      {"BESTOW_HTTP_TOKENS", "ann:approver:" + hash_a + ",bob:viewer:" + hash_b}};
  const auto loaded = load(request);
  REQUIRE(loaded);
  CHECK(loaded->http.tokens.size() == 2);
  request.environment = {{"BESTOW_HTTP_TOKENS", "ann:approver"}};
  const auto detail = detail_of("", request);
  CHECK(contains(detail, "name:role:sha256"));
}

TEST_CASE("roles allow what their names say", "[unit][config]") {
  using enum access_role;
  for (const auto r : {viewer, operate, approver, admin}) {
    CHECK(allows(r, viewer));
    CHECK(allows(admin, r));
    CHECK(allows(r, r));
  }
  CHECK_FALSE(allows(operate, approver));
  CHECK_FALSE(allows(approver, operate));
  CHECK_FALSE(allows(viewer, operate));
  CHECK_FALSE(allows(operate, admin));
}

TEST_CASE("what a command over NATS may do is bounded by tokens, where it comes by other subjects",
          "[unit][config]") {
  const auto plain = load({});
  REQUIRE(plain);
  CHECK(plain->nats.commands);
  CHECK(plain->nats.command_prefix == "bestow.cmd");
  CHECK(plain->nats.role == command_role::viewer);
  const auto token = fmt::format(
      "[[http.tokens]]\nname = \"ops\"\nrole = \"operator\"\nsha256 = \"{}\"\n", hash_a);
  const auto role = [](std::string_view name) {
    return fmt::format("[nats]\ncommand_role = \"{}\"\n", name);
  };
  for (const auto* name : {"approver", "admin"}) {
    CHECK(detail_of(role(name)) == "(accepted)");
    CHECK(contains(detail_of(role(name) + token), "allowed are none, viewer, operator"));
    CHECK(detail_of(role(name) + "commands = false\n" + token) == "(accepted)");
  }
  for (const auto* name : {"none", "viewer", "operator"})
    CHECK(detail_of(role(name) + token) == "(accepted)");
  CHECK(contains(detail_of(role("king")), "allowed are none, viewer, operator, approver, admin"));
  const auto prefix = [](std::string_view text) {
    return detail_of(fmt::format("[nats]\ncommand_prefix = \"{}\"\n", text));
  };
  CHECK(prefix("team.a-1") == "(accepted)");
  CHECK(contains(prefix("a.*"), "without a wildcard"));
  CHECK(contains(prefix("bestow"), "and the subject 'bestow.evt' overlap"));
  CHECK(contains(prefix("bestow.results"), "overlap"));
  CHECK(contains(prefix("prepay.campaign.point.publish.cmd"), "overlap"));
  CHECK(prefix("bestow.evts") == "(accepted)");
}

TEST_CASE("loopback is told from other addresses", "[unit][config]") {
  for (const auto* host : {"127.0.0.1", "127.1.2.3", "::1", "localhost"}) CHECK(is_loopback(host));
  for (const auto* host : {"0.0.0.0", "::", "10.0.0.1", "127.evil.com", "127.0.0.1.evil.com"})
    CHECK_FALSE(is_loopback(host));
}

TEST_CASE("logins of a broker exclude each other, and halves of a pair are named",
          "[unit][config]") {
  const std::string here = BESTOW_SOURCE_DIR "/README.md";
  CHECK(contains(detail_of("[nats]\nuser = \"a\"\nnkey = \"" + here + "\"\n"),
                 "exclude each other"));
  CHECK(contains(detail_of("[nats]\npassword = \"a\"\n"), "without nats.user"));
  CHECK(contains(detail_of("[nats]\ntls_cert = \"" + here + "\"\n"), "tls_key"));
  CHECK(contains(detail_of("[nats]\ntls_ca = \"/nowhere/ca.pem\"\n"), "no readable file"));
  CHECK(contains(detail_of("[nats]\nreplicas = 3\n"), "embedded server is a single one"));
  CHECK(contains(detail_of("[nats]\nfence = \"no\"\n"), "automatic, writer, none"));
}

TEST_CASE("grants name their writer on an external broker unless told otherwise",
          "[unit][config]") {
  const auto fenced = [](std::string_view text) {
    const auto loaded = load_text(text, "b.toml", {});
    REQUIRE(loaded);
    return loaded->nats.fenced();
  };
  CHECK_FALSE(fenced(""));
  CHECK(fenced("[nats]\nmode = \"external\"\n"));
  CHECK_FALSE(fenced("[nats]\nmode = \"external\"\nfence = \"none\"\n"));
  CHECK(fenced("[nats]\nfence = \"writer\"\n"));
}

}  // namespace bestow::config
