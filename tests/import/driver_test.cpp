// One import against an engine: durable, resumable, answered the same each time it is sent.
#include "apps/import/import_driver.hpp"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "tests/catch.hpp"
#include "tests/import/fake_engine.hpp"
#include "tests/import/session_fixture.hpp"
#include "tests/store/lists/scratch.hpp"

namespace {

using namespace bestow;
using namespace bestow::testing;
using domain::rejection;
using importing::import_answer;
using importing::import_driver;
using importing::import_options;
using importing::rejected_row;

auto promotion_of(promotion_type type) -> promotion_created {
  promotion_created c;
  c.promotion = promotion_id{7};
  c.type = type;
  c.currency = "KRW";
  c.partition_count = 16;
  return c;
}
auto options_in(const std::string& directory, std::string batch = "b") -> import_options {
  import_options o;
  o.promotion = promotion_id{7};
  o.batch = std::move(batch);
  o.directory = directory;
  return o;
}
auto contents(const std::string& path) -> std::string {
  std::ifstream file{path, std::ios::binary};
  return {std::istreambuf_iterator<char>{file}, {}};
}

/// Sends the whole text in pieces; the answer, or the first trouble.
auto send(fake_engine& engine, std::string_view text, import_options options,
          const cut& next = whole()) -> actors::outcome<import_answer> {
  import_driver driver{engine, engine.log(), std::move(options)};
  while (!text.empty()) {
    const auto bytes = std::min(text.size(), next());
    if (auto pushed = driver.push(text.substr(0, bytes)); !pushed)
      return tl::unexpected{pushed.error()};
    text.remove_prefix(bytes);
  }
  return driver.finish();
}
auto why(const actors::outcome<import_answer>& answer) -> std::string {
  if (answer) return "done";
  if (const auto* no = std::get_if<domain::refusal>(&answer.error()))
    return std::string{name_of(no->why)};
  return std::string{name_of(std::get<fault>(answer.error()).code)};
}

/// 20,000 rows: one in 50 judged bad, one in 40 a customer that came before.
auto big_text() -> std::string {
  std::string text = "customer_uid,amount,reason\n";
  for (int i = 1; i <= 20'000; ++i) {
    const int uid = i % 40 == 0 ? i - 1 : i;
    text += std::to_string(uid) + (i % 50 == 7 ? ",\"1,0\"" : ",100") + ",=reason " +
            std::to_string(i) + "\n";
  }
  return text;
}

TEST_CASE("an import counts its rows and closes its batch", "[unit][import]") {
  const scratch_directory scratch;
  fake_engine engine{promotion_of(promotion_type::voucher)};
  const std::string text =
      "voucher_target_id,customer_uid,voucher_number,merchant_code,merchant_brand_code,"
      "is_withdrawal,amount\n"
      "1,11,V1,M,B,true,100\n"
      "2,12,V1,M,B,true,100\n"
      "3,11,V3,M,B,true,100\n"
      "1,13,V4,M,B,true,100\n"
      "5,14,V5,M,B,maybe,100\n"
      "6,15,=V6,M,B,0,\"1,000\"\n"
      "7,16,V7,M,B,0,100\n";
  const auto answer = send(engine, text, options_in(scratch.path(), "jan"));
  REQUIRE(why(answer) == "done");
  CHECK(answer->rows == 7);
  CHECK(answer->accepted == 2);
  CHECK(answer->rejected == 5);
  CHECK(answer->bytes == text.size());
  CHECK(answer->sha256 == importing::sha256_of(text));
  CHECK_FALSE(answer->repeated);
  CHECK(answer->at == engine.log().head().last);
  CHECK(answer->rejects_path == scratch.path() + "/rejects/7/jan.csv");
  REQUIRE(answer->rejects.size() == 5);
  CHECK(answer->rejects[0] == rejected_row{3, "voucher_number", "voucher_number_duplicate",
                                           "voucher_number 'V1' was imported before"});
  CHECK(answer->rejects[1] == rejected_row{4, "customer_uid", "customer_duplicate",
                                           "customer_uid '11' was imported before"});
  CHECK(answer->rejects[2] == rejected_row{5, "voucher_target_id", "target_id_duplicate",
                                           "voucher_target_id '1' was imported before"});
  CHECK(answer->rejects[3].code == "boolean_malformed");
  CHECK(answer->rejects[4].code == "amount_malformed");
  const auto file = contents(answer->rejects_path);
  CHECK(
      file.starts_with("line,field,code,detail,voucher_target_id,customer_uid,voucher_number,"
                       "merchant_code,merchant_brand_code,is_withdrawal,amount\n"
                       "3,voucher_number,voucher_number_duplicate,voucher_number 'V1' was "
                       "imported before,2,12,V1,M,B,true,100\n"));
  CHECK(file.find(",6,15,'=V6,M,B,0,\"1,000\"\n") != std::string::npos);
  const auto& batch = engine.state().batches.at("jan");
  CHECK(batch.state == domain::batch_state::life::closed);
  CHECK(batch.sha256 == answer->sha256);
}

TEST_CASE("a re-send of a closed batch gets the same answer and changes nothing",
          "[unit][import]") {
  const scratch_directory scratch;
  fake_engine engine{promotion_of(promotion_type::point)};
  const auto text = big_text();
  const auto first = send(engine, text, options_in(scratch.path()));
  REQUIRE(why(first) == "done");
  CHECK(first->accepted == 20'000 - 400 - 500);
  CHECK(first->rejected == 900);
  const auto head = engine.log().head().last;
  const auto file = contents(first->rejects_path);
  if (GENERATE(true, false)) std::filesystem::remove(first->rejects_path);
  const auto again = send(engine, text, options_in(scratch.path()), random_cut(9));
  REQUIRE(why(again) == "done");
  CHECK(again->repeated);
  CHECK(again->rows == first->rows);
  CHECK(again->accepted == first->accepted);
  CHECK(again->rejected == first->rejected);
  CHECK(again->rejects == first->rejects);
  CHECK(again->sha256 == first->sha256);
  CHECK(contents(again->rejects_path) == file);
  CHECK(engine.log().head().last == head);
}

TEST_CASE("other content under the id of a closed batch is refused", "[unit][import]") {
  const scratch_directory scratch;
  fake_engine engine{promotion_of(promotion_type::point)};
  const std::string text = "customer_uid\n1\nx\n3\n";
  REQUIRE(why(send(engine, text, options_in(scratch.path()))) == "done");
  const auto file = contents(scratch.path() + "/rejects/7/b.csv");
  for (const auto* other : {"customer_uid\n1\nx\n4\n", "customer_uid\n1\nx\n", "customer_uid\n",
                            "customer_uid\n1\nx\n3\n4\n", "customer_uid\n1\nx\n3\n\n"}) {
    INFO(other);
    CHECK(why(send(engine, other, options_in(scratch.path()))) == "batch_content_differs");
  }
  auto as_lines = options_in(scratch.path());
  as_lines.format = import_format::ndjson;
  CHECK(why(send(engine, "{\"customer_uid\":1}\n", as_lines)) == "batch_content_differs");
  CHECK(contents(scratch.path() + "/rejects/7/b.csv") == file);
}

TEST_CASE("an import that ended abruptly goes on where it stopped", "[unit][import]") {
  const scratch_directory whole_run;
  fake_engine unbroken{promotion_of(promotion_type::point)};
  const auto text = big_text();
  const auto expected = send(unbroken, text, options_in(whole_run.path()));
  REQUIRE(why(expected) == "done");
  const auto expected_file = contents(expected->rejects_path);
  for (std::uint64_t chunk = 1; chunk <= 5; ++chunk) {
    INFO("broken at chunk " << chunk);
    const scratch_directory scratch;
    fake_engine engine{promotion_of(promotion_type::point)};
    engine.fail_from_chunk(
        chunk, fault{fault_code::outcome_unknown, fault_action::retry_later, "import", "down"});
    CHECK(why(send(engine, text, options_in(scratch.path()), random_cut(chunk))) ==
          "outcome_unknown");
    CHECK(engine.state().batches.at("b").rows == (chunk - 1) * limits::import_chunk_rows);
    CHECK_FALSE(std::filesystem::exists(expected->rejects_path + ".x"));
    engine.fail_from_chunk(0, {});
    const auto answer = send(engine, text, options_in(scratch.path()), random_cut(chunk + 50));
    REQUIRE(why(answer) == "done");
    CHECK(engine.chunks_seen() == 5 - (chunk - 1));
    CHECK(answer->accepted == expected->accepted);
    CHECK(answer->rejects == expected->rejects);
    CHECK(contents(answer->rejects_path) == expected_file);
    CHECK_FALSE(answer->repeated);
  }
}

TEST_CASE("a client that vanishes leaves the batch open", "[unit][import]") {
  const scratch_directory scratch;
  fake_engine engine{promotion_of(promotion_type::point)};
  const auto text = big_text();
  {
    import_driver driver{engine, engine.log(), options_in(scratch.path())};
    REQUIRE(driver.push(std::string_view{text}.substr(0, text.size() / 2)));
  }
  CHECK(engine.state().batches.at("b").state == domain::batch_state::life::open);
  const auto answer = send(engine, text, options_in(scratch.path()));
  REQUIRE(why(answer) == "done");
  CHECK(answer->rows == 20'000);
  CHECK(std::filesystem::exists(answer->rejects_path));
}

TEST_CASE("a batch sent twice at once is answered right when it is sent again", "[unit][import]") {
  const scratch_directory scratch;
  const auto text = big_text();
  fake_engine alone{promotion_of(promotion_type::point)};
  const auto expected = send(alone, text, options_in(""));
  fake_engine engine{promotion_of(promotion_type::point)};
  engine.hold_chunks();
  {
    import_driver first{engine, engine.log(), options_in(scratch.path())};
    REQUIRE(first.push(std::string_view{text}.substr(0, text.size() / 2)));
    import_driver second{engine, engine.log(), options_in(scratch.path())};
    REQUIRE(second.push(text));
    engine.release_chunks();
    CHECK(why(second.finish()) == "outcome_unknown");
  }
  CHECK(engine.state().batches.at("b").state == domain::batch_state::life::open);
  const auto answer = send(engine, text, options_in(scratch.path()));
  REQUIRE(why(answer) == "done");
  CHECK(answer->accepted == expected->accepted);
  CHECK(answer->rejects == expected->rejects);
}

TEST_CASE("a prefix that changed since is refused", "[unit][import]") {
  const scratch_directory scratch;
  fake_engine engine{promotion_of(promotion_type::point)};
  auto text = big_text();
  engine.fail_from_chunk(3, fault{fault_code::overloaded, fault_action::retry_later, "", ""});
  CHECK(why(send(engine, text, options_in(scratch.path()))) == "overloaded");
  engine.fail_from_chunk(0, {});
  text[text.find("=reason 100") + 3] = 'X';
  CHECK(why(send(engine, text, options_in(scratch.path()))) == "batch_content_differs");
  CHECK(engine.chunks_seen() == 0);
}

TEST_CASE("an input that cannot be read opens no batch", "[unit][import]") {
  fake_engine engine{promotion_of(promotion_type::point)};
  CHECK(why(send(engine, "customer\n1\n", options_in(""))) == "input_header_unknown_field");
  CHECK(why(send(engine, "", options_in(""))) == "input_header_missing");
  CHECK(why(send(engine, "customer_uid,reason\n1,\xC7\xD1\n", options_in(""))) ==
        "input_encoding_cp949");
  CHECK(engine.state().batches.empty());
}

TEST_CASE("what the promotion refuses is the answer", "[unit][import]") {
  fake_engine engine{promotion_of(promotion_type::point)};
  auto elsewhere = options_in("");
  elsewhere.promotion = promotion_id{8};
  CHECK(why(send(engine, "customer_uid\n1\n", elsewhere)) == "promotion_not_found");
  CHECK(why(send(engine, "customer_uid\n1\n", options_in("", ""))) == "batch_id_missing");
  CHECK(why(send(engine, "customer_uid\n1\n", options_in("", std::string(129, 'a')))) ==
        "batch_id_too_long");
  REQUIRE(why(send(engine, "customer_uid\n1\n", options_in("", "one"))) == "done");
  CHECK(why(send(engine, "point_target_id,customer_uid\n5,2\n", options_in("", "two"))) ==
        "ids_given_in_part");
}

TEST_CASE("after a trouble every call answers the same", "[unit][import]") {
  fake_engine engine{promotion_of(promotion_type::point)};
  import_driver driver{engine, engine.log(), options_in("")};
  const std::string bad = "nonsense\n" + std::string(100'000, '\n');
  CHECK_FALSE(driver.push(bad));
  CHECK_FALSE(driver.push("customer_uid\n"));
  CHECK(why(driver.finish()) == "input_header_unknown_field");
}

TEST_CASE("an input without rows closes an empty batch", "[unit][import]") {
  const scratch_directory scratch;
  fake_engine engine{promotion_of(promotion_type::point)};
  const auto csv = send(engine, "customer_uid\n\n\n", options_in(scratch.path(), "empty"));
  REQUIRE(why(csv) == "done");
  CHECK(csv->rows == 0);
  CHECK(csv->rejects_path.empty());
  auto lines = options_in(scratch.path(), "nothing");
  lines.format = import_format::ndjson;
  REQUIRE(why(send(engine, "", lines)) == "done");
  REQUIRE(why(send(engine, "", lines)) == "done");
}

TEST_CASE("an answer holds the first rejects, the file all of them", "[unit][import]") {
  const scratch_directory scratch;
  fake_engine engine{promotion_of(promotion_type::point)};
  std::string text = "{\"customer_uid\":1}\n";
  for (int i = 0; i < 5'000; ++i) text += "{\"customer_uid\":\"x" + std::to_string(i) + "\"}\n";
  auto options = options_in(scratch.path());
  options.format = import_format::ndjson;
  const auto answer = send(engine, text, options);
  REQUIRE(why(answer) == "done");
  CHECK(answer->rejected == 5'000);
  CHECK(answer->rejects.size() == limits::rejects_in_answer_max);
  const auto rest =
      importing::read_rejects(answer->rejects_path, limits::rejects_in_answer_max, 10'000);
  REQUIRE(rest);
  CHECK(rest->size() == 4'000);
  CHECK(rest->front().line == limits::rejects_in_answer_max + 2);
  CHECK(contents(answer->rejects_path)
            .starts_with("line,field,code,detail,record\n2,customer_uid,"
                         "not_a_number,"));
}

TEST_CASE("no more chunks are under way than the limit allows", "[unit][import]") {
  fake_engine engine{promotion_of(promotion_type::point)};
  std::string text = "customer_uid\n";
  for (int i = 1; i <= 60'000; ++i) text += std::to_string(i) + "\n";
  engine.hold_chunks();
  std::vector<importing::import_progress> progress;
  auto options = options_in("");
  options.on_progress = [&](const importing::import_progress& p) { progress.push_back(p); };
  std::thread releaser;
  {
    import_driver driver{engine, engine.log(), options};
    REQUIRE(driver.push(std::string_view{text}.substr(0, 8 * 4'096 * 5)));
    releaser = std::thread{[&] { engine.release_chunks(); }};
    REQUIRE(driver.push(std::string_view{text}.substr(8 * 4'096 * 5)));
    const auto answer = driver.finish();
    REQUIRE(why(answer) == "done");
    CHECK(answer->accepted == 60'000);
  }
  releaser.join();
  CHECK(engine.most_waiting() <= limits::import_chunks_in_flight);
  REQUIRE(progress.size() == 15);
  for (std::size_t i = 1; i < progress.size(); ++i) {
    CHECK(progress[i].rows > progress[i - 1].rows);
    CHECK(progress[i].bytes > progress[i - 1].bytes);
  }
  CHECK(progress.back().rows == 60'000);
  CHECK(progress.back().bytes == text.size());
}

TEST_CASE("a rejects folder that cannot be written is a fault, and the batch stays open",
          "[unit][import]") {
  const scratch_directory scratch;
  fake_engine engine{promotion_of(promotion_type::point)};
  std::ofstream{scratch.path() + "/rejects"} << "a file where a folder must be";
  CHECK(why(send(engine, "customer_uid\n1\nx\n", options_in(scratch.path()))) == "file_io_failed");
  CHECK(engine.state().batches.at("b").state == domain::batch_state::life::open);
  std::filesystem::remove(scratch.path() + "/rejects");
  const auto answer = send(engine, "customer_uid\n1\nx\n", options_in(scratch.path()));
  REQUIRE(why(answer) == "done");
  CHECK(answer->rejected == 1);
}

}  // namespace
