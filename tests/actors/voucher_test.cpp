// One number, one promotion: the voucher registry under kills, repeats and races.
#include <filesystem>
#include <fstream>
#include <map>
#include <set>

#include "actors/voucher_registry.hpp"
#include "events/codec.hpp"
#include "tests/actors/engine_on_fakes.hpp"
#include "tests/catch.hpp"
#include "tests/store/lists/scratch.hpp"

using namespace bestow;
using namespace bestow::tests;

namespace {

constexpr promotion_id one{1};
constexpr promotion_id two{2};
constexpr promotion_id three{3};

/// `count` rows from row `first` on; row n's number is V-<from + n - 1>.
auto numbers(const std::string& batch, std::uint64_t first, std::uint64_t from,
             std::uint32_t count) -> actors::import_request {
  auto chunk = std::make_shared<actors::import_chunk>();
  chunk->batch = batch;
  auto& f = chunk->facts;
  f.batch = batch;
  f.first_row = first;
  f.row_count = count;
  f.byte_end = first + count - 1;
  f.customer_uids = u64_column::arithmetic(from, 1, count);
  f.partitions = u64_column::constant(0, count);
  f.amounts = u64_column::constant(100, count);
  f.expiries = u64_column::constant(1'800'000'000'000, count);
  f.reasons = string_column::constant("r", count);
  f.withdrawals = u64_column::constant(0, count);
  for (std::uint32_t i = 0; i < count; ++i) {
    chunk->row_numbers.push_back(first + i);
    f.voucher_numbers.push_back("V-" + std::to_string(from + i));
    f.merchant_codes.push_back("MUSINSA");
    f.merchant_brand_codes.push_back("STANDARD");
  }
  return actors::import_request{chunk};
}

void begin(process& p, promotion_id id, const std::string& batch = "vouchers") {
  auto wanted = point_promotion(id.value, 1);
  wanted.type = promotion_type::voucher;
  REQUIRE(p.create(wanted));
  REQUIRE(p.command<actors::batch_reply>(
      id, actors::open_batch_request{{batch, import_format::csv, p.w.time.wall()}, {}}));
}

auto send(process& p, promotion_id id, const actors::import_request& r) -> std::uint64_t {
  const auto answer = p.command<actors::import_reply>(id, r);
  REQUIRE(answer);
  CHECK(answer->accepted + answer->refused.size() == r.chunk->facts.row_count);
  for (const auto& refused : answer->refused)
    CHECK(refused.code == domain::row_rejection::voucher_number_duplicate);
  return answer->accepted;
}

void close(process& p, promotion_id id, std::uint64_t rows,
           const std::string& batch = "vouchers") {
  REQUIRE(p.command<actors::batch_reply>(
      id, actors::close_batch_request{{batch, rows, rows, {}}, {}}));
  p.drive();
}

auto state_of(process& p) -> const actors::voucher_registry_state& {
  const auto registry = p.context->book.registry();
  return dynamic_cast<actors::voucher_registry_host&>(
             *caf::actor_cast<caf::abstract_actor*>(registry))
      .state;
}

/// Every number of the log's facts that count, with how often it stands there.
auto granted(world& w) -> std::map<std::string, int> {
  std::map<std::string, int> found;
  std::set<std::pair<std::uint64_t, std::string>> abandoned;
  store::read_options options;
  options.types = {event_type::batch_abandoned};
  REQUIRE(w.log->read(position{}, options, [&](const store::stored_event& e) {
    abandoned.emplace(e.stream.id, decode_event<batch_abandoned>(e.payload)->batch);
    return true;
  }));
  options.types = {event_type::targets_imported};
  REQUIRE(w.log->read(position{}, options, [&](const store::stored_event& e) {
    const auto facts = *decode_event<targets_imported>(e.payload);
    if (abandoned.contains({e.stream.id, facts.batch})) return true;
    for (std::size_t i = 0; i < facts.voucher_numbers.size(); ++i)
      ++found[std::string{facts.voucher_numbers[i]}];
    return true;
  }));
  return found;
}

}  // namespace

TEST_CASE("a voucher number is granted by one promotion only, before and after a kill",
          "[actor]") {
  world w{10};
  {
    process p{w};
    begin(p, one);
    CHECK(send(p, one, numbers("vouchers", 1, 1'000, 100)) == 100);
    begin(p, two);
    const auto answer =
        p.command<actors::import_reply>(two, numbers("vouchers", 1, 1'040, 100));
    REQUIRE(answer);
    CHECK(answer->accepted == 40);
    REQUIRE(answer->refused.size() == 60);
    CHECK(answer->refused.front().row == 1);
    CHECK(answer->refused.front().field == domain::row_field::voucher_number);
  }
  process p{w};
  begin(p, three);
  CHECK(send(p, three, numbers("vouchers", 1, 1'100, 100)) == 60);
}

TEST_CASE("numbers of a closed batch move to a file and stay taken", "[actor]") {
  world w{11};
  process p{w};
  begin(p, one);
  CHECK(send(p, one, numbers("vouchers", 1, 1'000, 100)) == 100);
  CHECK(state_of(p).open->size() == 100);
  begin(p, two);
  CHECK(send(p, two, numbers("vouchers", 1, 5'000, 10)) == 10);
  close(p, one, 100);
  // Only the open batch's are left in the table.
  CHECK(state_of(p).open->size() == 10);
  REQUIRE(state_of(p).files.contains(1));
  CHECK(state_of(p).files.at(1)->size() == 100);
  CHECK(send(p, two, numbers("vouchers", 11, 1'090, 20)) == 10);
  close(p, two, 30);
  CHECK(state_of(p).open->size() == 0);
  begin(p, three);
  CHECK(send(p, three, numbers("vouchers", 1, 1'080, 30)) == 0);
}

TEST_CASE("batches of one promotion share a file, whatever order they are closed in", "[actor]") {
  world w{12};
  process p{w};
  begin(p, one, "a");
  REQUIRE(p.command<actors::batch_reply>(
      one, actors::open_batch_request{{"b", import_format::csv, w.time.wall()}, {}}));
  CHECK(send(p, one, numbers("a", 1, 100, 10)) == 10);
  CHECK(send(p, one, numbers("b", 1, 200, 10)) == 10);
  CHECK(send(p, one, numbers("a", 11, 300, 10)) == 10);
  close(p, one, 10, "b");
  CHECK(state_of(p).files.at(1)->size() == 10);
  CHECK(state_of(p).open->size() == 20);
  close(p, one, 20, "a");
  CHECK(state_of(p).files.at(1)->size() == 30);
  CHECK(state_of(p).open->size() == 0);
  begin(p, two);
  for (const std::uint64_t from : {100, 200, 300})
    CHECK(send(p, two, numbers("vouchers", from / 10 - 9, from, 10)) == 0);
}

TEST_CASE("two imports that claim the same numbers at once get each number once", "[actor]") {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    CAPTURE(seed);
    world w{seed};
    seeded_randomness random{seed};
    process p{w};
    begin(p, one);
    begin(p, two);
    const auto host_of = [&](promotion_id id) {
      return p.ask<actors::found>(p.core.directory, actors::find_promotion{id}).host;
    };
    const auto first = host_of(one);
    const auto second = host_of(two);
    std::uint64_t accepted = 0;
    int answers = 0;
    for (const auto& [host, shift] : {std::pair{first, 0ULL}, std::pair{second, 7ULL}}) {
      const auto run = [&accepted, &answers, host = host, shift = shift](
                           caf::event_based_actor* self, int) {
        for (std::uint64_t c = 0; c < 8; ++c)
          self->request(host, std::chrono::seconds{60},
                        numbers("vouchers", c * 50 + 1, 1'000 + c * 50 + shift, 50))
              .then(
                  [&](const actors::import_reply& r) {
                    ++answers;
                    if (r.answer) accepted += r.answer->accepted;
                  },
                  [&](const caf::error&) { ++answers; });
      };
      p.system->spawn(run, 0);
    }
    for (int i = 0; i < 3'000 && answers < 16; ++i) p.step(random.next());
    // Now and then the registry fails in the middle; the next one goes on with its claims.
    if (seed % 3 == 0)
      caf::anon_send_exit(p.context->book.registry(), caf::exit_reason::unhandled_exception);
    p.drive_until([&] { return answers == 16; }, 2'000);
    CHECK(answers == 16);
    for (const auto& [number, times] : granted(w)) {
      CAPTURE(number);
      REQUIRE(times == 1);
    }
    if (seed % 3 != 0) CHECK(accepted == 407);
    CHECK(granted(w).size() >= accepted);
  }
}

TEST_CASE("a registry that fails with claims in flight lets nobody else have them", "[actor]") {
  world w{13};
  process p{w};
  begin(p, one);
  begin(p, two);
  CHECK(send(p, one, numbers("vouchers", 1, 1'000, 5)) == 5);
  // A claim that is made and not yet a fact.
  const auto holder = p.ask<actors::found>(p.core.directory, actors::find_promotion{one}).host;
  const auto chunk = numbers("vouchers", 6, 2'000, 10).chunk;
  const auto run = [&](caf::event_based_actor* self, int) -> caf::behavior {
    self->send(p.context->book.registry(), actors::claim_request{one, chunk});
    return {[](const actors::claim_reply&) {}, [=](const actors::shutdown&) { self->quit(); }};
  };
  auto claimer = p.system->spawn(run, 0);
  p.drive();
  REQUIRE(state_of(p).claims->open.size() == 1);
  caf::anon_send_exit(p.context->book.registry(), caf::exit_reason::unhandled_exception);
  REQUIRE(p.drive_until([&] { return p.context->counters.restarts > 0; }));
  p.pass(std::chrono::milliseconds{100});
  p.drive();
  CHECK(send(p, two, numbers("vouchers", 1, 2'005, 10)) == 5);
  // Its holder ends without a fact: the numbers are free.
  caf::anon_send(claimer, actors::shutdown{});
  claimer = nullptr;
  p.drive();
  CHECK(state_of(p).claims->open.empty());
  CHECK(send(p, two, numbers("vouchers", 11, 2'000, 5)) == 5);
}

TEST_CASE("numbers of an abandoned batch are free again, before and after a kill", "[actor]") {
  world w{14};
  {
    process p{w};
    begin(p, one);
    CHECK(send(p, one, numbers("vouchers", 1, 1'000, 100)) == 100);
    begin(p, two);
    CHECK(send(p, two, numbers("vouchers", 1, 1'000, 10)) == 0);
    REQUIRE(p.command<actors::command_reply>(
        one, actors::abandon_batch_request{{"vouchers", "wrong file"}, {}}));
    p.drive();
    CHECK(send(p, two, numbers("vouchers", 11, 1'000, 10)) == 10);
  }
  process p{w};
  begin(p, three);
  CHECK(send(p, three, numbers("vouchers", 1, 1'000, 30)) == 20);
}

TEST_CASE("numbers of a cancelled promotion are free again, before and after a kill", "[actor]") {
  const bool closed = GENERATE(false, true);
  CAPTURE(closed);
  world w{16};
  {
    process p{w};
    begin(p, one);
    CHECK(send(p, one, numbers("vouchers", 1, 1'000, 100)) == 100);
    if (closed) close(p, one, 100);
    begin(p, two);
    CHECK(send(p, two, numbers("vouchers", 1, 1'000, 10)) == 0);
    REQUIRE(p.command<actors::command_reply>(one, actors::cancel_request{"wrong list", {}}));
    p.drive();
    CHECK_FALSE(state_of(p).files.contains(1));
    CHECK(send(p, two, numbers("vouchers", 11, 1'000, 10)) == 10);
  }
  process p{w};
  begin(p, three);
  CHECK(send(p, three, numbers("vouchers", 1, 1'000, 30)) == 20);
}

TEST_CASE("files outlive the process, and one that does not fit the log is made anew",
          "[actor]") {
  const bestow::testing::scratch_directory scratch;
  world w{15};
  const auto file = scratch.path() + "/promotion-1.vouchers";
  const auto start = [&](process& p) { p.context->parts.directory = scratch.path(); };
  {
    process p{w};
    start(p);
    begin(p, one);
    CHECK(send(p, one, numbers("vouchers", 1, 1'000, 100)) == 100);
    close(p, one, 100);
    CHECK(std::filesystem::exists(file));
    CHECK(std::filesystem::exists(scratch.path() + "/vouchers.seed"));
  }
  const auto check = [&](promotion_id id) {
    process p{w};
    start(p);
    begin(p, id);
    CHECK(send(p, id, numbers("vouchers", 1, 1'050, 100)) == (id == two ? 50 : 0));
    REQUIRE(state_of(p).files.contains(1));
    CHECK(state_of(p).files.at(1)->size() == 100);
  };
  check(two);
  SECTION("a file that was cut off") { std::filesystem::resize_file(file, 5'000); }
  SECTION("a file that is gone") { std::filesystem::remove(file); }
  SECTION("a file of another seed") {
    std::ofstream{scratch.path() + "/vouchers.seed"} << "00000000000000aa";
  }
  SECTION("a file with one flipped bit") {
    std::fstream bytes{file, std::ios::in | std::ios::out | std::ios::binary};
    bytes.seekp(4'500);
    bytes.put('x');
  }
  check(three);
}
