// Keys sort as numbers do; rows read back as written; damage is noticed.
#include "projections/row_bytes.hpp"

#include "tests/catch.hpp"

namespace bestow::projections {
namespace {

TEST_CASE("keys sort as the numbers in them", "[unit][row_bytes]") {
  const auto key = [](std::uint64_t p, std::uint16_t k, std::uint32_t page) {
    return page_key(promotion_id{p}, partition_no{k}, page);
  };
  CHECK(key(1, 2, 255) < key(1, 2, 256));
  CHECK(key(1, 255, 900) < key(1, 256, 1));
  CHECK(key(255, 9, 9) < key(256, 0, 0));
  CHECK(key_number<std::uint64_t>(key(77, 3, 4), 1) == 77);
  CHECK(key_number<std::uint16_t>(key(77, 3, 4), 9) == 3);
}

TEST_CASE("a row reads back what was written", "[unit][row_bytes]") {
  byte_writer out;
  out.number(std::uint16_t{7});
  out.number(std::int64_t{-5});
  out.text("hello");
  out.text("");
  out.number(timestamp{99});
  const auto bytes = out.take();
  byte_reader in{bytes};
  CHECK(in.number<std::uint16_t>() == 7);
  CHECK(in.number<std::int64_t>() == -5);
  CHECK(in.text() == "hello");
  CHECK(in.text().empty());
  CHECK_FALSE(in.complete());
  CHECK(in.strong_number<timestamp>() == timestamp{99});
  CHECK(in.complete());
}

TEST_CASE("a row that ends early is not complete, wherever it ends", "[unit][row_bytes]") {
  byte_writer out;
  out.text("hello");
  out.number(std::uint64_t{1});
  const auto bytes = out.take();
  for (std::size_t end = 0; end < bytes.size(); ++end) {
    byte_reader in{std::string_view{bytes}.substr(0, end)};
    static_cast<void>(in.text());
    static_cast<void>(in.number<std::uint64_t>());
    REQUIRE_FALSE(in.complete());
  }
}

}  // namespace
}  // namespace bestow::projections
