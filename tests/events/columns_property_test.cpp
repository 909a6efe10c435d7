// Laws of columns over generated values; a failing case is printed shrunk, with its seed.
#include <rapidcheck.h>

#include <set>

#include "events/columns.hpp"
#include "events/varint.hpp"
#include "tests/catch.hpp"

namespace {

using namespace bestow;
using bytes = std::vector<std::byte>;

template <class Column>
auto encoded(const Column& column) -> bytes {
  bytes out;
  column.encode(out);
  return out;
}

/// Values as columns have them: any, near each other, sorted, narrow above a base.
auto values_gen() -> rc::Gen<std::vector<std::uint64_t>> {
  return rc::gen::exec([] {
    const auto base = *rc::gen::arbitrary<std::uint64_t>();
    const auto bits = *rc::gen::inRange(0, 65);
    const auto running = *rc::gen::arbitrary<bool>();
    auto values = *rc::gen::arbitrary<std::vector<std::uint64_t>>();
    std::uint64_t sum = base;
    for (auto& value : values) {
      value = bits == 0 ? 0 : value >> (64 - bits);
      value = running ? sum += value : base + value;
    }
    return values;
  });
}

template <class Column>
void read_back(const Column& column) {
  auto data = encoded(column);
  const auto size = data.size();
  column.encode(data);  // Columns stand one after the other: reading stops at the end of one.
  std::span<const std::byte> in{data};
  Column first;
  RC_ASSERT(Column::decode(in, first));
  RC_ASSERT(in.size() == data.size() - size);
  RC_ASSERT(first == column);
  RC_ASSERT(encoded(first) == encoded(column));
}

}  // namespace

TEST_CASE("any numbers come back from their bytes", "[unit][columns][property]") {
  CHECK(rc::check([] {
    const auto values = *values_gen();
    const auto column = u64_column::of(values);
    RC_ASSERT(column.size() == values.size());
    for (std::size_t i = 0; i < values.size(); ++i) RC_ASSERT(column[i] == values[i]);
    read_back(column);
  }));
}

TEST_CASE("no column of numbers is much larger than its varint deltas",
          "[unit][columns][property]") {
  CHECK(rc::check([] {
    const auto values = *rc::gen::suchThat(values_gen(), [](const auto& v) {
      return u64_column::of(v).form() == u64_column::shape::explicit_values;
    });
    std::size_t deltas = 0;
    std::uint64_t previous = 0;
    for (const auto value : values) {
      deltas += varint::size_of(varint::zigzag(value - previous));
      previous = value;
    }
    const auto head = 1 + varint::size_of(values.size()) + 1;
    // An eighth is given away where fixed width reads faster.
    RC_ASSERT(encoded(u64_column::of(values)).size() <= head + deltas + deltas / 7 + 1);
  }));
}

TEST_CASE("any arithmetic column comes back from its bytes", "[unit][columns][property]") {
  CHECK(rc::check([](std::uint64_t first, std::uint64_t step, std::uint16_t count) {
    const auto column = u64_column::arithmetic(first, step, count);
    read_back(column);
    for (std::size_t i = 0; i < count; ++i) RC_ASSERT(column[i] == first + step * i);
  }));
}

TEST_CASE("any texts come back from their bytes", "[unit][columns][property]") {
  CHECK(rc::check([](std::vector<std::string> values, std::uint8_t repeats) {
    string_column column;
    std::vector<std::string> expected;
    for (const auto& value : values) {
      for (unsigned i = 0; i <= repeats % 4U; ++i) {
        column.push_back(value);
        expected.push_back(value);
      }
    }
    RC_ASSERT(column.size() == expected.size());
    for (std::size_t i = 0; i < expected.size(); ++i) RC_ASSERT(column[i] == expected[i]);
    read_back(column);
  }));
}

TEST_CASE("a skimmed text column knows its size and nothing else", "[unit][columns][property]") {
  CHECK(rc::check("skim", [](const std::vector<std::string>& texts) {
    string_column column;
    for (const auto& text : texts) column.push_back(text);
    std::vector<std::byte> bytes;
    column.encode(bytes);
    std::span<const std::byte> in{bytes};
    string_column skimmed;
    RC_ASSERT(string_column::skim(in, skimmed));
    RC_ASSERT(in.empty());
    RC_ASSERT(skimmed.size() == texts.size());
    RC_ASSERT(skimmed.is_constant() == column.is_constant());
    if (column.is_constant()) RC_ASSERT(skimmed == column);
  }));
}

TEST_CASE("ordinal ranges are the set of their ordinals", "[unit][columns][property]") {
  CHECK(rc::check([](const std::vector<std::pair<std::uint8_t, std::uint8_t>>& gaps) {
    ordinal_ranges set;
    std::set<std::uint32_t> model;
    std::uint32_t next = 0;
    for (const auto& [gap, count] : gaps) {
      const auto first = next + gap % 5U;
      set.append(first, count % 9U);
      for (std::uint32_t i = 0; i < count % 9U; ++i) model.insert(first + i);
      next = first + count % 9U;
    }
    RC_ASSERT(set.size() == model.size());
    std::uint64_t index = 0;
    for (const auto ordinal : model) RC_ASSERT(set.at(index++) == ordinal);
    for (std::uint32_t ordinal = 0; ordinal <= next; ++ordinal)
      RC_ASSERT(set.contains(ordinal) == model.contains(ordinal));
    std::vector<std::uint32_t> visited;
    set.for_each([&](std::uint32_t ordinal) { visited.push_back(ordinal); });
    RC_ASSERT(visited == std::vector<std::uint32_t>(model.begin(), model.end()));
    read_back(set);
  }));
}

TEST_CASE("columns made of any bytes are refused or mean what they say",
          "[unit][columns][property]") {
  CHECK(rc::check([](const std::vector<std::uint8_t>& noise, std::uint8_t shape) {
    bytes data{static_cast<std::byte>(shape % 5U)};
    for (const auto byte : noise) data.push_back(static_cast<std::byte>(byte));
    const auto meaningful = [&]<class Column>(Column column) {
      std::span<const std::byte> in{data};
      if (!Column::decode(in, column)) return;
      const auto again = encoded(column);
      std::span<const std::byte> second{again};
      Column copy;
      RC_ASSERT(Column::decode(second, copy));
      RC_ASSERT(copy == column);
    };
    meaningful(u64_column{});
    meaningful(string_column{});
    meaningful(ordinal_ranges{});
  }));
}
