// B1v: what one voucher number costs the registry beside 10^7 or 10^8 numbers that are granted
// already: its tag, the filters of every promotion's file, the table of open batches, the claim and
// its settling. Fresh numbers are claimed, granted ones are found where they stand.
#include <fmt/format.h>

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "bench/harness.hpp"
#include "events/clock.hpp"
#include "events/limits.hpp"
#include "store/uniqueness.hpp"
#include "store/voucher_file.hpp"

namespace bestow::bench {
namespace {

constexpr std::uint64_t seed = 4'711;
constexpr std::uint64_t rows = limits::import_chunk_rows;
constexpr std::uint64_t claims = 2'000'000;

/// A number as a partner sends it: 16 digits, spread over the whole range.
class number_maker {
 public:
  auto of(std::uint64_t i) -> std::string_view {
    auto x = i * 0x9E3779B97F4A7C15ULL + 1;
    x ^= x >> 31U;
    for (auto& digit : text_) {
      digit = static_cast<char>('0' + x % 10);
      x /= 10;
    }
    // The index itself makes it unique.
    auto end = fmt::format_to(text_.data() + 6, "{:010}", i % 10'000'000'000ULL);
    return {text_.data(), static_cast<std::size_t>(end - text_.data())};
  }

 private:
  std::array<char, 32> text_{};
};

auto make_file(const std::string& path, std::uint64_t first, std::uint64_t count)
    -> store::voucher_file {
  const auto facts = (count + rows - 1) / rows;
  auto writer = must(store::voucher_file_writer::create(path, nullptr, count, facts));
  number_maker numbers;
  for (std::uint64_t i = 0; i < count; ++i) {
    if (i % rows == 0) writer.begin_fact(position{first + i / rows + 1});
    require(writer.add(store::voucher_tag(numbers.of(first + i), seed)), "too many numbers");
  }
  store::voucher_cover cover;
  cover.promotion = first;
  cover.seed = seed;
  cover.covers = position{1};
  return must(writer.finish(cover, [] { return true; }));
}

struct tables {
  std::vector<store::voucher_file> files;
  std::unique_ptr<store::voucher_table> open;
  std::unique_ptr<store::voucher_table> in_flight;
};

/// As the registry does it. @returns how many tags passed a filter and were found under it
auto claim_chunk(tables& t, std::uint64_t first, std::uint64_t claim, position fact)
    -> std::uint64_t {
  constexpr std::size_t ahead = 16;
  number_maker numbers;
  std::vector<std::uint64_t> tags;
  for (std::uint64_t i = 0; i < rows; ++i)
    tags.push_back(store::voucher_tag(numbers.of(first + i), seed));
  std::uint64_t met = 0;
  const auto meet = [&](const store::voucher_claim&) { return ++met > 0; };
  for (const auto& file : t.files)
    for (std::size_t i = 0; i < rows; ++i) {
      if (i + ahead < rows) file.prefetch(tags[i + ahead]);
      if (file.may_hold(tags[i])) file.find(tags[i], meet);
    }
  for (std::uint32_t i = 0; i < rows; ++i) {
    if (i + ahead < rows) t.open->prefetch(tags[i + ahead]);
    t.in_flight->find(tags[i], meet);
    t.open->find(tags[i], meet);
    must(t.in_flight->insert(tags[i], {position{claim}, i}));
  }
  for (std::uint32_t i = 0; i < rows; ++i) {
    must(t.open->insert(tags[i], {fact, i}));
    require(t.in_flight->erase(tags[i], {position{claim}, i}), "a claim was lost");
  }
  return met;
}

void repeat(const arguments& args, std::uint64_t promotions, report& out) {
  const scratch place{args, "voucher"};
  figures f;
  tables t;
  const auto each = args.targets / promotions;
  const stopwatch building;
  for (std::uint64_t p = 0; p < promotions; ++p)
    t.files.push_back(make_file(fmt::format("{}/{}.vouchers", place.path(), p), p * each, each));
  const auto built = building.read();
  const auto live = each * promotions;
  t.open = must(store::make_voucher_table(place.path() + "/vouchers.open"));
  t.in_flight = must(store::make_voucher_table(""));

  const stopwatch claiming;
  std::uint64_t met = 0;
  for (std::uint64_t c = 0; c < claims / rows; ++c)
    met += claim_chunk(t, live + c * rows, c + 1, position{c + 1});
  const auto claimed = claiming.read();
  // 64 bits: about claims * live / 2^64 tags are shared.
  require(met <= 1, "fresh numbers were found");
  require(t.open->size() == claims / rows * rows, "claims were lost");

  seeded_randomness random{args.seed};
  number_maker numbers;
  constexpr std::uint64_t looks = 200'000;
  const stopwatch looking;
  for (std::uint64_t i = 0; i < looks; ++i) {
    const auto n = random.next() % live;
    const auto tag = store::voucher_tag(numbers.of(n), seed);
    const auto in_file = n % each;
    bool found = false;
    t.files[n / each].find(tag, [&](const store::voucher_claim& c) {
      found = c.row == in_file % rows && c.fact.value == n - in_file + in_file / rows + 1;
      return !found;
    });
    require(found, "a granted number was not found where it stands");
  }
  const auto looked = looking.read();

  const auto n = static_cast<double>(claims / rows * rows);
  f.set("live_numbers", live);
  f.set("promotions", promotions);
  f.set("claim_ns", claimed.seconds * 1e9 / n);
  f.set("claim_cpu_ns", claimed.cpu_seconds * 1e9 / n);
  f.set("lookup_cpu_ns", looked.cpu_seconds * 1e9 / static_cast<double>(looks));
  f.set("build_cpu_ns", built.cpu_seconds * 1e9 / static_cast<double>(live));
  f.set("anonymous_mib", static_cast<double>(anonymous_bytes()) / 1048576.0);
  out.add(f);
}

}  // namespace
}  // namespace bestow::bench

auto main(int argc, char** argv) -> int {
  using namespace bestow::bench;
  const auto args = read_arguments(argc, argv, 10'000'000, {"promotions"});
  const auto promotions = std::stoull(args.get("promotions", "10"));
  report out{"B1v voucher claims", "none: the files are rebuilt from the log", args};
  for (unsigned i = 0; i < args.repetitions; ++i) repeat(args, promotions, out);
  out.summary();
  return 0;
}
