// bestow-wallet: stands for the paying service, so that the loop closes on one machine. It is also
// the worked example of a correct consumer.
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <atomic>
#include <csignal>
#include <thread>

#include "apps/system/system_clock.hpp"
#include "apps/wallet/ledger_report.hpp"
#include "apps/wallet/service.hpp"

namespace {

using namespace bestow;
using namespace bestow::wallet;

constexpr int exit_done = 0;
constexpr int exit_fault = 1;
constexpr int exit_usage = 2;
constexpr int exit_unavailable = 5;

struct arguments {
  service_options service;
  std::uint64_t delay_ms{500};
  double idle_seconds{0};
  std::uint64_t promotion{0};
  report_format format{report_format::table};
};

void define(CLI::App& app, arguments& a) {
  app.description(
      "The paying service of the examples: takes grants, keeps a ledger, sends results.");
  app.require_subcommand(0, 1);
  auto& s = a.service;
  auto& b = s.conduct;
  app.add_option("--nats", s.nats.url,
                 "URL, or @FILE whose first line is the URL, read at each connect")
      ->capture_default_str();
  app.add_option("--user", s.nats.user, "NATS user");
  app.add_option("--password", s.nats.password, "NATS password")->envname("BESTOW_NATS_PASSWORD");
  app.add_option("--credentials", s.nats.credentials_file, "NATS credentials file (NKey/JWT)");
  app.add_option("--data", s.data_directory, "Directory of the ledger");
  app.add_option("--voucher-stream", s.voucher_stream, "JetStream stream of voucher grants")
      ->capture_default_str();
  app.add_option("--point-stream", s.point_stream, "JetStream stream of point grants")
      ->capture_default_str();
  app.add_option("--exit-when-idle", a.idle_seconds, "End after S seconds without a grant")
      ->check(CLI::PositiveNumber);
  app.add_option("--seed", b.seed, "Chooses which grants misbehave")->capture_default_str();
  const auto rate = [&app](const char* name, double& to, const char* text) {
    app.add_option(name, to, text)
        ->check(CLI::Range(0.0, 1.0))
        ->group("Misbehaviour, share of grants");
  };
  rate("--fail", b.fail, "FAILED for ever");
  rate("--transient", b.transient, "RETRYING, then SUCCESS");
  rate("--duplicate", b.duplicate, "the result is sent twice");
  rate("--early", b.early, "the result is sent before the ledger is written");
  rate("--delay", b.delay, "the result is held back for --delay-ms");
  rate("--drop", b.drop, "paid, but no result is ever sent");
  app.add_option("--delay-ms", a.delay_ms, "for --delay")->capture_default_str();

  auto* const report = app.add_subcommand("ledger", "What was paid: count, sum, every payment");
  report->add_option("--data", s.data_directory, "Directory of the ledger");
  report->add_option("--promotion", a.promotion, "Promotion id")->required();
  report->add_option("-o,--output", a.format, "table, json or csv")
      ->transform(CLI::CheckedTransformer(
          std::map<std::string, report_format>{{"table", report_format::table},
                                               {"json", report_format::json},
                                               {"csv", report_format::csv}}));
}

void complain(const fault& f) {
  fmt::print(stderr, "bestow-wallet: {}\n", to_string(f));
}

auto exit_of(const fault& f) -> int {
  return f.code == fault_code::broker_unavailable ? exit_unavailable : exit_fault;
}

/// "" = a URL that can be tried.
auto wrong_url(const std::string& url) -> std::string {
  const bool file = url.starts_with('@') && url.size() > 1;
  const bool known = url.starts_with("nats://") || url.starts_with("tls://");
  if (file || (known && !url.ends_with("://"))) return "";
  return fmt::format("--nats is '{}'; allowed are nats://HOST:PORT, tls://HOST:PORT, @FILE",
                     url.find('@', 1) == std::string::npos ? url : "(hidden: it holds a password)");
}

auto report(const arguments& a) -> int {
  auto book = ledger::open(a.service.data_directory, ledger::mode::read);
  const auto written = book ? write_report(**book, {a.promotion}, a.format, stdout)
                            : result<void>{tl::unexpected<fault>{book.error()}};
  if (written && std::fflush(stdout) == 0) return exit_done;
  if (!written) complain(written.error());
  return exit_fault;
}

void show_progress(const payer_counts& c, std::uint64_t rate) {
  fmt::print(stderr, "\r{} grants  {}/s  credited {}  failed {}  repeated {} ", c.grants, rate,
             c.credited, c.failed, c.repeated);
  std::fflush(stderr);
}

void show_summary(const payer_counts& c) {
  fmt::print(
      "grants {}, credited {}, failed {}, retried {}, dropped {}, held back {}, repeated {}, "
      "contradicted {}, unreadable {}\n",
      c.grants, c.credited, c.failed, c.retried, c.dropped, c.held, c.repeated, c.contradicted,
      c.unreadable);
}

/// Runs until a signal or the service's own end; signals are taken here, in the main thread.
auto serve(arguments& a) -> int {
  sigset_t ends;
  sigemptyset(&ends);
  for (const int s : {SIGINT, SIGTERM, SIGHUP, SIGUSR1}) sigaddset(&ends, s);
  pthread_sigmask(SIG_BLOCK, &ends, nullptr);  // Before any thread: they inherit it.
  std::signal(SIGPIPE, SIG_IGN);

  const apps::system_clock time;
  auto opened = open_service(a.service, time);
  if (!opened) {
    complain(opened.error());
    return exit_fault;
  }
  service& payer = **opened;
  result<void> outcome;
  const pthread_t main_thread = pthread_self();
  std::thread worker{[&] {
    outcome = payer.run();
    pthread_kill(main_thread, SIGUSR1);  // Wakes the loop below.
  }};
  const bool terminal = isatty(STDERR_FILENO) == 1;
  std::uint64_t shown = 0;
  for (int signal = 0; signal <= 0;) {
    const timespec second{1, 0};
    signal = sigtimedwait(&ends, nullptr, &second);
    if (!terminal) continue;
    const payer_counts c = payer.counts();
    show_progress(c, c.grants - shown);
    shown = c.grants;
  }
  payer.stop();
  worker.join();
  if (terminal) std::fputc('\n', stderr);
  show_summary(payer.counts());
  if (outcome) return exit_done;
  complain(outcome.error());
  return exit_of(outcome.error());
}

}  // namespace

auto main(int argc, char** argv) -> int {
  arguments a;
  CLI::App app;
  define(app, a);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? exit_done : exit_usage;
  }
  if (a.service.data_directory.empty()) {
    fmt::print(stderr, "bestow-wallet: --data is required\n");
    return exit_usage;
  }
  if (!app.get_subcommands().empty()) return report(a);
  if (const auto wrong = wrong_url(a.service.nats.url); !wrong.empty()) {
    fmt::print(stderr, "bestow-wallet: {}\n", wrong);
    return exit_usage;
  }
  a.service.on_waiting = [](const fault& f) {
    fmt::print(stderr, "bestow-wallet: waiting for the broker: {}\n", to_string(f));
  };
  a.service.conduct.delay_by = std::chrono::milliseconds{a.delay_ms};
  a.service.exit_when_idle =
      std::chrono::milliseconds{static_cast<std::int64_t>(a.idle_seconds * 1'000)};
  return serve(a);
}
