#include "config/suggest.hpp"
#include "tests/catch.hpp"

namespace bestow::config {

TEST_CASE("the edits between two words are counted", "[unit][config]") {
  struct row {
    std::string_view a, b;
    std::size_t edits;
  };
  const auto r = GENERATE(row{"", "", 0}, row{"abc", "abc", 0}, row{"abc", "abd", 1},
                          row{"abc", "ab", 1}, row{"abc", "xabc", 1}, row{"abcd", "abdc", 1},
                          row{"kitten", "sitting", 3}, row{"", "abc", 3});
  CHECK(edit_distance(r.a, r.b) == r.edits);
  CHECK(edit_distance(r.b, r.a) == r.edits);
}

TEST_CASE("a mistyped word finds the nearest known one", "[unit][config]") {
  const std::vector<std::string> known{"promotion", "target", "log", "view"};
  CHECK(nearest("promtoion", known, 1) == std::vector<std::string>{"promotion"});
  CHECK(nearest("targte", known, 2) == std::vector<std::string>{"target"});
  CHECK(nearest("nothing-like-it", known, 3).empty());
  CHECK(nearest("", known, 3).empty());
  CHECK(nearest(std::string(10'000, 'p'), known, 3).empty());
  CHECK(did_you_mean("veiw", known) == " Did you mean 'view'?");
  CHECK(did_you_mean("qqqqqqqq", known).empty());
}

}  // namespace bestow::config
