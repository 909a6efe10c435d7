// The sealed list: built out of the log, seen through files, rebuilt when they are damaged.
#include "store/target_list.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <limits>
#include <map>
#include <set>

#include "events/clock.hpp"
#include "store/find_target.hpp"
#include "store/target_list_hash.hpp"
#include "tests/catch.hpp"
#include "tests/store/lists/list_fixture.hpp"
#include "tests/store/lists/scratch.hpp"

namespace {

using namespace bestow;
using bestow::testing::a_promotion;
using bestow::testing::promotion_log;
using bestow::testing::scratch_directory;
using bestow::testing::target_line;

auto built(store::target_lists& lists, promotion_log& p) -> list_sealed {
  const auto totals = lists.build(p.log(), p.id());
  REQUIRE(totals);
  REQUIRE_FALSE(totals->total_overflows);
  return totals->totals;
}
auto opened(store::target_lists& lists, promotion_log& p)
    -> std::shared_ptr<const store::target_list> {
  auto list = lists.open(p.log(), p.id());
  if (!list) FAIL(to_string(list.error()));
  return *list;
}

/// Random lines with every kind of text; ids shuffled over [1, 2^63).
auto random_lines(std::size_t count, std::uint32_t partitions, std::uint64_t seed)
    -> std::vector<target_line> {
  seeded_randomness random{seed};
  std::set<std::uint64_t> ids;
  while (ids.size() < count) ids.insert(1 + (random.next() >> (1 + random.next() % 40)));
  std::vector<target_line> lines;
  for (const auto id : ids) {
    target_line l;
    l.id = id;
    l.customer = random.next() % (count * 2);
    l.partition = random.next() % partitions;
    l.amount =
        random.next() % 3 == 0 ? 0 : static_cast<std::int64_t>(random.next() % 1'000'000'000);
    l.expiry = random.next() % 2 == 0 ? 0 : 1'800'000'000'000;
    l.reason = random.next() % 2 == 0 ? "" : "이유 " + std::to_string(random.next() % 5);
    l.voucher = "v-" + std::to_string(random.next());
    l.merchant = "M" + std::to_string(random.next() % 3);
    l.brand = "B" + std::to_string(random.next() % 100'000);
    l.withdrawal = random.next() % 2 == 0;
    lines.push_back(std::move(l));
  }
  for (std::size_t i = lines.size(); i > 1; --i) std::swap(lines[i - 1], lines[random.next() % i]);
  return lines;
}

/// The list must say exactly what the lines say, partition by partition in ascending id order.
void check_against(const store::target_list& list, std::vector<target_line> lines,
                   const promotion_created& defaults) {
  std::sort(lines.begin(), lines.end(), [](const auto& a, const auto& b) { return a.id < b.id; });
  const bool voucher = defaults.type == promotion_type::voucher;
  std::map<std::uint64_t, std::uint32_t> next;
  for (const auto& l : lines) {
    const partition_no k{static_cast<std::uint16_t>(l.partition)};
    const target_ordinal ordinal{next[l.partition]++};
    REQUIRE(ordinal.value < list.size(k));
    const auto row = list.row(k, ordinal);
    REQUIRE(row.id.value == l.id);
    REQUIRE(row.customer.value == l.customer);
    REQUIRE(row.partition == k);
    REQUIRE(row.amount.value == (l.amount != 0 ? l.amount : defaults.default_amount.value));
    REQUIRE(list.amount(k, ordinal) == row.amount);
    REQUIRE(row.expiry.value == (l.expiry != 0 ? l.expiry : defaults.default_expiry_at.value));
    REQUIRE(row.reason == (l.reason.empty() ? defaults.default_reason : l.reason));
    REQUIRE(row.voucher_number == (voucher ? l.voucher : ""));
    REQUIRE(row.merchant_code == (voucher ? l.merchant : ""));
    REQUIRE(row.merchant_brand_code == (voucher ? l.brand : ""));
    REQUIRE(row.is_withdrawal == (voucher && l.withdrawal));
    REQUIRE(list.find(k, target_id{l.id}) == ordinal);
    REQUIRE(list.lower_bound(k, target_id{l.id}) == ordinal);
    REQUIRE(list.lower_bound(k, target_id{l.id + 1}).value == ordinal.value + 1);
  }
  for (std::uint32_t k = 0; k < list.partition_count(); ++k)
    REQUIRE(list.size(partition_no{static_cast<std::uint16_t>(k)}) == next[k]);
}

TEST_CASE("the list's hash is that of its documented text", "[contract][lists]") {
  promotion_log p{a_promotion(promotion_type::point, 4)};
  p.import("a", {{1, 12345, 0, 0, 0, "", {}, {}, {}, false},
                 {2, 12346, 3, 5'000, 0, "", {}, {}, {}, false}});
  p.close("a");
  auto lists = store::make_target_lists("").value();
  const auto totals = built(*lists, p);
  CHECK(to_hex(totals.list_sha256) ==
        "e4d0c7eeaefa0ce49d6d811160dcbca3d1216ae0e52e8e06fa110c62e33991a2");
  CHECK(totals.total_count == 2);
  CHECK(totals.total_amount.value == 15'000);
  CHECK(totals.partition_counts == u64_column::of({1, 0, 0, 1}));
  CHECK(totals.partition_amounts == u64_column::of({10'000, 0, 0, 5'000}));
  std::ifstream page{BESTOW_SOURCE_DIR "/docs/internals/list_hash.md"};
  const std::string text{std::istreambuf_iterator<char>{page}, {}};
  CHECK(text.find(to_hex(totals.list_sha256)) != std::string::npos);
}

TEST_CASE("the canonical text escapes what would break a line", "[unit][lists]") {
  store::list_row row;
  row.id = target_id{9};
  row.customer = customer_uid{8};
  row.partition = partition_no{1};
  row.amount = money_minor{5};
  row.expiry = timestamp{-1};
  row.reason = "a\\b\tc\nd\re";
  row.voucher_number = "V1";
  row.merchant_code = "M";
  row.merchant_brand_code = "B";
  row.is_withdrawal = true;
  std::string text;
  store::append_canonical_line(text, row, promotion_type::voucher);
  CHECK(text == "9\t8\t1\t5\t-1\ta\\\\b\\tc\\nd\\re\tV1\tM\tB\t1\n");
  text.clear();
  store::append_canonical_line(text, row, promotion_type::point);
  CHECK(text == "9\t8\t1\t5\t-1\ta\\\\b\\tc\\nd\\re\n");
}

TEST_CASE("a list says what its rows said, in memory and in files", "[contract][lists]") {
  const auto type = GENERATE(promotion_type::voucher, promotion_type::point);
  const bool in_files = GENERATE(true, false);
  const bool shuffled = GENERATE(true, false);
  constexpr std::uint64_t seed = 4711;
  INFO("seed " << seed << ", files " << in_files << ", shuffled " << shuffled);
  const scratch_directory scratch;
  promotion_log p{a_promotion(type, 16)};
  auto lines = random_lines(20'000, 16, seed);
  if (!shuffled)
    std::sort(lines.begin(), lines.end(), [](const auto& a, const auto& b) { return a.id < b.id; });
  for (std::size_t from = 0; from < lines.size(); from += 1'000) {
    const auto batch = "b" + std::to_string(from / 5'000);
    p.import(batch, {lines.begin() + static_cast<std::ptrdiff_t>(from),
                     lines.begin() + static_cast<std::ptrdiff_t>(from + 1'000)});
    if (from % 5'000 == 4'000) p.close(batch);
  }
  auto lists = store::make_target_lists(in_files ? scratch.path() : "").value();
  p.seal(built(*lists, p));
  const auto list = opened(*lists, p);
  CHECK(list->currency() == "KRW");
  check_against(*list, lines, a_promotion(type, 16));
  CHECK_FALSE(list->find(partition_no{16}, target_id{lines[0].id}));
  CHECK_FALSE(list->find(partition_no{0}, target_id{std::numeric_limits<std::uint64_t>::max()}));
}

TEST_CASE("the hash does not depend on the order or the batches of arrival", "[contract][lists]") {
  const auto lines = random_lines(3'000, 8, 5);
  promotion_log one{a_promotion(promotion_type::voucher, 8)};
  one.import("x", lines);
  one.close("x");
  auto reversed = lines;
  std::reverse(reversed.begin(), reversed.end());
  promotion_log two{a_promotion(promotion_type::voucher, 8)};
  two.import("y", {reversed.begin(), reversed.begin() + 1'000});
  two.import("z", {reversed.begin() + 1'000, reversed.end()});
  two.close("z");
  two.close("y");
  auto lists_one = store::make_target_lists("").value();
  auto lists_two = store::make_target_lists("").value();
  CHECK(built(*lists_one, one) == built(*lists_two, two));
}

TEST_CASE("only closed batches count", "[contract][lists]") {
  promotion_log p{a_promotion(promotion_type::point, 2)};
  p.import("kept", {{1, 1, 0, 100, 0, "", {}, {}, {}, false}});
  p.import("given up", {{2, 2, 0, 1'000, 0, "", {}, {}, {}, false}});
  p.import("open", {{3, 3, 1, 10'000, 0, "", {}, {}, {}, false}});
  p.abandon("given up");
  p.close("kept");
  auto lists = store::make_target_lists("").value();
  const auto totals = built(*lists, p);
  CHECK(totals.total_count == 1);
  CHECK(totals.total_amount.value == 100);
}

TEST_CASE("a list may be empty or hold a single target", "[contract][lists]") {
  const scratch_directory scratch;
  const auto count = GENERATE(0U, 1U);
  promotion_log p{a_promotion(promotion_type::voucher, 3)};
  if (count == 1) {
    p.import("a", {{1ULL << 62U, 5, 2, 0, 0, "", "V", "M", "B", true}});
    p.close("a");
  }
  auto lists = store::make_target_lists(scratch.path()).value();
  p.seal(built(*lists, p));
  auto again = store::make_target_lists(scratch.path()).value();
  const auto list = opened(*again, p);
  CHECK(list->totals().total_count == count);
  CHECK(list->size(partition_no{2}) == count);
  CHECK(list->find(partition_no{2}, target_id{1ULL << 62U}).has_value() == (count == 1));
  CHECK(list->lower_bound(partition_no{0}, target_id{1}).value == 0);
}

TEST_CASE("a list may have 1024 partitions", "[contract][lists]") {
  promotion_log p{a_promotion(promotion_type::point, 1'024)};
  const auto lines = random_lines(5'000, 1'024, 12);
  p.import("a", lines);
  p.close("a");
  auto lists = store::make_target_lists("").value();
  p.seal(built(*lists, p));
  check_against(*opened(*lists, p), lines, a_promotion(promotion_type::point, 1'024));
}

TEST_CASE("a sum beyond 64 bits is reported, not wrapped", "[contract][lists]") {
  constexpr auto most = std::numeric_limits<std::int64_t>::max();
  promotion_log p{a_promotion(promotion_type::point, 2)};
  p.import("a", {{1, 1, 0, most, 0, "", {}, {}, {}, false}});
  p.close("a");
  auto lists = store::make_target_lists("").value();
  CHECK(built(*lists, p).total_amount.value == most);
  p.import("b", {{2, 2, 1, 1, 0, "", {}, {}, {}, false}});
  p.close("b");
  const auto totals = lists->build(p.log(), p.id());
  REQUIRE(totals);
  CHECK(totals->total_overflows);
}

TEST_CASE("customers in more than one partition are counted exactly", "[contract][lists]") {
  auto created = a_promotion(promotion_type::point, 4);
  const bool allowed = GENERATE(true, false);
  created.allow_multiple_per_customer = allowed;
  promotion_log p{created};
  p.import("a", {{1, 100, 0, 1, 0, "", {}, {}, {}, false},
                 {2, 100, 1, 1, 0, "", {}, {}, {}, false},
                 {3, 200, 2, 1, 0, "", {}, {}, {}, false},
                 {4, 200, 2, 1, 0, "", {}, {}, {}, false},
                 {5, 300, 3, 1, 0, "", {}, {}, {}, false},
                 {6, 300, 0, 1, 0, "", {}, {}, {}, false},
                 {7, 300, 1, 1, 0, "", {}, {}, {}, false}});
  p.close("a");
  auto lists = store::make_target_lists("").value();
  CHECK(built(*lists, p).split_customers == (allowed ? 2 : 0));
}

TEST_CASE("one id twice in the log is corruption", "[contract][lists]") {
  promotion_log p{a_promotion(promotion_type::point, 2)};
  p.import("a", {{1, 1, 0, 1, 0, "", {}, {}, {}, false}, {1, 2, 1, 1, 0, "", {}, {}, {}, false}});
  p.close("a");
  auto lists = store::make_target_lists("").value();
  const auto totals = lists->build(p.log(), p.id());
  REQUIRE_FALSE(totals);
  CHECK(totals.error().code == fault_code::log_corrupt);
}

TEST_CASE("a partition that does not exist is corruption", "[contract][lists]") {
  promotion_log p{a_promotion(promotion_type::point, 2)};
  p.import("a", {{1, 1, 2, 1, 0, "", {}, {}, {}, false}});
  p.close("a");
  auto lists = store::make_target_lists("").value();
  const auto totals = lists->build(p.log(), p.id());
  REQUIRE_FALSE(totals);
  CHECK(totals.error().code == fault_code::log_corrupt);
}

TEST_CASE("a missing, short or damaged list is built again when it is opened",
          "[contract][lists]") {
  const scratch_directory scratch;
  promotion_log p{a_promotion(promotion_type::voucher, 4)};
  const auto lines = random_lines(6'000, 4, 77);
  p.import("a", lines);
  p.close("a");
  const auto file = scratch.path() + "/7/list";
  {
    auto lists = store::make_target_lists(scratch.path()).value();
    p.seal(built(*lists, p));
  }
  const auto bytes = std::filesystem::file_size(file);
  const auto damage = GENERATE(0, 1, 2, 3, 4, 5, 6, 7);
  INFO("damage " << damage);
  const auto flip = [&](std::uint64_t at) {
    std::fstream f{file, std::ios::in | std::ios::out | std::ios::binary};
    f.seekg(static_cast<std::streamoff>(at));
    const auto flipped = static_cast<char>(f.get() ^ 1);
    f.seekp(static_cast<std::streamoff>(at));
    f.put(flipped);
  };
  switch (damage) {
    case 0:
      std::filesystem::remove(file);
      break;
    case 1:
      std::filesystem::resize_file(file, bytes / 2);
      break;
    case 2:
      std::filesystem::resize_file(file, 0);
      break;
    case 3:
      flip(0);
      break;
    case 4:
      flip(50);
      break;
    case 5:
      flip(bytes / 2);
      break;
    case 6:
      flip(bytes - 1);
      break;
    default:
      std::filesystem::resize_file(file, 10);
      break;
  }
  auto lists = store::make_target_lists(scratch.path()).value();
  const auto list = opened(*lists, p);
  CHECK(list->totals().total_count == lines.size());
  check_against(*list, lines, a_promotion(promotion_type::voucher, 4));
  auto again = store::make_target_lists(scratch.path()).value();
  check_against(*opened(*again, p), lines, a_promotion(promotion_type::voucher, 4));
  CHECK(std::filesystem::file_size(file) == bytes);
}

TEST_CASE("an intact list is opened without reading the facts again", "[contract][lists]") {
  const scratch_directory scratch;
  promotion_log p{a_promotion(promotion_type::point, 4)};
  p.import("a", random_lines(1'000, 4, 3));
  p.close("a");
  auto lists = store::make_target_lists(scratch.path()).value();
  p.seal(built(*lists, p));
  const auto written = std::filesystem::last_write_time(scratch.path() + "/7/list");
  auto again = store::make_target_lists(scratch.path()).value();
  const auto first = opened(*again, p);
  CHECK(opened(*again, p) == first);
  CHECK(std::filesystem::last_write_time(scratch.path() + "/7/list") == written);
}

TEST_CASE("facts that give another list than was sealed are corruption", "[contract][lists]") {
  const scratch_directory scratch;
  const bool in_files = GENERATE(true, false);
  promotion_log p{a_promotion(promotion_type::point, 4)};
  p.import("a", random_lines(100, 4, 3));
  p.close("a");
  auto lists = store::make_target_lists(in_files ? scratch.path() : "").value();
  auto totals = built(*lists, p);
  totals.list_sha256[5] ^= std::byte{1};
  p.seal(totals);
  const auto list = lists->open(p.log(), p.id());
  REQUIRE_FALSE(list);
  CHECK(list.error().code == fault_code::log_corrupt);
}

TEST_CASE("a target is found by its id, whatever partition was guessed", "[contract][lists]") {
  promotion_log p{a_promotion(promotion_type::point, 4)};
  p.import("a", random_lines(200, 4, 11));
  p.close("a");
  auto lists = store::make_target_lists("").value();
  p.seal(built(*lists, p));
  const auto list = opened(*lists, p);
  for (std::uint16_t k = 0; k < 4; ++k)
    for (std::uint32_t i = 0; i < list->size({k}); ++i) {
      const auto id = list->row({k}, {i}).id;
      for (const auto& hint : std::vector<std::optional<partition_no>>{
               std::nullopt, partition_no{k}, partition_no{static_cast<std::uint16_t>((k + 1) % 4)},
               partition_no{4}}) {
        const auto place = store::find_target(*list, id, hint);
        REQUIRE(place);
        REQUIRE(place->partition == partition_no{k});
        REQUIRE(place->ordinal == target_ordinal{i});
      }
    }
  const target_id nobody{~0ULL >> 1U};
  CHECK_FALSE(store::find_target(*list, nobody));
  CHECK_FALSE(store::find_target(*list, nobody, partition_no{2}));
}

TEST_CASE("a promotion the log does not know has no list", "[contract][lists]") {
  store::memory_log log{1};
  auto lists = store::make_target_lists("").value();
  const auto totals = lists->build(log, promotion_id{5});
  REQUIRE_FALSE(totals);
  CHECK(totals.error().code == fault_code::log_corrupt);
}

}  // namespace
