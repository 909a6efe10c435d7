#include "bench/peers/beside.hpp"

#include "apps/measure/latency.hpp"

namespace bestow::bench {

void repeat_beside(const arguments& args, report& out,
                   const std::function<measure::outcome<void>(const measure::work_options&,
                                                              const measure::figures_sink&)>& bestow,
                   const std::vector<part>& peers, const std::function<void(figures&)>& after) {
  auto work = work_of(args);
  work.repetitions = 1;
  for (unsigned turn = 0; turn < args.repetitions; ++turn) {
    figures line;
    figures theirs;
    std::string order;
    for (std::size_t i = 0; i <= peers.size(); ++i) {
      const auto who = (turn + i) % (peers.size() + 1);
      order += (i == 0 ? "" : ", ") + (who == 0 ? "bestow and raw" : peers[who - 1].name);
      if (who == 0)
        must(bestow(work, [&](figures f) { line = std::move(f); }));
      else
        peers[who - 1].run(theirs);
    }
    for (const auto& [name, value] : theirs.entries()) line.set(name, value);
    after(line);
    line.set("order", order);
    out.add(line);
  }
}

auto number_of(const figures& f, const std::string& name) -> double {
  for (const auto& [known, value] : f.entries()) {
    if (known != name) continue;
    if (const auto* number = std::get_if<double>(&value)) return *number;
    if (const auto* count = std::get_if<std::uint64_t>(&value)) return static_cast<double>(*count);
  }
  return 0;
}

void set_ratio(figures& f, const std::string& name, const std::string& a, const std::string& b) {
  const auto over = number_of(f, b);
  if (over > 0 && number_of(f, a) > 0) f.set(name, number_of(f, a) / over);
}

auto crowd_of(unsigned clients, std::uint64_t count,
              const std::function<void(unsigned, std::uint64_t)>& command)
    -> measure::crowd_result {
  measure::crowd_plan plan;
  plan.clients = clients;
  plan.count = count;
  auto done = must(measure::run_crowd(
      plan, [&](unsigned c, std::uint64_t n) -> measure::outcome<void> {
        command(c, n);
        return {};
      }));
  require(done.milliseconds.size() == count, "commands were not answered");
  return done;
}

void set_crowd(figures& f, const std::string& prefix, const measure::crowd_result& r) {
  f.set(prefix + "_commands_per_second",
        static_cast<double>(r.milliseconds.size()) / r.took.seconds);
  measure::set_latency(f, prefix, r.milliseconds);
}

}  // namespace bestow::bench
