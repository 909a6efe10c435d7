// bestow bench: how fast this machine and this disk do the product's own part.
#include <limits>
#include <memory>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "apps/cli/bench_run.hpp"
#include "apps/cli/bench_table.hpp"
#include "apps/cli/commands.hpp"
#include "events/limits.hpp"

namespace bestow::cli {

void add_bench(CLI::App& app, context& ctx) {
  auto* c = app.add_subcommand(
      "bench", "Measure this machine and disk: import, publish, commands, replay; needs no server");
  auto r = std::make_shared<bench_request>();
  c->add_option("work", r->works,
                fmt::format("{}; all when none is named", fmt::join(bench_works(), ", ")))
      ->check(CLI::IsMember(bench_works()));
  c->add_option("--targets", r->targets, "Targets of each work; commands and commits follow it")
      ->check(number_check(limits::bench_targets_min, limits::bench_targets_max))
      ->capture_default_str();
  c->add_option("--repetitions", r->repetitions, "Repetitions of each work")
      ->check(number_check(1, limits::bench_repetitions_max))
      ->capture_default_str();
  c->add_option("--dir", r->directory, "Where to write; everything is removed at the end")
      ->capture_default_str();
  c->add_option("--seed", r->seed, "Of the made lists: the same seed gives the same bytes")
      ->check(number_check(0, std::numeric_limits<std::uint64_t>::max()))
      ->capture_default_str();
  c->callback([&ctx, r] {
    ctx.action = [&ctx, r] {
      if (const auto own = ctx.variable("BESTOW_NATS_SERVER"); !own.empty()) r->server = own;
      return run_bench(ctx, *r, real_bench_job(r->server));
    };
  });
}

}  // namespace bestow::cli
