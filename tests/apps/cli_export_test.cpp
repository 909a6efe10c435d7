// bestow customer trace, view export and --as-of against a served fixture.
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <thread>

#include <SQLiteCpp/SQLiteCpp.h>
#include <fmt/format.h>

#include "apps/cli/sqlite_export.hpp"
#include "domain/target_row.hpp"
#include "tests/apps/cli_fixture.hpp"
#include "tests/catch.hpp"

namespace bestow::testing {
namespace {

using namespace std::chrono_literals;

auto contains(const std::string& text, std::string_view part) -> bool {
  return text.find(part) != std::string::npos;
}
auto text_of(const std::string& path) -> std::string {
  std::ifstream in{path, std::ios::binary};
  return {std::istreambuf_iterator<char>{in}, {}};
}
auto files_in(const std::string& folder) -> std::size_t {
  return static_cast<std::size_t>(
      std::distance(std::filesystem::directory_iterator{folder}, {}));
}
auto one(SQLite::Database& file, const std::string& query) -> std::string {
  return file.execAndGet(query).getString();
}

}  // namespace

TEST_CASE("a trace prints a customer's facts", "[contract][cli]") {
  cli_fixture f;
  f.completed_points(7, 5, 3);
  CHECK(f.run({"customer", "trace", "1002"}).out ==
        f.get("/api/v1/customers/1002/history").body + "\n");
  const auto table = f.run({"customer", "trace", "1002", "-o", "table", "--limit", "2"});
  CHECK(table.code == 0);
  CHECK(contains(table.out, "targets_released"));
  CHECK(contains(table.err, "more: --after"));
  CHECK(f.run({"customer", "trace", "1002", "-o", "csv"})
            .out.starts_with("position,recorded_at,promotion_id,"));
  const auto none = f.run({"customer", "trace", "42"});
  CHECK(none.code == 4);
  CHECK(contains(none.err, "customer_not_found"));
  for (const auto* bad : {"0", "x", "-1", "18446744073709551616"})
    CHECK(f.run({"customer", "trace", bad}).code == 2);
}

TEST_CASE("--as-of asks about an earlier moment", "[contract][cli]") {
  cli_fixture f;
  f.sealed_points(7, 5);
  const auto then = domain::to_rfc3339(f.time.wall());
  f.time.advance(1h);
  f.sealed_points(8, 5);
  f.time.advance(1h);
  CHECK(f.run({"promotion", "list", "--as-of", then}).out ==
        f.get("/api/v1/promotions?as_of=" + then).body + "\n");
  CHECK(f.run({"promotion", "show", "7", "--as-of", then}).code == 0);
  CHECK(f.run({"promotion", "show", "7", "--partitions", "--as-of", then}).code == 0);
  CHECK(f.run({"target", "list", "7", "--as-of", then}).code == 0);
  CHECK(f.run({"target", "show", "7", "1", "--as-of", then}).code == 0);
  CHECK(f.run({"customer", "trace", "1002", "--as-of", then}).code == 0);
  CHECK(f.run({"promotion", "show", "8", "--as-of", then}).code == 4);
  const auto bad = f.run({"promotion", "show", "8", "--as-of", "tomorrow"});
  CHECK(bad.code == 2);
  CHECK(contains(bad.err, "RFC 3339"));
  const auto future = f.run({"promotion", "list", "--as-of", "2099-01-01T00:00:00Z"});
  CHECK(future.code == 2);
  CHECK(contains(future.err, "as_of_in_the_future"));
  CHECK(f.run({"promotion", "list", "--as-of", "2001-01-01 00:00:00"}).code == 2);
}

TEST_CASE("an export goes to standard output or to a whole file", "[contract][cli]") {
  cli_fixture f;
  const scratch dir;
  f.completed_points(7, 5, 3);
  const auto csv = f.get("/api/v1/views/target_status/export").body;
  CHECK(f.run({"view", "export", "target_status"}).out == csv);
  CHECK(f.run({"view", "export", "target_status", "--out", "-"}).out == csv);
  const auto path = dir.path("targets.csv");
  const auto saved = f.run({"view", "export", "target_status", "--out", path});
  CHECK(saved.code == 0);
  CHECK(saved.out.empty());
  CHECK(contains(saved.err, "at position"));
  CHECK(text_of(path) == csv);
  CHECK(files_in(dir.path("")) == 1);
  // What is there is replaced when the user says so.
  const auto again = f.run({"view", "export", "promotion_summary", "--out", path});
  CHECK(again.code == 2);
  CHECK(contains(again.err, "file_unwritable"));
  CHECK(text_of(path) == csv);
  CHECK(f.run({"view", "export", "promotion_summary", "--out", path, "--yes"}).code == 0);
  CHECK(text_of(path) == f.get("/api/v1/views/promotion_summary/export").body);
}

TEST_CASE("an export that fails leaves no file", "[contract][cli]") {
  cli_fixture f;
  const scratch dir;
  f.completed_points(7, 5, 3);
  const auto out = dir.path("out");
  const auto fails = [&](std::vector<std::string> words, int code, std::string_view said) {
    CAPTURE(words);
    words.insert(words.begin(), {"view", "export"});
    const auto r = f.run(words);
    CHECK(r.code == code);
    CHECK(contains(r.err, said));
    CHECK_FALSE(std::filesystem::exists(out));
    CHECK(files_in(dir.path("")) == 0);
  };
  fails({"no_such_view", "--out", out}, 4, "view_not_found");
  fails({"no_such_view", "--out", out, "--format", "sqlite"}, 4, "view_not_found");
  fails({"target_status", "--out", out, "--promotion", "9"}, 4, "promotion_not_found");
  fails({"target_status", "--out", out, "--format", "xml"}, 2, "xml");
  fails({"target_status", "--format", "sqlite"}, 2, "--out");
  fails({"target_status", "--out", dir.path("")}, 2, "directory");
  fails({"target_status", "--out", dir.path("no/such/folder/file")}, 2, "file_unwritable");
  fails({"target_status", "--out", "/dev/null"}, 2, "no regular file");
  fails({"target_status", "--out", out, "--as-of", "2099-01-01T00:00:00Z"}, 2,
        "as_of_in_the_future");
  f.server->stop();
  fails({"target_status", "--out", out}, 5, "unavailable");
}

/// Answers one request with the beginning of a chunked body and hangs up.
class half_server {
 public:
  half_server() : listener_{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)} {
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(::bind(listener_, reinterpret_cast<sockaddr*>(&at), sizeof at) == 0);
    REQUIRE(::listen(listener_, 1) == 0);
    socklen_t size = sizeof at;
    REQUIRE(::getsockname(listener_, reinterpret_cast<sockaddr*>(&at), &size) == 0);
    url = fmt::format("http://127.0.0.1:{}", ntohs(at.sin_port));
    thread_ = std::thread{[this] {
      const int client = ::accept(listener_, nullptr, nullptr);
      char request[4'096];
      [[maybe_unused]] const auto asked = ::read(client, request, sizeof request);
      constexpr std::string_view answer =
          "HTTP/1.1 200 OK\r\nContent-Type: text/csv\r\nTransfer-Encoding: chunked\r\n\r\n"
          "4\r\na,b\n\r\n";
      [[maybe_unused]] const auto sent = ::write(client, answer.data(), answer.size());
      ::close(client);
    }};
  }
  half_server(const half_server&) = delete;
  auto operator=(const half_server&) -> half_server& = delete;
  ~half_server() {
    thread_.join();
    ::close(listener_);
  }
  std::string url;

 private:
  int listener_;
  std::thread thread_;
};

TEST_CASE("an export that breaks off is not kept", "[contract][cli]") {
  const scratch dir;
  {
    const half_server server;
    const auto r = run_cli({"view", "export", "x", "--out", dir.path("out")}, server.url);
    CHECK(r.code == 5);
    CHECK(contains(r.err, "broke off"));
    CHECK(files_in(dir.path("")) == 0);
  }
  // The server breaks off when it cannot read what it needs.
  cli_fixture f;
  f.completed_points(7, 5, 3);
  f.log.flip_bit({f.log.head().last.value - 1}, 2'000);
  for (const auto* format : {"csv", "sqlite"}) {
    const auto r = f.run({"view", "export", "target_status", "--format", format, "--out",
                          dir.path("out")});
    CHECK(r.code == 5);
    CHECK(contains(r.err, "broke off"));
    CHECK(files_in(dir.path("")) == 0);
  }
}

TEST_CASE("an SQLite export has typed columns and says what it is", "[contract][cli]") {
  cli_fixture f;
  const scratch dir;
  f.completed_points(7, 5, 3);
  const auto then = domain::to_rfc3339(f.time.wall());
  f.time.advance(1h);
  f.sealed_points(8, 2);
  const auto path = dir.path("targets.db");
  const auto made = f.run({"view", "export", "target_status", "--format", "sqlite", "--out", path});
  CAPTURE(made.err);
  REQUIRE(made.code == 0);
  SQLite::Database file{path};
  CHECK(one(file, "select count(*) from target_status") == "7");
  CHECK(one(file, "select sum(amount) from target_status where promotion_id = 7") == "500");
  CHECK(one(file, "select group_concat(distinct typeof(target_id) || typeof(amount) || "
                  "typeof(customer_uid) || typeof(attempt) || typeof(status)) from "
                  "target_status") == "integerintegerintegerintegertext");
  CHECK(one(file, "select count(*) from target_status where transaction_key is null") == "4");
  CHECK(one(file, "select row_count from bestow_export") == "7");
  CHECK(one(file, "select view_name from bestow_export") == "target_status");
  CHECK(one(file, "select log_id from bestow_export") == f.log.log_id());
  CHECK(one(file, "select position from bestow_export") ==
        std::to_string(f.log.head().last.value));
  CHECK(one(file, "select frame_hash from bestow_export") == to_hex(f.log.head().frame_hash));
  CHECK(one(file, "select as_of is null from bestow_export") == "1");
  CHECK(one(file, "pragma integrity_check") == "ok");
  for (const auto* view :
       {"promotion_summary", "partition_progress", "reconciliation", "customer_grants"}) {
    const auto to = dir.path(view);
    CHECK(f.run({"view", "export", view, "--format", "sqlite", "--out", to, "--as-of", then}).code ==
          0);
    SQLite::Database other{to};
    CHECK(one(other, fmt::format("select count(*) from {}", view)) ==
          (std::string_view{view} == "customer_grants" ? "5" : "1"));
    CHECK(one(other, "select as_of from bestow_export") == then);
  }
}

TEST_CASE("a customer_uid above 2^63-1 stays exact in SQLite", "[unit][cli]") {
  const scratch dir;
  const auto path = dir.path("x.db");
  const std::vector<http::schema_field> fields{{"customer_uid", http::shape::id, false, "", ""},
                                               {"amount", http::shape::money, false, "", ""},
                                               {"done", http::shape::flag, true, "", ""}};
  cli::sqlite_export rows{path, "t", fields};
  const std::string lines =
      "{\"customer_uid\":\"18446744073709551615\",\"amount\":\"-5\",\"done\":true}\n"
      "{\"customer_uid\":\"9223372036854775807\",\"amount\":\"7\",\"done\":null}\n";
  for (const char c : lines) CHECK(rows.take({&c, 1}).empty());  // Cut anywhere.
  CHECK(rows.finish({{"position", "5"}, {"as_of", ""}}).empty());
  SQLite::Database file{path};
  CHECK(one(file, "select group_concat(customer_uid || typeof(customer_uid)) from t") ==
        "18446744073709551615text,9223372036854775807integer");
  CHECK(one(file, "select sum(amount) from t") == "2");
  CHECK(one(file, "select count(*) from t where done is null") == "1");
}

TEST_CASE("rows that are not the view's end an SQLite export", "[unit][cli]") {
  const scratch dir;
  const std::vector<http::schema_field> fields{{"id", http::shape::id, false, "", ""}};
  int number = 0;
  for (const auto* bad : {"rubbish\n", "{}\n", "{\"other\":\"1\"}\n", "{\"id\":\"1\",\"x\":1}\n",
                          "[1]\n", "{\"id\":{}}\n"}) {
    CAPTURE(bad);
    cli::sqlite_export rows{dir.path(std::to_string(++number)), "t", fields};
    CHECK_FALSE(rows.take(bad).empty());
    CHECK_FALSE(rows.finish({}).empty());
  }
  cli::sqlite_export cut{dir.path("cut"), "t", fields};
  CHECK(cut.take("{\"id\":\"1\"}\n{\"id\"").empty());
  CHECK_FALSE(cut.finish({}).empty());
}

}  // namespace bestow::testing
