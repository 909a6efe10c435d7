// The words of the command line: usage errors, help, explain, completion. No server needed.
#include <filesystem>
#include <fstream>
#include <regex>

#include "apps/cli/codes.hpp"
#include "apps/http/problem.hpp"
#include "domain/rejection.hpp"
#include "domain/result_row.hpp"
#include "events/fault_table.hpp"
#include "tests/apps/cli_fixture.hpp"
#include "tests/catch.hpp"

namespace bestow::testing {
namespace {

using words = std::vector<std::string>;

auto contains(const std::string& text, std::string_view part) -> bool {
  return text.find(part) != std::string::npos;
}

struct wrong_use {
  words given;
  std::string_view says;
};

}  // namespace

TEST_CASE("wrong use ends with 2 and says what is right", "[unit][cli]") {
  const auto bad = GENERATE(
      wrong_use{{"promtoion", "list"}, "Did you mean 'promotion'?"},
      wrong_use{{"promotion", "lsit"},
                "bestow promotion has no command 'lsit'. Did you mean 'list'?"},
      wrong_use{{"-o", "json", "veiw", "list"}, "Did you mean 'view'?"},
      wrong_use{{"--url", "promotion", "lgo"}, "Did you mean 'log'?"},
      wrong_use{{"promotion"}, "subcommand"}, wrong_use{{"promotion", "show"}, "id"},
      wrong_use{{"promotion", "show", "abc"}, "'abc' is not an id"},
      wrong_use{{"promotion", "show", "0"}, "'0' is not an id"},
      wrong_use{{"promotion", "show", "5", "6"}, "6"},
      wrong_use{{"promotion", "list", "--colour"}, "--colour"},
      wrong_use{{"-o", "xml", "version"}, "xml"}, wrong_use{{"completion", "tcsh"}, "tcsh"},
      wrong_use{{"promotion", "import", "7", "f", "--format", "xls"}, "xls"},
      wrong_use{{"promotion", "create", "-f", "/tmp"}, "/tmp: it is a directory"},
      wrong_use{{"promotion", "create", "-f", "/no/such.toml"}, "there is no such file"},
      wrong_use{{"promotion", "run", "/tmp", "x.csv"}, "/tmp: it is a directory"},
      wrong_use{{"promotion", "import", "7", "/tmp"}, "/tmp"},
      wrong_use{{"promotion", "reconcile", "7", "--ledger", "/tmp"}, "it is a directory"},
      wrong_use{{"promotion", "recall", "7", "--reason", "r", "--targets", "/tmp"},
                "it is a directory"},
      wrong_use{{"promotion", "list", "--limit", "0"}, "'0' is not a whole number 1..1000"},
      wrong_use{{"promotion", "list", "--limit", "1001"}, "1..1000"},
      wrong_use{{"target", "list", "7", "--partition", "1024"}, "0..1023"},
      wrong_use{{"log", "cat", "--from", "-1"}, "'-1' is not a whole number"},
      wrong_use{{"log", "cat", "--limit", "0"}, "'0' is not a whole number"},
      wrong_use{{"log", "tail", "--from", "x"}, "'x' is not a whole number"},
      wrong_use{{"promotion", "watch", "7", "--timeout", "-1"}, "'-1' is not"},
      wrong_use{{"wait"}, "--for"}, wrong_use{{"wait", "--for", "rain"}, "promotion:ID=STATE"},
      wrong_use{{"wait", "--for", "promotion:0=completed"}, "allowed are ready"},
      wrong_use{{"wait", "--for", "promotion:7=draft"}, "allowed are ready"},
      wrong_use{{"wait", "--for", "ready", "--timeout", "0"}, "'0' is not a time"},
      wrong_use{{"wait", "--for", "ready", "--timeout", "2d"}, "'2d' is not a time"},
      wrong_use{{"token", "new", "ann", "boss"}, "role 'boss'"},
      wrong_use{{"token", "new", "an n", "viewer"}, "name"},
      wrong_use{{"token", "hash"}, "standard input"},
      wrong_use{{"promotion", "create"}, "file"}, wrong_use{{"help", "nothing"}, "nothing"});
  CAPTURE(bad.given);
  const auto r = run_cli(bad.given);
  CAPTURE(r.err, r.out);
  CHECK(r.code == 2);
  CHECK(contains(r.err, bad.says));
  CHECK(r.out.empty());
}

TEST_CASE("without a word the help is shown and the use is wrong", "[unit][cli]") {
  const auto r = run_cli({});
  CHECK(r.code == 2);
  CHECK(contains(r.err, "promotion"));
}

TEST_CASE("help and version end with 0 on stdout", "[unit][cli]") {
  for (const auto& given : std::vector<words>{{"--help"},
                                              {"help"},
                                              {"promotion", "--help"},
                                              {"help", "promotion", "run"},
                                              {"--version"},
                                              {"version"},
                                              {"help", "config"}}) {
    CAPTURE(given);
    const auto r = run_cli(given);
    CHECK(r.code == 0);
    CHECK_FALSE(r.out.empty());
    CHECK(r.err.empty());
  }
  CHECK(contains(run_cli({"--help"}).out, "Exit codes: 0 done, 1 fault, 2 usage, 3 refused"));
  CHECK(contains(run_cli({"promotion", "run", "--help"}).out, "TARGETS"));
  CHECK(json::parse(run_cli({"version", "-o", "json"}).out)["name"] == "bestow");
}

TEST_CASE("serve is handed its options", "[unit][cli]") {
  CHECK(run_cli({"serve"}).out == "serve |||\n");
  CHECK(run_cli({"serve", "-c", "a.toml", "--data", "d", "--listen", "h:1", "--nats", "embedded"})
            .out == "serve a.toml|d|h:1|embedded\n");
  CHECK(run_cli({"serve"}, "", "", {{"BESTOW_CONFIG", "b.toml"}}).out == "serve b.toml|||\n");
}

TEST_CASE("every code there is can be explained", "[unit][cli]") {
  words names;
  for (const auto& row : domain::rejection_table()) names.emplace_back(row.name);
  for (const auto& row : domain::row_rejection_table()) names.emplace_back(row.name);
  for (const auto& row : domain::result_rejection_table()) names.emplace_back(row.name);
  for (const auto& row : fault_table()) names.emplace_back(row.name);
  for (const auto& row : http::request_error_table()) names.emplace_back(row.name);
  for (const auto* own : {"unavailable", "timed_out", "condition_missed", "promotion_stopped",
                          "promotion_failed", "promotion_cancelled",
                          "not_reconciled", "bench_void", "file_unreadable", "file_unwritable",
                          "backup_directory_taken", "other_history", "no_live_view"})
    names.emplace_back(own);
  CHECK(cli::all_codes().size() == names.size());
  for (const auto& name : names) {
    CAPTURE(name);
    const auto r = run_cli({"explain", name, "-o", "json"});
    REQUIRE(r.code == 0);
    const auto doc = json::parse(r.out);
    CHECK(doc["code"] == name);
    CHECK_FALSE(doc["meaning"].get<std::string>().empty());
    CHECK_FALSE(doc["remedy"].get<std::string>().empty());
    const auto people = run_cli({"explain", name, "-o", "table"});
    CHECK(contains(people.out, "What to do: "));
  }
  CHECK(json::parse(run_cli({"explain", "-o", "json"}).out).size() == names.size());
}

TEST_CASE("every code that a command complains with can be explained", "[unit][cli]") {
  const std::regex said{R"(complain\((fmt::format\()?"([a-z]+(_[a-z]+)+):)"};
  int found = 0;
  for (const auto& file : std::filesystem::directory_iterator{BESTOW_SOURCE_DIR "/apps/cli"}) {
    std::ifstream in{file.path()};
    const std::string text{std::istreambuf_iterator<char>{in}, {}};
    for (std::sregex_iterator it{text.begin(), text.end(), said}, end; it != end; ++it, ++found) {
      CAPTURE(file.path(), (*it)[2].str());
      CHECK(cli::find_code((*it)[2].str()) != nullptr);
    }
  }
  CHECK(found >= 8);
}

TEST_CASE("an empty path is no path", "[unit][cli]") {
  for (const auto& words : std::vector<std::vector<std::string>>{
           {"log", "export", "--out", ""},
           {"log", "prove", "1", "1", "--out", ""},
           {"view", "export", "promotion_summary", "--out", ""},
           {"debug", "bundle", "--out", ""}}) {
    CAPTURE(words);
    const auto r = run_cli(words);
    CHECK(r.code == 2);
    CHECK(contains(r.err, "the path is empty"));
  }
}

TEST_CASE("a code that does not exist is not found, with the nearest ones", "[unit][cli]") {
  const auto r = run_cli({"explain", "log_fulll"});
  CHECK(r.code == 4);
  CHECK(contains(r.err, "log_full"));
  CHECK(run_cli({"explain", "zzzzzzzzzzzzzz"}).code == 4);
  CHECK(contains(run_cli({"explain", "broker_is_gone"}).err, "broker_unavailable"));
  CHECK(contains(run_cli({"explain", "Log_Full", "-o", "table"}).out, "log_full (fault)"));
  CHECK(run_cli({"explain", "LOG-FULL"}).code == 0);
  CHECK(contains(run_cli({"explain", "unavailable", "-o", "table"}).out, "bestow serve"));
}

TEST_CASE("a made token opens the configuration it is put into", "[unit][cli]") {
  const auto made = run_cli({"token", "new", "batch-job", "operator", "-o", "json"});
  REQUIRE(made.code == 0);
  const auto doc = json::parse(made.out);
  const auto token = doc["token"].get<std::string>();
  CHECK(token.size() == 64);
  CHECK(run_cli({"token", "hash", "-o", "table"}, "", token + "\n").out ==
        doc["sha256"].get<std::string>() + "\n");
  CHECK(json::parse(run_cli({"token", "new", "x", "viewer", "-o", "json"}).out)["token"] != token);
  const auto text = run_cli({"token", "new", "ann", "approver", "-o", "table"}).out;
  const auto entry = text.substr(text.find("[[http.tokens]]"));
  const auto settings = config::load_text(entry, "bestow.toml", {});
  REQUIRE(settings);
  CHECK(settings->http.tokens.at(0).name == "ann");
  CHECK(settings->http.tokens.at(0).role == config::access_role::approver);
}

TEST_CASE("the manual page names every command and option", "[unit][cli]") {
  const auto page = run_cli({"help", "man"}).out;
  CHECK(page.starts_with(".TH BESTOW 1"));
  for (const auto* word : {".SS \\fBbestow promotion run\\fR \\fIFILE\\fR \\fITARGETS\\fR",
                           ".SS \\fBbestow wait\\fR", "\\-\\-rejects", "\\-\\-url",
                           ".SH EXIT STATUS"}) {
    CAPTURE(word);
    CHECK(contains(page, word));
  }
  CHECK_FALSE(contains(page, "\n'"));
}

TEST_CASE("each shell gets a script and the words to complete", "[unit][cli]") {
  for (const auto* shell : {"bash", "zsh", "fish"}) {
    const auto r = run_cli({"completion", shell});
    CHECK(r.code == 0);
    CHECK(contains(r.out, "__complete"));
  }
  CHECK(run_cli({"__complete", "pro"}).out == "promotion\n");
  CHECK(contains(run_cli({"__complete", ""}).out, "serve\n"));
  CHECK_FALSE(contains(run_cli({"__complete", ""}).out, "__complete"));
  CHECK(run_cli({"__complete", "promotion", "se"}).out == "seal\n");
  CHECK(run_cli({"__complete", "explain", "log_f"}).out == "log_full\n");
  CHECK(run_cli({"__complete", "completion", "b"}).out == "bash\n");
  CHECK(run_cli({"__complete", "help", "ma"}).out == "man\n");
  CHECK(run_cli({"__complete", "token", ""}).out == "hash\nnew\n");
  CHECK(contains(run_cli({"__complete", "wait", "--"}).out, "--for\n"));
  CHECK(contains(run_cli({"__complete", "promotion", "import", "--re"}).out, "--rejects\n"));
}

TEST_CASE("a server that is not there ends with 5", "[unit][cli]") {
  const std::string nobody = "http://127.0.0.1:1";
  for (const auto& given : std::vector<words>{{"promotion", "list"},
                                              {"promotion", "seal", "7"},
                                              {"target", "list", "7"},
                                              {"log", "stat"},
                                              {"view", "list"},
                                              {"log", "tail"}}) {
    CAPTURE(given);
    const auto r = run_cli(given, nobody);
    CHECK(r.code == 5);
    CHECK(contains(r.err, "unavailable: http://127.0.0.1:1 does not answer"));
    CHECK(r.out.empty());
  }
}

TEST_CASE("a data directory without a log is not found", "[unit][cli]") {
  const scratch dir;
  for (const auto& given :
       std::vector<words>{{"log", "stat"}, {"log", "cat"}, {"log", "verify"}, {"view", "list"}}) {
    auto with_data = given;
    with_data.insert(with_data.end(), {"--data", dir.path("none")});
    CAPTURE(given);
    CHECK(run_cli(with_data).code == 4);
  }
}

}  // namespace bestow::testing
