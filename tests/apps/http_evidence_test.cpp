// Exports, proofs, backups and bundles over HTTP, and what a proof's check takes.
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>

#include <fmt/format.h>

#include "apps/evidence/backup.hpp"
#include "apps/evidence/proof_check.hpp"
#include "events/limits.hpp"
#include "store/event_log.hpp"
#include "tests/apps/http_fixture.hpp"
#include "tests/catch.hpp"

namespace bestow::testing {
namespace {

constexpr std::uint64_t targets = 20;
constexpr std::uint64_t answered = 15;
const std::string proof_of_3 = "/api/v1/promotions/7/targets/3/proof";

auto lines_of(const std::string& body) -> std::vector<std::string> {
  std::vector<std::string> out;
  std::istringstream in{body};
  for (std::string line; std::getline(in, line);) out.push_back(line);
  return out;
}

auto check(const std::string& proof, const evidence::trusted_hashes& trusted = {})
    -> evidence::proof_verdict {
  std::istringstream in{proof};
  return evidence::check_proof(in, trusted);
}

auto claims_in(const std::string& body) -> std::string {
  std::string out;
  for (const auto& line : lines_of(body))
    if (const auto doc = json::parse(line); doc["kind"] == "claim")
      out += doc["what"].get<std::string>() + ", ";
  return out;
}

}  // namespace

TEST_CASE("an export over HTTP is whole and ends with its counts", "[unit][http]") {
  http_fixture f;
  f.completed_points(7, targets, answered);
  const auto all = f.get("/api/v1/log/export");
  CHECK(all.status == 200);
  CHECK(all.type == "application/x-ndjson");
  const auto lines = lines_of(all.body);
  const auto end = json::parse(lines.back());
  CHECK(json::parse(lines.front())["content"] == "ndjson");
  CHECK(end["kind"] == "end");
  CHECK(end["facts"] == f.log.head().last.value);
  CHECK(json::parse(lines_of(f.get("/api/v1/log/export?from=2&to=3").body).back())["facts"] == 2);
  for (const auto* wrong : {"from=0", "to=x", "format=xml", "limit=5"}) {
    CAPTURE(wrong);
    CHECK(f.get(std::string{"/api/v1/log/export?"} + wrong).status == 400);
  }
}

TEST_CASE("a proof says all that the log says of a target, and holds", "[unit][http]") {
  http_fixture f;
  f.completed_points(7, targets, answered);
  const auto proof = f.get(proof_of_3);
  REQUIRE(proof.status == 200);
  CHECK(claims_in(proof.body).find("created, imported, batch closed, sealed, ") == 0);
  CHECK(claims_in(proof.body).find("released, published, answered, ") != std::string::npos);
  const auto verdict = check(proof.body);
  CHECK(verdict.problem == "");
  CHECK(verdict.sound);
  CHECK(verdict.chained);
  CHECK(verdict.ordinal_proved);
  CHECK(verdict.messages_remade == 1);
  CHECK(verdict.title.head_hash == f.log.head().frame_hash);
  CHECK(proof.body.find(R"("process_status":"SUCCESS")") != std::string::npos);
  const auto failed = f.get("/api/v1/promotions/7/targets/20/proof");
  CHECK(failed.body.find(R"("process_status":"FAILED")") != std::string::npos);
  CHECK(check(failed.body).sound);
  CHECK(f.get("/api/v1/promotions/7/targets/21/proof").code() == "target_not_found");
  CHECK(f.get("/api/v1/promotions/8/targets/1/proof").code() == "target_not_found");
  CHECK(f.get(proof_of_3 + "?chain=none").code() == "query_invalid");
}

TEST_CASE("every changed byte of a proof is refused", "[unit][http]") {
  http_fixture f;
  f.completed_points(7, 3, 3);
  const auto proof = f.get(proof_of_3).body;
  REQUIRE(check(proof).sound);
  for (std::size_t i = 0; i < proof.size(); ++i) {
    auto damaged = proof;
    damaged[i] = static_cast<char>(damaged[i] ^ (1 << (i % 7)));
    CAPTURE(i);
    const auto verdict = check(damaged);
    REQUIRE_FALSE(verdict.sound);
    REQUIRE_FALSE(verdict.problem.empty());
  }
}

TEST_CASE("a proof without a line, or with one twice, is refused", "[unit][http]") {
  http_fixture f;
  f.completed_points(7, 3, 3);
  const auto lines = lines_of(f.get(proof_of_3).body);
  const auto text_of = [](const std::vector<std::string>& some) {
    std::string out;
    for (const auto& line : some) out += line + "\n";
    return out;
  };
  REQUIRE(check(text_of(lines)).sound);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    CAPTURE(lines[i].substr(0, 80));
    auto without = lines;
    without.erase(without.begin() + static_cast<std::ptrdiff_t>(i));
    CHECK_FALSE(check(text_of(without)).sound);
    auto twice = lines;
    twice.insert(twice.begin() + static_cast<std::ptrdiff_t>(i), lines[i]);
    CHECK_FALSE(check(text_of(twice)).sound);
  }
  CHECK_FALSE(check("").sound);
  CHECK_FALSE(check("\n").sound);
  CHECK_FALSE(check(std::string(8U << 20U, 'x')).sound);
}

TEST_CASE("a proof is held against a head or an export that is trusted", "[unit][http]") {
  http_fixture f;
  f.completed_points(7, targets, answered);
  const auto whole = f.get(proof_of_3).body;
  const auto small = f.get(proof_of_3 + "?chain=facts").body;
  const auto exported = f.get("/api/v1/log/export?format=frames").body;
  evidence::trusted_hashes head;
  head.head = f.log.head().frame_hash;
  CHECK(check(whole, head).sound);
  head.head = sha256_digest{};
  CHECK_FALSE(check(whole, head).sound);
  const auto against = [&](const std::string& text) {
    std::istringstream in{text};
    evidence::trusted_hashes trusted;
    trusted.log_export = &in;
    return check(small, trusted);
  };
  CHECK(check(small).sound);
  CHECK_FALSE(check(small).chained);
  CHECK_FALSE(check(small).ordinal_proved);
  CHECK(against(exported).sound);
  CHECK_FALSE(against("").sound);
  http_fixture other;
  other.completed_points(7, targets, answered - 1);
  CHECK_FALSE(against(other.get("/api/v1/log/export?format=frames").body).sound);
}

TEST_CASE("a trusted head proves nothing of frames that no chain ties to it", "[unit][http]") {
  http_fixture f;
  f.completed_points(7, targets, answered);
  http_fixture forger;  // The same log's id, another history, and the title names the true head.
  forger.completed_points(7, targets, 1);
  auto forged = forger.get(proof_of_3 + "?chain=facts").body;
  const auto own = to_hex(forger.log.head().frame_hash);
  const auto real = f.log.head().frame_hash;
  forged.replace(forged.find(own), own.size(), to_hex(real));
  evidence::trusted_hashes trusted;
  trusted.head = real;
  const auto verdict = check(forged, trusted);
  CHECK_FALSE(verdict.sound);
  CHECK(verdict.problem.find("nothing ties its frames to that head") != std::string::npos);
  const auto honest = f.get(proof_of_3 + "?chain=facts").body;
  CHECK_FALSE(check(honest, trusted).sound);
  std::istringstream exported{f.get("/api/v1/log/export?format=frames").body};
  trusted.log_export = &exported;
  CHECK(check(honest, trusted).problem == "");
}

TEST_CASE("a fact of the target that is left out of the claims is named", "[unit][http]") {
  http_fixture f;
  f.completed_points(7, targets, answered);
  const auto part = stream_of(promotion_id{7}, partition_no{0});
  double_grant_detected twice;
  twice.ordinal = {2};
  twice.transaction_key = "tx-again";
  twice.attempt = {1};
  recalls_recorded recall;
  recall.ordinals = u64_column::constant(2, 1);
  recall.recall_statuses =
      u64_column::constant(static_cast<std::uint64_t>(recall_status::recalled), 1);
  recall.recalls = u64_column::constant(1, 1);
  recall.at = u64_column::constant(1'768'959'001'000, 1);
  recall.transaction_keys.push_back("tx-3");
  recall.error_messages.push_back("");
  f.facts(part, twice, recall);
  const auto lines = lines_of(f.get(proof_of_3).body);
  std::size_t claims = 0;
  for (const auto& line : lines) claims += json::parse(line)["kind"] == "claim" ? 1 : 0;
  const auto frames = json::parse(lines.back())["frames"].get<std::uint64_t>();
  const auto without = [&](std::size_t left_out) {
    std::string out;
    for (std::size_t i = 0; i + 1 < lines.size(); ++i)
      if (i != left_out) out += lines[i] + "\n";
    return check(out + evidence::end_line(left_out == 0 ? claims : claims - 1, frames));
  };
  for (std::size_t i = 1; i <= claims; ++i) {
    const auto left_out = json::parse(lines[i]);
    CAPTURE(lines[i].substr(0, 120));
    const auto verdict = without(i);
    CHECK_FALSE(verdict.sound);
    const auto what = left_out["what"].get<std::string>();
    // Whether the row's batch was given up is seen later; its other facts no longer hold before.
    if (what == "imported") continue;
    CHECK(verdict.problem.find("\"" + what + "\"") != std::string::npos);
    CHECK(verdict.problem.find(fmt::format("position {}:", left_out["position"].get<int>())) !=
          std::string::npos);
  }
}

TEST_CASE("rows of a batch that was given up need no claim", "[unit][http]") {
  http_fixture f;
  f.completed_points(7, targets, answered);
  targets_imported rows;
  rows.batch = "given up";
  rows.target_ids = u64_column::constant(3, 1);
  rows.customer_uids = u64_column::constant(1'003, 1);
  rows.partitions = u64_column::constant(0, 1);
  rows.amounts = u64_column::constant(100, 1);
  rows.expiries = u64_column::constant(0, 1);
  f.append(stream_of(promotion_id{7}), {encode_event(rows)});
  const auto proof = f.get(proof_of_3);
  REQUIRE(proof.status == 200);
  CHECK(check(proof.body).problem == "");
}

TEST_CASE("exports of the log and proofs take places that are counted", "[unit][http]") {
  http_fixture f;
  f.completed_points(7, targets, answered);
  f.state.exports = limits::exports_max;
  for (const auto& path : {std::string{"/api/v1/log/export"}, proof_of_3}) {
    CAPTURE(path);
    const auto busy = f.get(path);
    CHECK(busy.status == 503);
    CHECK(busy.code() == "exports_busy");
    CHECK(f.state.exports == limits::exports_max);
  }
  f.state.exports = 0;
  CHECK(f.get("/api/v1/log/export").status == 200);
  CHECK(f.get(proof_of_3).status == 200);
  CHECK(f.get("/api/v1/promotions/7/targets/21/proof").status == 404);
  CHECK(f.state.exports == 0);
}

namespace {

/// Breaks where nobody expects it.
class broken_clock final : public bestow::clock {
 public:
  [[nodiscard]] auto wall() const -> timestamp override { throw std::runtime_error{"no time"}; }
  [[nodiscard]] auto steady() const -> std::chrono::nanoseconds override { return {}; }
};

/// A log on disk, as the service has one.
void write_log(const std::string& data) {
  const auto made = store::open_lmdb_log({data + "/log", 1ULL << 30U, false}, 3);
  REQUIRE(made);
  const store::append_batch batch{stream_of(promotion_id{7}), {},
                                  {encode_event(promotion_approved{"kim"})}};
  REQUIRE((*made)->append_group(std::array{batch}, {1}).value()[0]);
}

auto backup_into(http_fixture& f, const std::string& directory) -> http_answer {
  return f.post("/api/v1/backups", json{{"directory", directory}}.dump());
}

}  // namespace

TEST_CASE("a backup that breaks off lets the next one begin", "[unit][http]") {
  http_fixture f;
  write_log(f.settings.data.dir);
  const auto to = f.settings.data.dir + "-backup";
  broken_clock none;
  f.parts.time = &none;
  CHECK(backup_into(f, to).status == 500);
  CHECK_FALSE(f.state.backing_up);
  f.parts.time = &f.time;
  f.state.stopping = true;
  const auto stopped = backup_into(f, to);
  CHECK(stopped.status == 503);
  CHECK(stopped.code() == "shutting_down");
  CHECK_FALSE(f.state.backing_up);
  CHECK_FALSE(std::filesystem::exists(to));
  CHECK_FALSE(std::filesystem::exists(to + ".incomplete"));
  f.state.stopping = false;
  CHECK(backup_into(f, to).status == 201);
  std::filesystem::remove_all(to);
}

TEST_CASE("a backup does not go into the data directory", "[unit][http]") {
  http_fixture f;
  const auto& data = f.settings.data.dir;
  write_log(data);
  const auto link = data + "-link";
  std::filesystem::create_directory_symlink(data, link);
  for (const auto& to : {data + "/backup", data + "/log/a/b/", data + "/../" +
                             std::filesystem::path{data}.filename().string() + "/views/./x",
                         link + "/backup"}) {
    CAPTURE(to);
    const auto refused = backup_into(f, to);
    CHECK(refused.status == 409);
    CHECK(refused.code() == "backup_directory_taken");
    CHECK(refused.detail().find("inside the data directory") != std::string::npos);
    CHECK_FALSE(std::filesystem::exists(to));
  }
  std::filesystem::remove(link);
  const auto beside = data + "-2";  // Its name begins like the directory's.
  CHECK(backup_into(f, beside).status == 201);
  std::filesystem::remove_all(beside);
}

TEST_CASE("a backup goes to a new directory, whole, or not at all", "[unit][http]") {
  http_fixture f;
  write_log(f.settings.data.dir);
  const auto to = f.settings.data.dir + "/../" +
                  std::filesystem::path{f.settings.data.dir}.filename().string() + "-backup";
  const auto post = [&](const std::string& directory) {
    return f.post("/api/v1/backups", json{{"directory", directory}}.dump());
  };
  CHECK(f.post("/api/v1/backups", "{}").code() == "field_required");
  CHECK(post("relative").code() == "field_out_of_range");
  CHECK(post(f.settings.data.dir).code() == "backup_directory_taken");
  f.state.backing_up = true;
  CHECK(post(to).code() == "backup_running");
  f.state.backing_up = false;
  const auto made = post(to);
  CHECK(made.status == 201);
  CHECK(made.doc()["head_position"] == 1);
  CHECK(made.doc()["files"] == 2);
  CHECK(evidence::check_backup(to, {}));
  CHECK(post(to).code() == "backup_directory_taken");
  std::filesystem::remove_all(to);
}

TEST_CASE("a bundle shows settings without secrets and what the service knows", "[unit][http]") {
  http_fixture f;
  f.settings.nats.password = "hunter2";
  f.settings.nats.url = "nats://kim:hunter3@broker:4222";
  f.settings.http.tokens.push_back(token_of("kim", config::access_role::admin, "hunter4"));
  f.parts.recent_lines = [] { return std::vector<std::string>{"a line"}; };
  f.sealed_points(7, 2);
  const auto bundle = f.call("GET", "/api/v1/debug/bundle", std::nullopt,
                             {{"Authorization", "Bearer hunter4"}});
  REQUIRE(bundle.status == 200);
  const auto doc = bundle.doc();
  CHECK(doc["version"] == "9.9.9");
  CHECK(doc["settings"]["nats.password"] == "(set, not shown)");
  CHECK(doc["settings"]["nats.url"].get<std::string>().find("***@broker:4222") !=
        std::string::npos);
  CHECK(doc["log_lines"][0] == "a line");
  CHECK(doc["limits"].size() > 100);
  CHECK(doc["views"]["views"].size() == f.parts.views->names().size());
  for (const auto* secret : {"hunter2", "hunter3", "hunter4", "1001", "새해"})
    CHECK(bundle.body.find(secret) == std::string::npos);
}

TEST_CASE("every server of a list is shown without its password", "[unit][http]") {
  http_fixture f;
  f.settings.nats.url = "nats://ann:hunter5@one:4222,nats://ben:hunter6@two:4222,cid:hunter7@three";
  const auto body = f.get("/api/v1/debug/bundle").body;
  for (const auto* secret : {"hunter5", "hunter6", "hunter7"})
    CHECK(body.find(secret) == std::string::npos);
  CHECK(body.find("nats://***@one:4222,nats://***@three") != std::string::npos);
}

}  // namespace bestow::testing
