#include "tests/sim/simulation.hpp"

#include <cstdlib>
#include <iostream>
#include <set>

#include "events/fact_json.hpp"
#include "tests/sim/history_check.hpp"
#include "tests/sim/oracle.hpp"

namespace bestow::tests {

namespace {

using domain::promotion_state;
constexpr promotion_id only{4'242};

/// Sends a command and notes the answer whenever it comes; a killed process never answers.
struct command_client {
  std::string broken;  ///< An acknowledgement that the log does not back.

  template <class Message>
  void send(process& p, Message message) {
    auto* log = p.w.log.get();
    auto directory = p.core.directory;
    auto* self = this;
    // The unused argument: CAF 0.17.6 dereferences a null tuple for a function without any.
    const auto run = [=](caf::event_based_actor* client, int) {
      client->request(directory, std::chrono::seconds{60}, actors::find_promotion{only})
          .then(
              [=](const actors::found& f) {
                if (!f.host) return;
                client->request(f.host, std::chrono::seconds{60}, message)
                    .then(
                        [=](const actors::command_reply& r) {
                          if (r.answer && r.answer->at > log->head().last)
                            self->broken = "acknowledged before it was durable";
                        },
                        [](const caf::error&) {});
              },
              [](const caf::error&) {});
    };
    p.system->spawn(run, 0);
  }
};

class life {
 public:
  explicit life(std::uint64_t seed)
      : w_{seed}, random_{seed * 7'919 + 1}, plan_{plan_of(random_)},
        payer_{w_.broker, w_.random, {plan_.deadline_ms > 0, plan_.rounds > 0}} {
    settings_.result_deadline = std::chrono::milliseconds{plan_.deadline_ms};
    settings_.chunk = static_cast<std::uint32_t>(random_.next() % 4 == 0 ? 1 + random_.next() % 4
                                                                         : 5 + random_.next() % 60);
    const auto wire = random_.next() % 3;
    settings_.wire = wire == 0 ? grant_wire::single : grant_wire::batch;
    settings_.batch_format = wire == 1 ? grant_format::json : grant_format::msgpack;
    settings_.batch_size = 1 + static_cast<std::uint32_t>(random_.next() % 20);
    start_process();
  }

  auto run() -> life_report {
    if (!prepare()) return finish("the promotion could not be prepared: " + last_refusal_);
    for (std::uint32_t round = 0; round <= plan_.rounds; ++round) {
      if (round > 0) {
        come_to_rest();
        ask_again();
      }
      closing_ = plan_.closes && round == plan_.rounds;
      const auto steps = 200 + random_.next() % (round == 0 ? 1'500 : 600);
      for (std::uint64_t i = 0; i < steps && report_.problem.empty(); ++i) one_step();
      if (!report_.problem.empty()) return finish(report_.problem);
    }
    return calm_end();
  }

 private:
  /// What this life has beyond a run with its stops and resumes.
  struct life_plan {
    std::uint32_t rounds{0};        ///< Of retries and recalls, after the promotion came to rest.
    std::uint32_t deadline_ms{0};   ///< For results; 0 = they may take for ever, and all come.
    bool closes{false};
  };
  static auto plan_of(seeded_randomness& random) -> life_plan {
    life_plan plan;
    plan.rounds = static_cast<std::uint32_t>(random.next() % 4);
    if (plan.rounds > 0 && random.next() % 3 != 0)
      plan.deadline_ms = 500 + static_cast<std::uint32_t>(random.next() % 4'000);
    plan.closes = plan.rounds > 0 && random.next() % 4 == 0;
    return plan;
  }

  void start_process() { p_ = std::make_unique<process>(w_, settings_); }

  /// Most ends are kill -9; some are orderly, with snapshots.
  void kill() {
    if (random_.next() % 4 == 0) {
      p_->context->stopping = true;
      const auto failures = p_->failure.size();
      static_cast<void>(
          p_->ask<actors::shutdown_done>(p_->core.directory, actors::shutdown{}));
      if (p_->failure.size() == failures) ++report_.orderly_ends;
    }
    p_.reset();
    w_.log->crash();
    if (random_.next() % 2 == 0) w_.broker->land_orphans(random_.next() % 50);
    start_process();
    ++report_.kills;
  }

  /// The list arrives, with a kill or a failed commit in between now and then.
  template <class Answer>
  auto went(const Answer& answer) -> bool {
    if (answer) return true;
    const auto& why = answer.error();
    if (const auto* no = std::get_if<domain::refusal>(&why))
      last_refusal_ = std::string{domain::name_of(no->why)} + ": " + no->detail;
    else
      last_refusal_ = to_string(std::get<fault>(why));
    return false;
  }

  auto prepare() -> bool {
    const auto listed = static_cast<std::uint32_t>(random_.next() % 300);
    report_.targets = listed + listed / 2;
    const auto partitions = 1 + static_cast<std::uint32_t>(random_.next() % 5);
    for (int tries = 0; tries < 20; ++tries) {
      if (random_.next() % 8 == 0) kill();
      if (random_.next() % 8 == 0) fail_commit();
      if (!went(p_->create(point_promotion(only.value, partitions)))) continue;
      if (random_.next() % 8 == 0) kill();
      const bool twice = random_.next() % 3 == 0;
      if (!went(p_->import_points(only, "batch", 1'000, listed, 500, twice))) continue;
      if (random_.next() % 8 == 0) kill();
      // Half of these customers are in the list already.
      if (!went(p_->import_points(only, "more", 1'000 + listed / 2, listed, 500, twice)))
        continue;
      if (random_.next() % 8 == 0) fail_commit();
      if (!went(p_->seal(only))) continue;
      if (random_.next() % 8 == 0) kill();
      if (went(p_->approve(only)) && went(p_->start(only))) return true;
    }
    return false;
  }

  void fail_commit() {
    const auto which = random_.next() % 3;
    w_.log->fail_next_commit(which == 0   ? store::commit_fault::lost
                             : which == 1 ? store::commit_fault::applied
                                          : store::commit_fault::full);
    ++report_.commit_faults;
  }

  void disturb_link() {
    ++report_.link_faults;
    switch (random_.next() % 6) {
      case 0: return p_->bus->disconnect(random_.next() % 20);
      case 1: return p_->bus->drop_next_acks(1 + random_.next() % 3);
      case 2: return p_->bus->fail_next_calls(1 + random_.next() % 3);
      case 3: return p_->bus->redeliver_unacked();
      case 4: return p_->bus->reorder_next_batches(1);
      case 5: return p_->bus->lose_next_publish_acks(1);
    }
  }

  void one_step() {
    ++report_.steps;
    const auto dice = random_.next() % 1'000;
    if (dice < 3) return kill();
    if (dice < 8) return fail_commit();
    if (dice < 16) return disturb_link();
    if (dice < 30 && !p_->bus->connected()) return p_->bus->reconnect();
    if (dice < 33) {
      const auto jump = static_cast<std::int64_t>(random_.next() % 14'400'000) - 7'200'000;
      return w_.time.jump_wall(std::chrono::milliseconds{jump});
    }
    if (dice < 40) {
      ++report_.stops;
      return client_.send(*p_, actors::stop_request{"simulated", {}});
    }
    if (dice < 60) return client_.send(*p_, actors::start_request{20'260'121, true, {}});
    if (dice < 75 && plan_.rounds > 0) return ask_again();
    if (dice < 77 && closing_) return client_.send(*p_, actors::close_request{"simulated", {}});
    if (dice < 160) return payer_.work(w_.time.wall());
    if (dice < 260) return p_->pass(std::chrono::milliseconds{random_.next() % 200});
    if (dice < 265) {
      if (auto why = check_stream(w_, only, false); !why.empty()) report_.problem = why;
      return;
    }
    for (int i = 0; i < 20; ++i) p_->step(random_.next());
    if (!client_.broken.empty()) report_.problem = client_.broken;
  }

  /// A retry or a recall, of all or of a few.
  void ask_again() {
    ++report_.asked_again;
    std::set<std::uint64_t> few;
    if (random_.next() % 3 == 0)
      for (auto n = 1 + random_.next() % 3; n > 0; --n)
        few.insert(1 + random_.next() % (report_.targets + 1));
    const std::vector<std::uint64_t> named(few.begin(), few.end());
    if (random_.next() % 3 == 0)
      return client_.send(*p_, actors::recall_request{"simulated", named, {}});
    const auto scope = random_.next() % 2 == 0 ? retry_scope::failed : retry_scope::unknown;
    client_.send(*p_, actors::retry_request{scope, named, {}});
  }

  /// No more faults: a healthy system must come to rest, whatever has happened to it.
  auto come_to_rest() -> bool {
    w_.log->fail_next_commit(store::commit_fault::none);
    w_.broker->land_orphans(1'000'000);
    if (!p_->bus->connected()) p_->bus->reconnect();
    // A clock that was set back must not make deadlines wait for it.
    if (plan_.deadline_ms > 0) w_.time.jump_wall(std::chrono::hours{100});
    const auto at_rest = [&] {
      payer_.flush(w_.time.wall());
      const auto row = p_->row(only);
      if (row.state == promotion_state::stopped && !row.closed)
        client_.send(*p_, actors::start_request{20'260'121, true, {}});
      const bool ended = row.closed ? row.counts.terminal() == row.counts.total
                                    : row.state == promotion_state::completed;
      return ended && payer_.idle() && !row.recall_open && row.counts.recalling == 0;
    };
    if (!p_->drive_until(at_rest, 10'000)) return false;
    // Results that came after the completion are still on their way.
    p_->drive_until([] { return false; }, 40);
    return true;
  }

  auto calm_end() -> life_report {
    if (random_.next() % 2 == 0) kill();
    if (!come_to_rest()) return finish("the promotion does not come to its end: " + where());
    if (!p_->fatal.empty()) return finish("the process gave up: " + to_string(p_->fatal.front()));
    for (const auto& why :
         {client_.broken, payer_.problem(), check_stream(w_, only, true),
          check_history(w_, only, report_.targets), check_counts(*p_, only, report_.targets, payer_),
          check_list(w_, only), check_views(*p_)})
      if (!why.empty()) return finish(why);
    const auto row = p_->row(only);
    report_.retries = retries_in_log();
    report_.recalls = row.recall_no;
    report_.unknown = row.counts.unknown;
    report_.closed = row.closed ? 1 : 0;
    return finish("");
  }

  auto retries_in_log() -> std::uint64_t {
    std::uint64_t n = 0;
    store::read_options options;
    options.types = {event_type::retry_planned};
    static_cast<void>(w_.log->read(position{}, options, [&](const store::stored_event&) {
      ++n;
      return true;
    }));
    return n;
  }

  /// BESTOW_SIM_LOG=1: the facts of a life that broke something, imports apart.
  void show_log() {
    static_cast<void>(w_.log->read(position{}, {}, [](const store::stored_event& e) {
      if (e.type == event_type::targets_imported) return true;
      std::cout << fact_to_json({e.at, e.stream, e.version, e.recorded_at, {}}, e.type, e.payload)
                << "\n";
      return true;
    }));
  }

  auto where() -> std::string {
    const auto row = p_->row(only);
    const auto& c = row.counts;
    const auto delivery = p_->ask<actors::delivery_reply>(
        p_->context->book.publisher(promotion_type::point), actors::delivery_query{});
    std::string text{domain::name_of(row.state)};
    for (const auto& [name, n] :
         {std::pair{"total", c.total}, {"published", c.published}, {"success", c.success},
          {"fail", c.fail}, {"retrying", c.retrying}, {"unknown", c.unknown},
          {"recalling", c.recalling}, {"recalls", row.recall_no}, {"recall open", row.recall_open},
          {"planned", delivery.status.planned_seq}, {"acked", delivery.status.acked_seq},
          {"restarts", p_->context->counters.restarts.load()},
          {"dead", p_->context->counters.results_dead.load()}, {"fatal", p_->fatal.size()}})
      text += std::string{", "} + name + " " + std::to_string(n);
    return text + ", delivery " + delivery.status.state + ", payer idle " +
           std::to_string(payer_.idle());
  }

  auto finish(std::string problem) -> life_report {
    if (std::getenv("BESTOW_SIM_LOG") != nullptr && !problem.empty()) show_log();
    report_.problem = std::move(problem);
    report_.log_hash = to_hex(w_.log->head().frame_hash);
    return report_;
  }

  world w_;
  seeded_randomness random_;
  const life_plan plan_;
  bool closing_{false};
  actors::grant_settings settings_;
  payer_model payer_;
  command_client client_;
  std::string last_refusal_;
  std::unique_ptr<process> p_;
  life_report report_;
};

}  // namespace

auto live_once(std::uint64_t seed) -> life_report { return life{seed}.run(); }

}  // namespace bestow::tests
