#include <zstd.h>

#include "events/columns.hpp"
#include "events/limits.hpp"
#include "events/varint.hpp"
#include "tests/catch.hpp"
#include "tests/events/samples.hpp"

namespace {

using namespace bestow;
using namespace bestow::test;
using shape = u64_column::shape;

template <class Column>
auto encoded(const Column& column) -> bytes {
  bytes out;
  column.encode(out);
  return out;
}

template <class Column>
auto readable(const bytes& data) -> bool {
  std::span<const std::byte> in{data};
  Column column;
  return Column::decode(in, column) && in.empty();
}

template <class Column>
auto decoded(const bytes& data) -> Column {
  std::span<const std::byte> in{data};
  Column column;
  INFO(hex_of(data));
  REQUIRE(Column::decode(in, column));
  CHECK(in.empty());
  return column;
}

auto texts(std::initializer_list<std::string_view> values) -> string_column {
  string_column column;
  for (const auto value : values) column.push_back(value);
  return column;
}

auto many_texts(std::size_t count) -> string_column {
  string_column column;
  for (std::size_t i = 0; i < count; ++i) column.push_back("voucher-" + std::to_string(i));
  return column;
}

/// A zstd column that claims `raw_size` for its packed body.
auto packed_column(std::uint64_t count, std::uint64_t raw_size, const bytes& body) -> bytes {
  bytes packed(ZSTD_compressBound(body.size()));
  packed.resize(ZSTD_compress(packed.data(), packed.size(), body.data(), body.size(), 3));
  bytes out = bytes_of({3});
  varint::append(out, count);
  varint::append(out, raw_size);
  varint::append(out, packed.size());
  out.insert(out.end(), packed.begin(), packed.end());
  return out;
}

}  // namespace

TEST_CASE("a column chooses the smallest shape that keeps every value", "[unit][columns]") {
  CHECK(u64_column::of({}).form() == shape::constant);
  CHECK(u64_column::of({7}).form() == shape::constant);
  CHECK(u64_column::of({7, 7, 7}).form() == shape::constant);
  CHECK(u64_column::of({7, 9, 11}).form() == shape::arithmetic);
  CHECK(u64_column::of({7, 5, 3}).form() == shape::arithmetic);
  CHECK(u64_column::of({7, 9, 12}).form() == shape::explicit_values);
  const auto wraps = u64_column::of({~std::uint64_t{0}, 0, 1});
  CHECK(wraps.form() == shape::arithmetic);
  CHECK(wraps[0] == ~std::uint64_t{0});
  CHECK(wraps[2] == 1);
}

TEST_CASE("columns with the same values are equal whatever their shape", "[unit][columns]") {
  CHECK(u64_column::constant(5, 3) == u64_column::of({5, 5, 5}));
  CHECK(u64_column::arithmetic(5, 0, 3) == u64_column::constant(5, 3));
  CHECK(u64_column::arithmetic(5, 9, 1) == u64_column::constant(5, 1));
  CHECK(u64_column::constant(5, 0) == u64_column{});
  CHECK_FALSE(u64_column::constant(5, 3) == u64_column::constant(5, 4));
  CHECK_FALSE(u64_column::of({1, 2, 3}) == u64_column::of({1, 2, 4}));
  // A writer that does not look for runs: explicit bytes of 5, 6, 7.
  const auto listed = decoded<u64_column>(bytes_of({3, 3, 1, 5, 0, 1, 2}));
  CHECK(listed.form() == shape::explicit_values);
  CHECK(listed == u64_column::of({5, 6, 7}));
}

TEST_CASE("the bytes of columns are fixed", "[unit][columns]") {
  CHECK(hex_of(encoded(u64_column{})) == "010000");
  CHECK(hex_of(encoded(u64_column::constant(300, 1'000))) == "01e807ac02");
  CHECK(hex_of(encoded(u64_column::arithmetic(300, 2, 1'000))) == "02e807ac0202");
  // Fixed width 1 above the minimum 10: 0, 190, 1, 140.
  CHECK(hex_of(encoded(u64_column::of({10, 200, 11, 150}))) == "0304010a00be018c");
  // Fixed width 2 above the minimum 5.
  CHECK(hex_of(encoded(u64_column::of({1'000, 60'000, 5, 40'000}))) == "03040205e3035bea00003b9c");
  // Deltas in zigzag: 10^6, +50, +51, +50, -1.
  CHECK(hex_of(encoded(u64_column::of({1'000'000, 1'000'050, 1'000'101, 1'000'151, 1'000'150,
                                       1'000'400, 1'000'450}))) == "03070080897a64666401f40364");
  CHECK(hex_of(encoded(u64_column::of({0, 70'000, 70'001, 70'002, 70'003}))) ==
        "03050000e0c508020202");
  CHECK(hex_of(encoded(texts({}))) == "010000");
  CHECK(hex_of(encoded(texts({"ab", "ab"}))) == "0102026162");
  CHECK(hex_of(encoded(texts({"ab", "", "c"}))) == "0203020001616263");
  ordinal_ranges set;
  set.append(5, 10);
  set.append(20, 1);
  CHECK(hex_of(encoded(set)) == "02050a0501");
}

TEST_CASE("a million equal or ascending values cost bytes, on disk and in memory",
          "[unit][columns]") {
  const auto count = limits::column_values_max;
  for (const auto& column :
       {u64_column::constant(10'000, count), u64_column::arithmetic(1, 1, count)}) {
    const auto data = encoded(column);
    CHECK(data.size() < 12);
    const auto read = decoded<u64_column>(data);
    CHECK(read.size() == count);
    CHECK(read.values().empty());
    CHECK(read[count - 1] == column[count - 1]);
  }
  const auto same = string_column::constant("MUSINSA", count);
  CHECK(encoded(same).size() < 16);
  const auto read = decoded<string_column>(encoded(same));
  CHECK(read.is_constant());
  CHECK(read[count - 1] == "MUSINSA");
}

TEST_CASE("the last value of every width is read without passing the end", "[unit][columns]") {
  for (unsigned width = 1; width <= 8; ++width) {
    const auto most = width == 8 ? ~std::uint64_t{0} : (std::uint64_t{1} << (8 * width)) - 1;
    for (std::size_t count = 2; count < 20; ++count) {
      std::vector<std::uint64_t> values(count, 0);
      for (std::size_t i = 1; i < count; ++i) values[i] = most - i * i % 7;
      const auto column = u64_column::of(values);
      // An exactly sized copy on the heap: one byte too far is found by the sanitizer.
      CHECK(decoded<u64_column>(encoded(column)) == column);
    }
  }
}

TEST_CASE("a damaged or hostile number column is refused", "[unit][columns]") {
  CHECK_FALSE(readable<u64_column>({}));
  CHECK_FALSE(readable<u64_column>(bytes_of({0, 0, 0})));      // No such shape.
  CHECK_FALSE(readable<u64_column>(bytes_of({4, 0, 0})));
  CHECK_FALSE(readable<u64_column>(bytes_of({1, 0x80})));      // A varint without its end.
  CHECK_FALSE(readable<u64_column>(bytes_of({3, 2, 9, 0})));   // No such width.
  CHECK_FALSE(readable<u64_column>(bytes_of({3, 3, 1, 0, 1, 2})));  // One value short.
  CHECK_FALSE(readable<u64_column>(bytes_of({3, 3, 0, 1, 2})));
  // More than 64 bits.
  CHECK_FALSE(readable<u64_column>(bytes_of(
      {1, 1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02})));
  CHECK(readable<u64_column>(bytes_of(
      {1, 1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01})));
  // A million values announced in a few bytes, and one more than a column may have.
  CHECK_FALSE(readable<u64_column>(bytes_of({3, 0x80, 0x80, 0x40, 8, 0, 1})));
  CHECK_FALSE(readable<u64_column>(bytes_of({1, 0x81, 0x80, 0x40, 0})));
  CHECK(readable<u64_column>(bytes_of({1, 0x80, 0x80, 0x40, 0})));
}

TEST_CASE("a text column keeps its values, equal ones once", "[unit][columns]") {
  string_column column;
  CHECK(column.empty());
  column.push_back("a");
  column.push_back("a");
  CHECK(column.is_constant());
  column.push_back("b");
  column.push_back("");
  CHECK_FALSE(column.is_constant());
  REQUIRE(column.size() == 4);
  CHECK(column[0] == "a");
  CHECK(column[1] == "a");
  CHECK(column[2] == "b");
  CHECK(column[3].empty());
  CHECK(string_column::constant("a", 2) == texts({"a", "a"}));
  CHECK_FALSE(string_column::constant("a", 2) == texts({"a", "b"}));
  CHECK(string_column::constant("a", 0) == string_column{});
  // The same values from a writer that lists equal ones.
  CHECK(decoded<string_column>(bytes_of({2, 2, 1, 1, 'a', 'a'})) ==
        string_column::constant("a", 2));
}

TEST_CASE("the first text that differs from empty ones keeps their places", "[unit][columns]") {
  auto column = string_column::constant("", 3);
  column.push_back("late");
  REQUIRE(column.size() == 4);
  CHECK(column[2].empty());
  CHECK(column[3] == "late");
}

TEST_CASE("many texts are compressed and read back", "[unit][columns]") {
  const auto column = many_texts(2'000);
  const auto data = encoded(column);
  CHECK(data[0] == std::byte{3});
  CHECK(data.size() < 2'000 * 6);
  CHECK(decoded<string_column>(data) == column);
}

TEST_CASE("compressed texts are read whichever zstd wrote them", "[unit][columns]") {
  // Written by zstd 1.5.4; another version may pack differently and must still read this.
  const auto data = bytes_of_hex(
      "0314d2015828b52ffd20d27d0200f809090a766f75636865722d30313233343536373839313131313131313131"
      "391500661429a31c19858d51448c7261140646912f0a78611f200c1001e400618008200708034400b92ce440b9"
      "04c002");
  CHECK(decoded<string_column>(data) == many_texts(20));
}

TEST_CASE("texts that do not shrink stay as they are", "[unit][columns]") {
  const auto data = encoded(texts({"q8Zr", "Pw3x"}));
  CHECK(data[0] == std::byte{2});
  string_column noise;
  std::uint64_t state = 1;
  for (int i = 0; i < 40; ++i) {
    std::string text;
    for (int k = 0; k < 12; ++k)
      text.push_back(static_cast<char>((state = state * 6364136223846793005U + 1442695040888963407U)
                                       >> 56U));
    noise.push_back(text);
  }
  CHECK(decoded<string_column>(encoded(noise)) == noise);
}

TEST_CASE("texts that unpack to more than the bound are never packed", "[unit][columns]") {
  string_column column;
  const std::string half(limits::unpack_string_max / 2, 'x');
  column.push_back(half);
  column.push_back(half + "y");
  const auto data = encoded(column);
  // A repetitive megabyte would pack into a few bytes that no reader accepts.
  CHECK(data[0] == std::byte{2});
  CHECK(data.size() > limits::unpack_string_max);
}

TEST_CASE("a damaged or hostile text column is refused", "[unit][columns]") {
  CHECK_FALSE(readable<string_column>({}));
  CHECK_FALSE(readable<string_column>(bytes_of({9, 1, 1, 'a'})));
  CHECK_FALSE(readable<string_column>(bytes_of({1, 3, 2, 'a'})));            // One byte short.
  CHECK_FALSE(readable<string_column>(bytes_of({2, 2, 1, 1, 'a'})));
  CHECK_FALSE(readable<string_column>(bytes_of({2, 2, 1})));
  CHECK_FALSE(readable<string_column>(bytes_of({2, 0x80, 0x80, 0x40, 1})));  // 2^20 texts.
  CHECK_FALSE(readable<string_column>(bytes_of({2, 0x81, 0x80, 0x40, 1})));
  // Lengths whose sum does not fit 32 bits.
  CHECK_FALSE(readable<string_column>(
      bytes_of({2, 2, 0xff, 0xff, 0xff, 0xff, 0x0f, 0xff, 0xff, 0xff, 0xff, 0x0f, 'a', 'b'})));

  const auto body = bytes_of({1, 1, 'a', 'b'});
  CHECK(readable<string_column>(packed_column(2, 4, body)));
  CHECK_FALSE(readable<string_column>(packed_column(2, 3, body)));
  CHECK_FALSE(readable<string_column>(packed_column(2, 5, body)));
  CHECK_FALSE(readable<string_column>(packed_column(1, 4, body)));  // Bytes left over.
  CHECK_FALSE(readable<string_column>(packed_column(3, 4, body)));
}

TEST_CASE("a few bytes that unpack to more than the bound are refused", "[unit][columns]") {
  bytes bomb(limits::unpack_string_max + 1, std::byte{0});
  const auto over = packed_column(1, bomb.size(), bomb);
  CHECK(over.size() < 200);
  CHECK_FALSE(readable<string_column>(over));
  // The same bytes under a modest claim: unpacking stops at the claim.
  CHECK_FALSE(readable<string_column>(packed_column(1, 100, bomb)));
}

TEST_CASE("adjacent ordinals join into one range", "[unit][columns]") {
  ordinal_ranges set;
  set.append(3, 2);
  set.append(5, 5);
  set.append(7'000, 0);
  set.append(20, 1);
  REQUIRE(set.ranges().size() == 2);
  CHECK(set.ranges()[0] == ordinal_ranges::range{3, 7});
  CHECK(set.size() == 8);
  CHECK(set.at(0) == 3);
  CHECK(set.at(6) == 9);
  CHECK(set.at(7) == 20);
  CHECK_FALSE(set.contains(2));
  CHECK(set.contains(3));
  CHECK(set.contains(9));
  CHECK_FALSE(set.contains(10));
  CHECK(set.contains(20));
  CHECK_FALSE(set.contains(21));
  CHECK_FALSE(ordinal_ranges{}.contains(0));
}

TEST_CASE("damaged or hostile ordinal ranges are refused", "[unit][columns]") {
  CHECK_FALSE(readable<ordinal_ranges>({}));
  CHECK(readable<ordinal_ranges>(bytes_of({0})));
  CHECK_FALSE(readable<ordinal_ranges>(bytes_of({1, 5})));
  CHECK_FALSE(readable<ordinal_ranges>(bytes_of({1, 5, 0})));         // An empty range.
  CHECK_FALSE(readable<ordinal_ranges>(bytes_of({2, 5, 1, 0, 1})));   // Adjacent: two for one.
  CHECK_FALSE(readable<ordinal_ranges>(bytes_of({0x80, 0x80, 0x40, 1, 1})));
  // Past the last ordinal: at once, and in the second range.
  CHECK_FALSE(readable<ordinal_ranges>(bytes_of({1, 0xff, 0xff, 0xff, 0xff, 0x0f, 1})));
  CHECK(readable<ordinal_ranges>(bytes_of({1, 0xfe, 0xff, 0xff, 0xff, 0x0f, 1})));
  CHECK_FALSE(readable<ordinal_ranges>(bytes_of({1, 0xfe, 0xff, 0xff, 0xff, 0x0f, 2})));
  CHECK_FALSE(
      readable<ordinal_ranges>(bytes_of({2, 5, 1, 1, 0xff, 0xff, 0xff, 0xff, 0x0f})));
}
