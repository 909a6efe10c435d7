// Single durable commands, beside bare commits of the same size.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "apps/measure/crowd.hpp"
#include "apps/measure/inputs.hpp"
#include "apps/measure/latency.hpp"
#include "apps/measure/raw_log.hpp"
#include "apps/measure/work_parts.hpp"
#include "apps/measure/world.hpp"

namespace bestow::measure {
namespace {

constexpr const char* one_target = "point_target_id,customer_uid,amount,reason\n1,1,,\n";
constexpr unsigned preparing_clients = 16;  // Their commits are shared.

/// One repetition: a world, its promotions, and the wishes made so far.
class session {
 public:
  session(const work_options& o, const command_options& c, std::string place, unsigned n)
      : o_{&o}, c_{&c}, place_{std::move(place)}, n_{n} {}

  auto run() -> outcome<figures> {
    auto opened = world::open({place_});
    if (!opened) return ended(opened);
    w_ = std::move(*opened);
    auto done = prepare_all();
    for (const auto clients : c_->crowds) {
      if (done) tell(*o_, n_, fmt::format("{} client{}", clients, clients == 1 ? "" : "s"));
      if (done) done = clients == 1 ? lone() : crowd(clients, o_->targets, c_->within);
    }
    if (done) done = w_->sound();
    w_.reset();
    if (done) {
      tell(*o_, n_, "checking");
      done = check_wishes(place_, c_->promotions, made_);
    }
    if (!done) return ended(done);
    return std::move(f_);
  }

 private:
  auto prepare_all() -> outcome<void> {
    tell(*o_, n_, "making promotions");
    const auto done = run_crowd(
        {preparing_clients, 0, c_->promotions},
        [&](unsigned, std::uint64_t n) { return prepare(n); });
    if (!done) return ended(done);
    made_ = c_->promotions;
    const auto samples = payloads_of(*w_->log, event_type::promotion_scheduled);
    if (!samples) return ended(samples);
    payload_ = samples->front();
    return {};
  }

  auto prepare(std::uint64_t n) -> outcome<void> {
    auto wanted = make_promotion(promotion_type::point, 1);
    wanted.promotion = wished_promotion(n, c_->promotions);
    const auto id = wanted.promotion;
    if (auto made = w_->engine->create(wanted, {}); !made) return ended(made);
    const auto imported = w_->import(id, one_target);
    if (!imported) return ended(imported);
    if (imported->answer.accepted != 1) return void_because("the row was refused");
    if (auto sealed = w_->engine->seal(id, {}); !sealed) return ended(sealed);
    if (auto approved = w_->engine->approve(id, {}); !approved) return ended(approved);
    return wish(n);
  }

  auto wish(std::uint64_t n) -> outcome<void> {
    const auto receipt =
        w_->engine->schedule(wished_promotion(n, c_->promotions), wished_start(n), {});
    if (!receipt) return ended(receipt);
    if (receipt->repeated || receipt->at.value == 0)
      return void_because("a command was taken for a repeat");
    return {};
  }

  auto crowd(unsigned clients, std::uint64_t count, std::chrono::milliseconds within)
      -> outcome<void> {
    const auto before = w_->engine->status();
    const auto r = [&] {
      const section here{*o_};
      return run_crowd({clients, made_, count, within},
                       [&](unsigned, std::uint64_t n) { return wish(n); });
    }();
    if (!r) return ended(r);
    const auto after = w_->engine->status();
    const auto given = r->milliseconds.size();
    made_ += given;
    const auto n = static_cast<double>(given);
    const auto prefix = fmt::format("clients_{}", clients);
    f_.set(prefix + "_commands", std::uint64_t{given});
    f_.set(prefix + "_commands_per_second", per_second(n, r->took.seconds));
    set_latency(f_, prefix, r->milliseconds);
    f_.set(prefix + "_cpu_us_per_command", r->took.cpu_seconds * 1e6 / n);
    f_.set(prefix + "_commands_per_commit",
           static_cast<double>(after.appends - before.appends) /
               static_cast<double>(after.commits - before.commits));
    lone_rate_ = per_second(n, r->took.seconds);
    return {};
  }

  /// One client, with bare commits before and after it.
  auto lone() -> outcome<void> {
    const auto count = std::max<std::uint64_t>(o_->targets / c_->lone_share, 1);
    const auto bare = [&](const char* name) {
      return commit_singly(place_ + name, payload_, (count + 1) / 2, c_->within / 2);
    };
    const auto before = bare("/raw-before.mdb");
    if (!before) return ended(before);
    const auto first = made_;
    if (auto done = crowd(1, count, c_->within); !done) return done;
    if (c_->log_alone) {
      if (auto done = append_alone(made_ - first); !done) return done;
    }
    const auto after = bare("/raw-after.mdb");
    if (!after) return ended(after);
    const auto commits = before->milliseconds.size() + after->milliseconds.size();
    const auto raw_rate = per_second(static_cast<double>(commits),
                                     before->took.seconds + after->took.seconds);
    f_.set("raw_commits_per_second", raw_rate);
    f_.set("raw_cpu_us_per_commit", (before->took.cpu_seconds + after->took.cpu_seconds) * 1e6 /
                                        static_cast<double>(commits));
    f_.set("clients_1_ratio_to_raw", lone_rate_ / raw_rate);
    return {};
  }

  /// The same facts through the log alone, one group and one commit each: what is left of a command
  /// when nobody decides, sends or waits.
  auto append_alone(std::uint64_t count) -> outcome<void> {
    store::log_options options;
    options.directory = place_ + "/log-alone";
    const auto log = store::open_lmdb_log(options, 1);
    if (!log) return ended(log);
    std::vector<stream_version> versions(c_->promotions);
    const stopwatch watch;
    for (std::uint64_t n = 0; n < count; ++n) {
      auto& version = versions[n % c_->promotions];
      const promotion_scheduled fact{wished_start(n), "local"};
      const std::array group{store::append_batch{stream_of(wished_promotion(n, c_->promotions)),
                                                 version,
                                                 {encode_event(fact, {"local", "", 0})}}};
      const auto answers = (*log)->append_group(group, w_->time.wall());
      if (!answers) return ended(answers);
      if (!answers->front()) return ended(answers->front());
      version = answers->front()->version;
    }
    f_.set("log_alone_appends_per_second",
           per_second(static_cast<double>(count), watch.read().seconds));
    return {};
  }

  const work_options* o_;
  const command_options* c_;
  std::string place_;
  unsigned n_;
  std::unique_ptr<world> w_;
  std::vector<std::byte> payload_;  ///< Of a wish's fact.
  std::uint64_t made_{0};           ///< Wishes that were acknowledged.
  double lone_rate_{0};             ///< Of the last crowd.
  figures f_;
};

}  // namespace

auto measure_commands(const work_options& o, const command_options& c, const figures_sink& each)
    -> outcome<void> {
  return repeat(o, "command", each, [&](const std::string& place, unsigned n) {
    return session{o, c, place, n}.run();
  });
}

}  // namespace bestow::measure
