// The works that need an engine, small: figures are given, checks hold, nothing is left behind.
#include <filesystem>
#include <map>

#include "apps/measure/scratch.hpp"
#include "apps/measure/works.hpp"
#include "tests/catch.hpp"

namespace bestow::measure {
namespace {

namespace fs = std::filesystem;

struct stand {
  scratch place{std::move(*scratch::make(fs::temp_directory_path().string(), "works"))};
  work_options o;
  unsigned repetitions{0};
  unsigned sections{0};
  std::map<std::string, double> last;

  stand() {
    o.directory = place.path();
    o.targets = 1'000;
    o.repetitions = 2;
    o.see.measured = [this](bool begins) { sections += begins ? 1 : 0; };
  }
  auto sink() -> figures_sink {
    return [this](const figures& f) {
      ++repetitions;
      for (const auto& [name, value] : f.entries()) {
        if (const auto* d = std::get_if<double>(&value)) last[name] = *d;
        if (const auto* n = std::get_if<std::uint64_t>(&value))
          last[name] = static_cast<double>(*n);
      }
    };
  }
};

}  // namespace

TEST_CASE("an import is measured beside its raw limits", "[actor][measure]") {
  const auto type = GENERATE(promotion_type::point, promotion_type::voucher);
  stand s;
  const auto done = measure_import(s.o, type, s.sink());
  if (!done) FAIL(text_of(done.error()));
  CHECK(s.repetitions == 2);
  CHECK(s.sections == 2);
  CHECK(s.last["rows_per_second"] > 0);
  CHECK(s.last["parse_rows_per_second"] > 0);
  CHECK(s.last["ratio_to_parse_and_raw_log"] > 0);
  CHECK(fs::is_empty(s.place.path()));
}

TEST_CASE("commands are measured beside bare commits, also against the clock", "[actor][measure]") {
  stand s;
  s.o.repetitions = 1;
  s.o.targets = 200;
  command_options c;
  c.crowds = {1, 8};
  c.promotions = 4;
  c.within = std::chrono::milliseconds{500};
  c.log_alone = true;
  const auto done = measure_commands(s.o, c, s.sink());
  if (!done) FAIL(text_of(done.error()));
  CHECK(s.repetitions == 1);
  CHECK(s.last["clients_1_commands"] >= 1);
  CHECK(s.last["clients_1_commands"] <= 10);
  CHECK(s.last["clients_8_commands"] >= 1);
  CHECK(s.last["clients_1_ratio_to_raw"] > 0);
  CHECK(s.last["log_alone_appends_per_second"] > 0);
  CHECK(fs::is_empty(s.place.path()));
}

TEST_CASE("a broker that is not there is a fault of publishing", "[actor][measure]") {
  stand s;
  publish_options p;
  p.server = "/no/such/nats-server";
  const auto done = measure_publish(s.o, p, s.sink());
  REQUIRE_FALSE(done);
  CHECK(std::get<fault>(done.error()).code == fault_code::broker_unavailable);
  CHECK(s.repetitions == 0);
  CHECK(fs::is_empty(s.place.path()));
}

}  // namespace bestow::measure
