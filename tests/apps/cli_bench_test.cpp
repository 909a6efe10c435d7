// `bestow bench` around its works: wrong use, room, table, JSON, void runs, and what is left behind.
// The works themselves run in tests/measure and in tests/e2e/scenario_bench.py.
#include <signal.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include <nlohmann/json.hpp>

#include "apps/cli/bench_run.hpp"
#include "apps/cli/bench_table.hpp"
#include "tests/apps/cli_fixture.hpp"
#include "tests/catch.hpp"

namespace bestow::testing {
namespace {

using nlohmann::ordered_json;
using words = std::vector<std::string>;

auto contains(const std::string& text, std::string_view part) -> bool {
  return text.find(part) != std::string::npos;
}

/// Runs `bestow bench` with works of the test's own, in a directory of its own.
struct bench_fixture {
  scratch dir;
  cli::bench_request request;
  std::string output{"table"};
  std::string out;
  std::string err;

  bench_fixture() {
    request.directory = dir.path("");
    request.repetitions = 3;
    request.server = "sh";  // Is there; the test's works need no broker.
  }
  auto run(const cli::bench_job& job) -> int {
    std::ostringstream out_text;
    std::ostringstream err_text;
    std::istringstream in;
    cli::surroundings with{out_text, err_text, in};
    cli::context ctx{with, {}, {}};
    ctx.global.output = output;
    const auto code = cli::run_bench(ctx, request, job);
    out = out_text.str();
    err = err_text.str();
    return static_cast<int>(code);
  }
  [[nodiscard]] auto is_empty() const -> bool {
    return std::filesystem::is_empty(request.directory);
  }
  [[nodiscard]] auto json_lines() const -> std::vector<ordered_json> {
    std::vector<ordered_json> lines;
    std::istringstream text{out};
    for (std::string line; std::getline(text, line);) lines.push_back(ordered_json::parse(line));
    return lines;
  }
};

/// Rates of 100, 200, ... commits a second.
auto growing(const std::string&, const measure::work_options& o, const measure::figures_sink& each)
    -> measure::outcome<void> {
  std::ofstream{o.directory + "/left"} << "something";
  for (unsigned n = 1; n <= o.repetitions; ++n) {
    if (o.see.stage) o.see.stage(n, "committing");
    measure::figures f;
    f.set("commits_per_second", 100.0 * n);
    f.set("cpu_us_per_commit", 2.5);
    each(f);
  }
  return {};
}

}  // namespace

TEST_CASE("wrong use of bench ends with 2 and says what is right", "[unit][cli]") {
  const scratch dir;
  const auto file = dir.file("file", "");
  const auto data = dir.path("data");
  std::filesystem::create_directories(data);
  std::ofstream{data + "/LOCK"};
  struct wrong {
    words given;
    std::string says;
  };
  for (const auto& bad : std::vector<wrong>{
           {{"walk"}, "disk,import,publish,command,replay"},
           {{"--targets", "999"}, "'999' is not a whole number 1000..5000000"},
           {{"--targets", "5000001"}, "1000..5000000"},
           {{"--targets", "many"}, "'many'"},
           {{"--repetitions", "0"}, "'0' is not a whole number 1..100"},
           {{"--repetitions", "101"}, "1..100"},
           {{"--seed", "-1"}, "'-1' is not a whole number"},
           {{"--dir"}, "--dir"},
           {{"--dir", "/no/such"}, "--dir /no/such: there is no such directory"},
           {{"--dir", file}, "it is no directory"},
           {{"--dir", data}, "it is a data directory; name one beside it"}}) {
    words given{"bench"};
    given.insert(given.end(), bad.given.begin(), bad.given.end());
    CAPTURE(given);
    const auto r = run_cli(given);
    CAPTURE(r.err);
    CHECK(r.code == 2);
    CHECK(contains(r.err, bad.says));
    CHECK(r.out.empty());
  }
}

TEST_CASE("room is asked for before anything is written", "[unit][cli]") {
  constexpr std::uint64_t gib = 1ULL << 30U;
  CHECK(cli::bench_room_problem(10 * gib, 5'000'000).empty());
  const auto why = cli::bench_room_problem(gib, 5'000'000);
  CHECK(contains(why, "1024 MiB are free and 5000000 targets want 7409 MiB"));
  CHECK(contains(why, "--dir"));
  CHECK(contains(cli::bench_room_problem(0, 1'000), "0 MiB are free"));
}

TEST_CASE("memory and the network are named as no disk", "[unit][cli]") {
  CHECK(contains(cli::bench_disk_warning("tmpfs"), "fsync is free"));
  CHECK(contains(cli::bench_disk_warning("nfs"), "network"));
  CHECK(cli::bench_disk_warning("ext4").empty());
  CHECK(cli::bench_disk_warning("").empty());
}

TEST_CASE("a directory that cannot be written is a fault", "[unit][cli]") {
  bench_fixture f;
  f.request.directory = "/proc";  // Root cannot write there either.
  CHECK(f.run(growing) == 1);
  CHECK(contains(f.err, "/proc/bestow-bench-"));
}

TEST_CASE("bench shows min, median and max of its repetitions", "[unit][cli]") {
  bench_fixture f;
  f.request.works = {"disk"};
  CHECK(f.run(growing) == 0);
  CHECK(contains(f.out, "WORK"));
  CHECK(contains(f.out, "disk commits/s 100    200 300          2.5"));
  CHECK(contains(f.err, "measuring disk: 3 repetitions"));
  CHECK(contains(f.err, "100,000 targets, 3 repetitions, seed 1"));
  CHECK(f.is_empty());
  f.output = "csv";
  CHECK(f.run(growing) == 0);
  CHECK(f.out == "work,unit,min,median,max,ratio,cpu_us\ndisk,commits/s,100,200,300,,2.5\n");
}

TEST_CASE("as JSON each repetition is one line with what it was measured on", "[unit][cli]") {
  bench_fixture f;
  f.request.works = {"disk"};
  f.request.seed = 7;
  f.output = "json";
  CHECK(f.run(growing) == 0);
  const auto lines = f.json_lines();
  REQUIRE(lines.size() == 3);
  CHECK(lines[1]["bench"] == "disk");
  CHECK(lines[1]["repetition"] == 2);
  CHECK(lines[1]["targets"] == 100'000);
  CHECK(lines[1]["seed"] == 7);
  CHECK(lines[1]["commits_per_second"] == 200);
  for (const auto* field : {"fsync", "filesystem", "cores", "load_average", "at"})
    CHECK(lines[1].contains(field));
}

TEST_CASE("the widest figures stay within 80 columns", "[unit][cli]") {
  std::ostringstream out;
  std::ostringstream err;
  std::istringstream in;
  cli::surroundings with{out, err, in};
  cli::context ctx{with, {}, {}};
  ctx.global.output = "table";
  // Every field that any row shows, as large as it can get.
  ordered_json line;
  for (const auto* rate :
       {"commits_per_second", "rows_per_second", "parse_rows_per_second", "raw_log_rows_per_second",
        "messages_per_second", "raw_messages_per_second", "clients_1_commands_per_second",
        "raw_commits_per_second", "clients_64_commands_per_second", "summary_described_per_second",
        "status_described_per_second", "decode_described_per_second"})
    line[rate] = 345'678'901.0;
  for (const auto* ratio : {"ratio_to_parse_and_raw_log", "ratio_to_raw", "clients_1_ratio_to_raw",
                            "summary_cpu_ratio_to_decode", "status_cpu_ratio_to_decode"})
    line[ratio] = 10.25;
  line["clients_1_cpu_us_per_command"] = 12'345.6;
  auto rows = ordered_json::array();
  for (const auto& work : cli::bench_works())
    for (auto& row : cli::bench_rows(work, {line})) rows.push_back(std::move(row));
  CHECK(rows.size() == 12);
  rows.push_back(cli::bench_end_row("publish", "left out"));
  print_rows(ctx, rows, cli::bench_columns());
  std::istringstream table{out.str()};
  for (std::string text; std::getline(table, text);) {
    CAPTURE(text);
    CHECK(text.size() <= 80);
  }
  CHECK(contains(out.str(), "command, 64 clients"));
  CHECK(cli::bench_rows("disk", {}).empty());
  CHECK(cli::bench_rows("disk", {ordered_json{{"void", "a row was lost"}}}).empty());
}

TEST_CASE("a void run is named, has no figures and ends with 1; the others are measured",
          "[unit][cli]") {
  bench_fixture f;
  f.request.works = {"import", "disk"};
  const auto job = [](const std::string& work, const measure::work_options& o,
                      const measure::figures_sink& each) -> measure::outcome<void> {
    if (work == "disk") return growing(work, o, each);
    measure::figures good;
    good.set("rows_per_second", 5'000.0);
    each(good);
    return measure::void_because("the log lacks \"row\" 7");
  };
  CHECK(f.run(job) == 1);
  CHECK(contains(f.err, "error: bench_void: import, repetition 2: the log lacks \"row\" 7\n"));
  CHECK(contains(f.out, "disk"));
  CHECK(contains(f.out, "5,000"));
  CHECK(contains(f.out, "void"));
  CHECK(f.is_empty());
  f.output = "json";
  CHECK(f.run(job) == 1);
  const auto lines = f.json_lines();
  REQUIRE(lines.size() == 5);
  CHECK(lines[3]["repetition"] == 1);
  CHECK(lines[4]["bench"] == "import");
  CHECK(lines[4]["repetition"] == 2);
  CHECK(lines[4]["void"] == "the log lacks \"row\" 7");
  CHECK_FALSE(lines[4].contains("rows_per_second"));
}

TEST_CASE("a fault of a work says what to do", "[unit][cli]") {
  bench_fixture f;
  f.request.works = {"import"};
  f.output = "json";
  CHECK(f.run([](const auto&, const auto&, const auto&) -> measure::outcome<void> {
    return tl::unexpected<measure::trouble>{
        fault{fault_code::log_full, fault_action::call_operator, "mdb_put", "raw.mdb"}};
  }) == 1);
  CHECK(contains(f.err, "error: import, repetition 1: log_full in mdb_put: raw.mdb\n"));
  CHECK(contains(f.err, "make room"));
  CHECK(f.json_lines().at(0)["fault"] == "log_full in mdb_put: raw.mdb");
  CHECK(f.is_empty());
}

TEST_CASE("a work that crashes is void and leaves nothing behind", "[unit][cli]") {
  bench_fixture f;
  f.request.works = {"disk"};
  CHECK(f.run([](const auto&, const measure::work_options& o, const auto&)
                  -> measure::outcome<void> {
    std::filesystem::create_directories(o.directory + "/deep/er");
    std::ofstream{o.directory + "/deep/er/file"} << "x";
    ::raise(SIGKILL);
    return {};
  }) == 1);
  CHECK(contains(f.err, "bench_void: disk, repetition 1: its process was ended by signal 9"));
  CHECK(f.is_empty());
}

TEST_CASE("a signal stops the work and leaves nothing behind", "[unit][cli]") {
  const int signal = GENERATE(SIGINT, SIGTERM, SIGHUP);
  CAPTURE(signal);
  bench_fixture f;
  f.output = "json";
  int works = 0;
  CHECK(f.run([&](const auto&, const measure::work_options& o, const measure::figures_sink& each)
                  -> measure::outcome<void> {
    ++works;  // In its own process.
    std::ofstream{o.directory + "/file"} << "x";
    measure::figures good;
    good.set("commits_per_second", 1.0);
    each(good);
    ::kill(::getppid(), signal);
    for (;;) ::pause();
  }) == 1);
  CHECK(works == 0);
  CHECK(contains(f.err, std::string{"stopped by SIG"} + sigabbrev_np(signal)));
  CHECK(contains(f.err, "nothing is left behind"));
  CHECK(f.json_lines().size() <= 1);
  CHECK(f.is_empty());
}

TEST_CASE("without a nats-server publish is left out, and refused when it was asked for",
          "[unit][cli]") {
  bench_fixture f;
  f.request.server = "/no/such/nats-server";
  CHECK(f.run(growing) == 0);
  CHECK(contains(f.err, "publish is left out: there is no '/no/such/nats-server'"));
  CHECK(contains(f.out, "publish left out"));
  f.request.works = {"disk", "publish"};
  CHECK(f.run(growing) == 5);
  CHECK(contains(f.err, "publish needs a nats-server"));
  CHECK(contains(f.err, "BESTOW_NATS_SERVER"));
  CHECK(f.out.empty());
  const auto r = run_cli({"bench", "publish", "--dir", f.request.directory}, "", "",
                         {{"BESTOW_NATS_SERVER", "/no/such/server"}});
  CHECK(r.code == 5);
  CHECK(contains(r.err, "'/no/such/server'"));
  CHECK(f.is_empty());
}

TEST_CASE("the manual page and the shells know bench", "[unit][cli]") {
  const auto page = run_cli({"help", "man"}).out;
  CHECK(contains(page, ".SS \\fBbestow bench\\fR [\\fIWORK\\fR]"));
  CHECK(contains(page, "\\-\\-repetitions"));
  CHECK(run_cli({"__complete", "bench", ""}).out == "command\ndisk\nimport\npublish\nreplay\n");
  CHECK(run_cli({"__complete", "bench", "disk", "re"}).out == "replay\n");
  CHECK(contains(run_cli({"__complete", "bench", "--"}).out, "--repetitions\n"));
  CHECK(contains(run_cli({"bench", "--help"}).out, "100000"));
}

}  // namespace bestow::testing
