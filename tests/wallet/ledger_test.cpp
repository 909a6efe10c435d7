#include "apps/wallet/ledger.hpp"

#include <cstdlib>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <filesystem>

#include "apps/wallet/ledger_report.hpp"
#include "tests/catch.hpp"

using namespace bestow;
using namespace bestow::wallet;

namespace {

class directory {
 public:
  directory() {
    std::string pattern =
        (std::filesystem::temp_directory_path() / "bestow-wallet-XXXXXX").string();
    REQUIRE(::mkdtemp(pattern.data()) != nullptr);
    path_ = pattern;
  }
  directory(const directory&) = delete;
  auto operator=(const directory&) -> directory& = delete;
  ~directory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  [[nodiscard]] auto open(ledger::mode how = ledger::mode::write) const -> std::unique_ptr<ledger> {
    auto book = ledger::open(path_, how);
    REQUIRE(book);
    return std::move(*book);
  }
  [[nodiscard]] auto path() const -> const std::string& { return path_; }

 private:
  std::string path_;
};

auto entry(std::uint64_t target, std::int64_t amount = 100, std::uint64_t customer = 9)
    -> ledger_entry {
  return {{1}, {target}, {customer}, {amount}, 0, "T" + std::to_string(target)};
}

auto text_of(ledger& book, std::uint64_t promotion, report_format format) -> std::string {
  char* buffer = nullptr;
  std::size_t size = 0;
  std::FILE* const out = ::open_memstream(&buffer, &size);
  REQUIRE(write_report(book, {promotion}, format, out));
  std::fclose(out);
  std::string text{buffer, size};
  ::free(buffer);
  return text;
}

}  // namespace

TEST_CASE("a grant is credited once, however often it comes", "[unit][wallet]") {
  const directory d;
  const auto book = d.open();
  const std::vector entries{entry(1), entry(2), entry(1)};
  CHECK(book->record(entries, {}).value() ==
        std::vector{credit::credited, credit::credited, credit::repeated});
  CHECK(book->record(entries, {}).value() ==
        std::vector{credit::repeated, credit::repeated, credit::repeated});
  CHECK(book->totals({1})->count == 2);
  CHECK(book->totals({1})->sum == "200");
  CHECK(book->totals({2})->count == 0);
  CHECK(book->totals({2})->sum == "0");
}

TEST_CASE("the same key with other content is refused and changes nothing", "[unit][wallet]") {
  const directory d;
  const auto book = d.open();
  REQUIRE(book->record(std::vector{entry(1, 100, 9)}, {}));
  CHECK(book->record(std::vector{entry(1, 101, 9)}, {}).value().front() == credit::contradicted);
  CHECK(book->record(std::vector{entry(1, 100, 8)}, {}).value().front() == credit::contradicted);
  CHECK(book->totals({1})->sum == "100");
}

TEST_CASE("sums go beyond 64 bits", "[unit][wallet]") {
  const directory d;
  const auto book = d.open();
  std::vector<ledger_entry> entries;
  for (std::uint64_t i = 1; i <= 5; ++i) entries.push_back(entry(i, INT64_MAX));
  REQUIRE(book->record(entries, {}));
  CHECK(book->totals({1})->sum == "46116860184273879035");
}

TEST_CASE("the ledger survives kill -9 right after it answered", "[unit][wallet]") {
  const directory d;
  const int child = ::fork();
  if (child == 0) {
    auto book = ledger::open(d.path(), ledger::mode::write);
    const bool done = book && (*book)->record(std::vector{entry(1), entry(2)}, {});
    ::kill(::getpid(), done ? SIGKILL : SIGTERM);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(WTERMSIG(status) == SIGKILL);
  const auto book = d.open();
  CHECK(book->totals({1})->count == 2);
}

TEST_CASE("one wallet writes, others may read meanwhile", "[unit][wallet]") {
  const directory d;
  const auto writer = d.open();
  const auto second = ledger::open(d.path(), ledger::mode::write);
  REQUIRE_FALSE(second);
  CHECK(second.error().code == fault_code::log_locked);
  REQUIRE(writer->record(std::vector{entry(1)}, {}));
  CHECK(d.open(ledger::mode::read)->totals({1})->count == 1);
}

TEST_CASE("reading a ledger that does not exist is a fault, not an empty ledger",
          "[unit][wallet]") {
  const directory d;
  const auto book = ledger::open(d.path() + "/none", ledger::mode::read);
  REQUIRE_FALSE(book);
  CHECK(book.error().code == fault_code::file_io_failed);
}

TEST_CASE("held results come when they are due, oldest first, until they are forgotten",
          "[unit][wallet]") {
  const directory d;
  auto book = d.open();
  CHECK_FALSE(book->next_due().value());
  REQUIRE(book->record(
      {}, std::vector<held_result>{
              {0, {200}, "s.2", "b"}, {0, {100}, "s.1", "a"}, {0, {300}, "s.3", "c"}}));
  book.reset();
  book = d.open();
  CHECK(book->next_due().value()->value == 100);
  CHECK(book->due({99}, 10)->empty());
  const auto due = book->due({250}, 10);
  REQUIRE(due);
  REQUIRE(due->size() == 2);
  CHECK((*due)[0].subject == "s.1");
  CHECK((*due)[1].payload == "b");
  CHECK(book->due({250}, 1)->size() == 1);
  REQUIRE(book->forget(*due));
  CHECK(book->due({250}, 10)->empty());
  CHECK(book->next_due().value()->value == 300);
}

TEST_CASE("a payment is taken back once, and only as it was paid", "[unit][wallet]") {
  const directory d;
  auto book = d.open();
  REQUIRE(book->record(std::vector{entry(1, 500), entry(2, 700)}, {}));
  const auto outcomes = book->take(std::vector<recall_entry>{
      {{1}, {1}, {1}, {500}}, {{1}, {1}, {2}, {500}}, {{1}, {2}, {1}, {1}}, {{1}, {3}, {1}, {5}}});
  REQUIRE(outcomes);
  CHECK((*outcomes == std::vector{take_back::taken, take_back::repeated, take_back::refused,
                                  take_back::refused}));
  book.reset();
  book = d.open();
  const auto totals = book->totals({1});
  REQUIRE(totals);
  CHECK(totals->count == 2);
  CHECK(totals->sum == "1200");
  CHECK(totals->recalled_count == 1);
  CHECK(totals->recalled_sum == "500");
}

TEST_CASE("the report is exact in all three forms", "[unit][wallet]") {
  const directory d;
  const auto book = d.open();
  auto small = entry(7, 5, UINT64_MAX);
  small.currency_exponent = 2;
  auto large = entry(INT64_MAX, 12'345, 1);
  large.currency_exponent = 2;
  REQUIRE(book->record(std::vector{large, small}, {}));
  CHECK(text_of(*book, 1, report_format::json) ==
        "{\"promotion_id\":\"1\",\"count\":2,\"sum\":\"12350\",\"recalled_count\":0,"
        "\"recalled_sum\":\"0\"}\n");
  CHECK(text_of(*book, 1, report_format::table) ==
        "promotion  1\ncount      2\nsum        12350\n");
  CHECK(text_of(*book, 1, report_format::csv) ==
        "target_id,customer_uid,amount,transaction_key\n"
        "7,18446744073709551615,0.05,T7\n"
        "9223372036854775807,1,123.45,T9223372036854775807\n");
}
