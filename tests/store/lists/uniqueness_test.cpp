// The tables behind "seen before?": exact, file-backed, honest about what they cover.
#include "store/uniqueness.hpp"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <set>
#include <unordered_map>
#include <vector>

#include "events/clock.hpp"
#include "tests/catch.hpp"
#include "tests/store/lists/scratch.hpp"

namespace {

using namespace bestow;
using bestow::testing::scratch_directory;

auto claims_of(const store::voucher_table& table, std::uint64_t hash)
    -> std::vector<store::voucher_claim> {
  std::vector<store::voucher_claim> found;
  table.find(hash, [&](const store::voucher_claim& c) {
    found.push_back(c);
    return true;
  });
  return found;
}

auto anonymous_rss_kib() -> std::uint64_t {
  std::ifstream status{"/proc/self/status"};
  for (std::string line; std::getline(status, line);)
    if (line.rfind("RssAnon:", 0) == 0) return std::stoull(line.substr(8));
  return 0;
}

TEST_CASE("a set holds each value once, 0 and the largest included", "[unit][uniqueness]") {
  auto set = store::make_u64_set("").value();
  for (const std::uint64_t value : {0ULL, 1ULL, ~0ULL, 1ULL << 63U}) {
    CHECK_FALSE(set->contains(value));
    CHECK(set->insert(value).value());
    CHECK_FALSE(set->insert(value).value());
    CHECK(set->contains(value));
  }
  CHECK(set->size() == 4);
  CHECK(set->erase(0));
  CHECK_FALSE(set->erase(0));
  CHECK_FALSE(set->contains(0));
  CHECK(set->size() == 3);
  set->clear();
  CHECK(set->size() == 0);
  CHECK_FALSE(set->contains(~0ULL));
}

TEST_CASE("a set agrees with a plain set through inserts and erases", "[unit][uniqueness]") {
  const std::uint64_t seed = 20'260'121;
  INFO("seed " << seed);
  seeded_randomness random{seed};
  const scratch_directory scratch;
  auto set = store::make_u64_set(scratch.path() + "/customers").value();
  std::set<std::uint64_t> model;
  for (int i = 0; i < 200'000; ++i) {
    const auto value = random.next() % 30'000;  // Few values: every kind of collision and gap.
    if (random.next() % 3 == 0) {
      REQUIRE(set->erase(value) == (model.erase(value) == 1));
    } else {
      REQUIRE(set->insert(value).value() == model.insert(value).second);
    }
    REQUIRE(set->size() == model.size());
  }
  for (std::uint64_t value = 0; value < 30'000; ++value)
    REQUIRE(set->contains(value) == (model.count(value) == 1));
}

TEST_CASE("a set's memory is the file's, at most 16 bytes a value", "[unit][uniqueness]") {
  const scratch_directory scratch;
  const auto path = scratch.path() + "/customers";
  {
    auto set = store::make_u64_set(path).value();
    [[maybe_unused]] const auto before = anonymous_rss_kib();
    constexpr std::uint64_t count = 1'000'000;
    const auto from = std::chrono::steady_clock::now();
    for (std::uint64_t i = 1; i <= count; ++i) REQUIRE(set->insert(i * 1'000'003).value());
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - from;
    WARN("inserts per second, this build: " << static_cast<std::uint64_t>(count / took.count()));
    CHECK(set->size() == count);
    struct stat info {};
    REQUIRE(::stat(path.c_str(), &info) == 0);
    CHECK(static_cast<std::uint64_t>(info.st_size) <= 16 * count + 4096);
#ifndef __SANITIZE_THREAD__  // Its shadow is anonymous memory too, several times the mapped file's size.
    CHECK(anonymous_rss_kib() < before + 1024);
#endif
  }
  CHECK_FALSE(std::filesystem::exists(path));
}

TEST_CASE("a set starts empty over an older file", "[unit][uniqueness]") {
  const scratch_directory scratch;
  const auto path = scratch.path() + "/customers";
  std::ofstream{path} << std::string(100'000, 'x');
  auto set = store::make_u64_set(path).value();
  CHECK(set->size() == 0);
  CHECK_FALSE(set->contains(0x7878787878787878ULL));
}

TEST_CASE("a full disk is a fault and leaves the set as it was", "[unit][uniqueness]") {
  const scratch_directory scratch;
  auto set = store::make_u64_set(scratch.path() + "/customers").value();
  std::uint64_t held = 0;
  rlimit old{};
  REQUIRE(::getrlimit(RLIMIT_FSIZE, &old) == 0);
  const auto old_handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit small{64 * 1024, old.rlim_max};
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &small) == 0);
  std::string code;
  while (code.empty() && held < 100'000) {
    const auto inserted = set->insert(held + 1);
    if (inserted)
      ++held;
    else
      code = name_of(inserted.error().code);
  }
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &old) == 0);
  std::signal(SIGXFSZ, old_handler);
  CHECK(code == "file_io_failed");
  CHECK(set->size() == held);
  for (std::uint64_t i = 1; i <= held; ++i) REQUIRE(set->contains(i));
  CHECK(set->insert(held + 1).value());  // Room again: it goes on.
}

TEST_CASE("two claims under one hash are both found, and erased one at a time",
          "[unit][uniqueness]") {
  auto table = store::make_voucher_table("").value();
  REQUIRE(table->insert(7, {position{10}, 3}));
  REQUIRE(table->insert(7, {position{0}, 0}));
  REQUIRE(table->insert(8, {position{11}, 4}));
  CHECK(table->size() == 3);
  auto found = claims_of(*table, 7);
  REQUIRE(found.size() == 2);
  CHECK(found[0].fact == position{10});
  CHECK(found[0].row == 3);
  CHECK(found[1].fact == position{0});
  CHECK_FALSE(table->erase(7, {position{10}, 4}));
  CHECK(table->erase(7, {position{10}, 3}));
  CHECK_FALSE(table->erase(7, {position{10}, 3}));
  CHECK(claims_of(*table, 7).size() == 1);
  CHECK(claims_of(*table, 0).empty());
  int visited = 0;
  REQUIRE(table->insert(7, {position{12}, 5}));
  table->find(7, [&](const store::voucher_claim&) { return ++visited < 1; });
  CHECK(visited == 1);
}

TEST_CASE("a voucher table agrees with a plain multimap", "[unit][uniqueness]") {
  const std::uint64_t seed = 99;
  INFO("seed " << seed);
  seeded_randomness random{seed};
  const scratch_directory scratch;
  auto table = store::make_voucher_table(scratch.path() + "/vouchers").value();
  std::unordered_multimap<std::uint64_t, std::pair<std::uint64_t, std::uint32_t>> model;
  for (std::uint32_t i = 0; i < 60'000; ++i) {
    const auto hash = random.next() % 9'000;
    const auto [first, last] = model.equal_range(hash);
    if (first != last && random.next() % 3 == 0) {
      REQUIRE(table->erase(hash, {position{first->second.first}, first->second.second}));
      model.erase(first);
    } else {
      REQUIRE(table->insert(hash, {position{i + 1ULL}, i}));
      model.emplace(hash, std::pair{i + 1ULL, i});
    }
  }
  REQUIRE(table->size() == model.size());
  for (std::uint64_t hash = 0; hash < 9'000; ++hash) {
    auto found = claims_of(*table, hash);
    REQUIRE(found.size() == model.count(hash));
    for (const auto& c : found) REQUIRE(c.fact.value == c.row + 1ULL);
  }
}

TEST_CASE("a voucher table's file goes with it", "[contract][uniqueness]") {
  const scratch_directory scratch;
  const auto path = scratch.path() + "/unique/vouchers.open";
  {
    auto table = store::make_voucher_table(path).value();
    for (std::uint32_t i = 0; i < 5'000; ++i) REQUIRE(table->insert(i * 7919ULL, {position{9}, i}));
    CHECK(std::filesystem::exists(path));
  }
  CHECK_FALSE(std::filesystem::exists(path));
}

}  // namespace
