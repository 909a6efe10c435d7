#include <algorithm>
#include <cctype>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>

#include "domain/rejection.hpp"
#include "tests/catch.hpp"

namespace bestow::domain::test {
namespace {

/// The enumerators of `enum class <name>` as the header lists them.
auto enumerators(const std::string& name) -> std::vector<std::string> {
  std::ifstream file{std::string{BESTOW_SOURCE_DIR} + "/domain/rejection.hpp"};
  std::stringstream text;
  text << file.rdbuf();
  const auto source = text.str();
  const auto begin = source.find("enum class " + name + " ");
  REQUIRE(begin != std::string::npos);
  auto body = source.substr(source.find('{', begin) + 1);
  body = body.substr(0, body.find("};"));
  body = std::regex_replace(body, std::regex{"//[^\n]*"}, "");
  std::vector<std::string> names;
  const std::regex word{"([a-z_0-9]+)( = [0-9]+)?,"};
  for (std::sregex_iterator i{body.begin(), body.end(), word}, end; i != end; ++i)
    names.push_back((*i)[1]);
  return names;
}

template <class Rows>
void check_rows(const Rows& rows, const std::vector<std::string>& wanted) {
  REQUIRE(rows.size() == wanted.size());
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto& r = rows[i];
    CAPTURE(r.name);
    CHECK(std::string{r.name} == wanted[i]);
    CHECK(std::string{name_of(r.code)} == wanted[i]);
    CHECK(names.insert(r.name).second);
    REQUIRE_FALSE(r.meaning.empty());
    REQUIRE_FALSE(r.remedy.empty());
    CHECK(r.meaning.back() == '.');
    CHECK(r.remedy.back() == '.');
  }
}

}  // namespace

TEST_CASE("the table of rejections is the enum, in its order", "[unit][rejection]") {
  check_rows(rejection_table(), enumerators("rejection"));
  for (const auto& r : rejection_table()) {
    CAPTURE(r.name);
    CHECK((r.http_status == 404 || r.http_status == 409 || r.http_status == 422));
    CHECK((r.http_status == 404) == (r.code == rejection::promotion_not_found ||
                                     r.code == rejection::target_not_found));
  }
}

TEST_CASE("the table of row rejections is the enum, in its order", "[unit][rejection]") {
  check_rows(row_rejection_table(), enumerators("row_rejection"));
}

TEST_CASE("a code from nowhere has no name", "[unit][rejection]") {
  CHECK(name_of(static_cast<rejection>(255)).empty());
  CHECK(name_of(static_cast<row_rejection>(0)).empty());
  CHECK(name_of(static_cast<row_rejection>(255)).empty());
  CHECK(name_of(static_cast<row_field>(0), true).empty());
}

TEST_CASE("fields are named as in the contract", "[unit][rejection]") {
  CHECK(std::string{name_of(row_field::target_id, true)} == "voucher_target_id");
  CHECK(std::string{name_of(row_field::target_id, false)} == "point_target_id");
  CHECK(std::string{name_of(row_field::expiry, true)} == "valid_until");
  CHECK(std::string{name_of(row_field::expiry, false)} == "expiry_at");
  const auto fields = enumerators("row_field");
  REQUIRE(fields.size() == 13);
  for (std::size_t i = 0; i < fields.size(); ++i) {
    const auto field = static_cast<row_field>(i + 1);
    if (field == row_field::target_id || field == row_field::expiry) continue;
    CHECK(std::string{name_of(field, true)} == fields[i]);
    CHECK(std::string{name_of(field, false)} == fields[i]);
  }
}

}  // namespace bestow::domain::test
