#include "apps/import/result_rows.hpp"
#include "tests/catch.hpp"

namespace bestow::importing {
namespace {

/// "line:target:STATUS" of a good row, "line!field:code" of a bad one, "!code" of a refused file.
auto read_all(std::string_view text, import_format format, std::size_t piece)
    -> std::vector<std::string> {
  result_rows rows{promotion_type::point, format};
  std::vector<std::string> out;
  const auto take = [&] {
    while (auto next = rows.next()) {
      if (!*next) {
        out.push_back("!" + std::string{name_of(next->error().why)});
        return false;
      }
      const auto line = std::to_string((*next)->line);
      if (const auto* good = std::get_if<domain::result_line>(&(*next)->row))
        out.push_back(line + ":" + std::to_string(good->id.value) + ":" +
                      std::string{name_of(good->status)} + ":" +
                      std::string{good->transaction_key});
      else {
        const auto& no = std::get<domain::result_refusal>((*next)->row);
        out.push_back(line + "!" + std::string{name_of(no.field)} + ":" +
                      std::string{name_of(no.code)});
      }
    }
    return true;
  };
  for (std::size_t at = 0; at < text.size(); at += piece) {
    rows.push(text.substr(at, piece));
    if (!take()) return out;
  }
  rows.end();
  take();
  return out;
}
using lines = std::vector<std::string>;

}  // namespace

TEST_CASE("a CSV of results is read the same however it is cut", "[unit][result]") {
  const std::string_view text =
      "\xEF\xBB\xBFpoint_target_id,process_status,transaction_key\r\n"
      "1,SUCCESS,\"T-\"\"1\"\r\n"
      "2,FAILED,\r\n"
      "3,MAYBE,\r\n"
      "4\r\n"
      "\r\n"
      "5,SUCCESS,T-5";
  const lines expected{"2:1:SUCCESS:T-\"1", "3:2:FAILED:",
                       "4!process_status:result_status_unknown", "5!record:result_malformed",
                       "7:5:SUCCESS:T-5"};
  for (const std::size_t piece : {1U, 2U, 7U, 1'000U})
    CHECK(read_all(text, import_format::csv, piece) == expected);
}

TEST_CASE("an NDJSON of results takes ids as text and as numbers", "[unit][result]") {
  const std::string_view text =
      R"({"target_id":9007199254740993,"process_status":"SUCCESS","transaction_key":"k"})"
      "\n"
      R"({"point_target_id":"2","process_status":"RETRYING","attempt":1,"at":null})"
      "\n"
      R"({"target_id":3,"process_status":"FAILED","note":"x"})"
      "\n"
      R"({"target_id":3,"target_id":4,"process_status":"FAILED"})"
      "\n"
      R"({"target_id":1.5,"process_status":"FAILED"})"
      "\nnot json\n";
  CHECK(read_all(text, import_format::ndjson, 11) ==
        lines{"1:9007199254740993:SUCCESS:k", "2:2:RETRYING:", "3!record:result_malformed",
              "4!record:result_malformed", "5!record:result_malformed",
              "6!record:result_malformed"});
}

TEST_CASE("a results file without a usable header is refused whole", "[unit][result]") {
  CHECK(read_all("", import_format::csv, 10) == lines{"!input_header_missing"});
  CHECK(read_all("a,b\n", import_format::csv, 10) == lines{"!input_header_unknown_field"});
  CHECK(read_all("target_id,target_id\n", import_format::csv, 50) ==
        lines{"!input_header_duplicate_field"});
  CHECK(read_all("target_id\n", import_format::csv, 50) ==
        lines{"!input_header_lacks_required_field"});
}

}  // namespace bestow::importing
