#include "apps/cli/bench_run.hpp"

#include <algorithm>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <optional>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "apps/cli/bench_table.hpp"
#include "apps/cli/codes.hpp"
#include "apps/measure/guarded.hpp"
#include "apps/measure/scratch.hpp"
#include "apps/system/data_layout.hpp"
#include "bus/embedded_server.hpp"
#include "events/limits.hpp"

namespace bestow::cli {
namespace {

using nlohmann::ordered_json;

/// What is being done: one line that is drawn over on a terminal, else a line for each work.
class display {
 public:
  explicit display(const context& ctx) : ctx_{ctx}, terminal_{ctx.with.err_is_terminal} {}
  void work(std::string_view name, unsigned repetitions) {
    if (!terminal_) ctx_.note(fmt::format("measuring {}: {} repetitions", name, repetitions));
  }
  void stage(std::string_view name, std::string_view repetition, unsigned repetitions,
             std::string_view what) {
    if (!terminal_ || ctx_.global.quiet) return;
    const auto where = repetition == "0" ? std::string{name}
                                         : fmt::format("{} {}/{}", name, repetition, repetitions);
    ctx_.with.err << fmt::format("\r{}: {}\x1b[K", where, what) << std::flush;
    drawn_ = true;
  }
  void clear() {
    if (drawn_) ctx_.with.err << "\r\x1b[K" << std::flush;
    drawn_ = false;
  }

 private:
  const context& ctx_;
  bool terminal_;
  bool drawn_{false};
};

auto fsync_of(std::string_view work) -> std::string {
  if (work == "disk") return "LMDB default: fdatasync at each commit";
  if (work == "replay")
    return "views: one commit and fdatasync for each 200,000 described targets";
  if (work == "publish")
    return "log: fdatasync at each commit; JetStream: its default sync_interval";
  return "log: fdatasync at each commit, answered after it";
}

/// In the work's own process: figures and troubles as lines.
auto do_work(const std::string& work, measure::work_options o, const measure::run_label& label,
             const bench_job& job, const measure::line_sink& say) -> int {
  o.see.stage = [&](unsigned repetition, std::string_view what) {
    say(fmt::format("stage {} {}", repetition, what));
  };
  unsigned ended = 0;
  const auto done = job(work, o, [&](const measure::figures& f) {
    say("figures " + measure::json_line(label, ++ended, f));
  });
  if (done) return 0;
  if (const auto* f = std::get_if<fault>(&done.error()))
    say(fmt::format("fault {} {}", name_of(f->code), to_string(*f)));
  else
    say("void " + measure::text_of(done.error()));
  return 1;
}

/// The word before the first blank, and what follows it.
auto split(std::string_view line) -> std::pair<std::string_view, std::string_view> {
  const auto blank = line.find(' ');
  if (blank == std::string_view::npos) return {line, {}};
  return {line.substr(0, blank), line.substr(blank + 1)};
}

class bench {
 public:
  bench(const context& ctx, const bench_request& request, const bench_job& job)
      : ctx_{ctx}, request_{request}, job_{job}, display_{ctx} {}

  auto run() -> exit_code {
    const auto& asked = request_.works;
    const bool no_server = !bus::find_server(request_.server).has_value();
    if (no_server && std::ranges::find(asked, "publish") != asked.end()) return no_publish();
    auto watch = measure::interruption::open();
    if (!watch) return failed(watch.error());
    auto place = measure::scratch::make(request_.directory, "bench");
    if (!place) return failed(place.error());
    if (const auto why =
            bench_room_problem(measure::free_bytes(place->path()), request_.targets);
        !why.empty()) {
      ctx_.complain(fmt::format("{}: {}", request_.directory, why));
      return exit_code::fault;
    }
    introduce(place->path());
    for (const auto& work : bench_works()) {
      if (!asked.empty() && std::ranges::find(asked, work) == asked.end()) continue;
      if (watch->signal() != 0 || !ctx_.with.out.good()) break;
      if (work == "publish" && no_server)
        leave_out(work);
      else
        measure_one(*watch, work, place->path());
    }
    display_.clear();
    if (auto gone = place->remove(); !gone) return failed(gone.error());
    return conclude(watch->signal());
  }

 private:
  auto failed(const fault& f) -> exit_code {
    ctx_.complain(to_string(f));
    return exit_code::fault;
  }

  auto no_publish() -> exit_code {
    ctx_.complain(fmt::format(
        "broker_unavailable: publish needs a nats-server, and there is no '{}': install it (Debian: "
        "apt-get install nats-server), or name it with BESTOW_NATS_SERVER",
        request_.server));
    return exit_code::unavailable;
  }

  void introduce(const std::string& place) {
    filesystem_ = measure::filesystem_of(place);
    ctx_.note(fmt::format("{} targets, {} repetitions, seed {}; {} on {}; {} cores, load {:.1f}",
                          grouped(fmt::to_string(request_.targets)), request_.repetitions,
                          request_.seed, request_.directory,
                          filesystem_.empty() ? "an unknown file system" : filesystem_,
                          measure::core_count(), measure::load_average()));
    if (const auto warning = bench_disk_warning(filesystem_); !warning.empty())
      ctx_.note(fmt::format("warning: {}: {}", request_.directory, warning));
  }

  void leave_out(const std::string& work) {
    display_.clear();
    ctx_.note(fmt::format("{} is left out: there is no '{}' (Debian: apt-get install nats-server)",
                          work, request_.server));
    rows_.push_back(bench_end_row(work, "left out"));
  }

  void measure_one(measure::interruption& watch, const std::string& work,
                   const std::string& place) {
    work_ = work;
    lines_.clear();
    troubled_ = false;
    label_ = {work, fsync_of(work), filesystem_, request_.targets, request_.seed};
    display_.work(work, request_.repetitions);
    const measure::work_options o{place, request_.targets, request_.repetitions, request_.seed, {}};
    const auto end = measure::run_guarded(
        watch,
        [&](const measure::line_sink& say) { return do_work(work, o, label_, job_, say); },
        [&](std::string_view line) {
          take(line);
          return ctx_.with.out.good();
        });
    if (!end)
      trouble("fault", to_string(end.error()));
    else if (end->crashed != 0)
      trouble("void", fmt::format("its process was ended by signal {} ({})", end->crashed,
                                  strsignal(end->crashed)));
    else if (end->code != 0 && !troubled_)
      trouble("void", "its process ended without a word");
    for (auto& row : bench_rows(work, lines_)) rows_.push_back(std::move(row));
    if (troubled_) rows_.push_back(bench_end_row(work, "void"));
  }

  void take(std::string_view line) {
    const auto [kind, rest] = split(line);
    if (kind == "stage") {
      const auto [repetition, what] = split(rest);
      display_.stage(work_, repetition, request_.repetitions, what);
    } else if (kind == "figures") {
      auto parsed = ordered_json::parse(rest, nullptr, false);
      if (!parsed.is_object()) return;
      lines_.push_back(std::move(parsed));
      print_line(rest);
    } else if (kind == "fault") {
      const auto [code, text] = split(rest);
      trouble("fault", text);
      if (const auto* row = find_code(code)) ctx_.note(fmt::format("  {}", row->remedy));
    } else {
      trouble("void", rest);
    }
  }

  /// Void or failed: the repetition under way and all behind it have no figures.
  void trouble(const std::string& kind, std::string_view text) {
    troubled_ = true;
    code_ = exit_code::fault;
    display_.clear();
    const auto repetition = static_cast<unsigned>(lines_.size()) + 1;
    ctx_.complain(fmt::format("{}{}, repetition {}: {}", kind == "void" ? "bench_void: " : "",
                              work_, repetition, text));
    measure::figures f;
    f.set(kind, std::string{text});
    print_line(measure::json_line(label_, repetition, f));
  }

  void print_line(std::string_view line) {
    if (ctx_.output() == output_kind::json) ctx_.with.out << line << std::endl;
  }

  auto conclude(int signal) -> exit_code {
    if (signal != 0) {
      ctx_.complain(fmt::format("stopped by SIG{}; nothing is left behind", sigabbrev_np(signal)));
      return exit_code::fault;
    }
    if (ctx_.output() != output_kind::json) print_rows(ctx_, rows_, bench_columns());
    return code_;
  }

  const context& ctx_;
  const bench_request& request_;
  const bench_job& job_;
  display display_;
  std::string filesystem_;
  ordered_json rows_ = ordered_json::array();
  exit_code code_{exit_code::done};
  // The work under way.
  std::string work_;
  measure::run_label label_;
  std::vector<ordered_json> lines_;
  bool troubled_{false};
};

}  // namespace

auto why_not_bench_in(const std::string& directory) -> std::string {
  namespace fs = std::filesystem;
  std::error_code error;
  const auto status = fs::status(directory, error);
  if (!fs::exists(status)) return fmt::format("--dir {}: there is no such directory", directory);
  if (!fs::is_directory(status)) return fmt::format("--dir {}: it is no directory", directory);
  const apps::data_layout at{directory};
  if (fs::exists(at.log + "/00000001.mdb", error) || fs::exists(at.root + "/LOCK", error))
    return fmt::format("--dir {}: it is a data directory; name one beside it", directory);
  return "";
}

auto bench_room_problem(std::uint64_t free, std::uint64_t targets) -> std::string {
  constexpr std::uint64_t mib = 1U << 20U;
  const auto wanted = limits::bench_bytes_spare + targets * limits::bench_bytes_per_target;
  if (free >= wanted) return "";
  return fmt::format("{} MiB are free and {} targets want {} MiB: name another disk with --dir, or "
                     "fewer --targets",
                     free / mib, targets, (wanted + mib - 1) / mib);
}

auto bench_disk_warning(std::string_view filesystem) -> std::string {
  if (filesystem == "tmpfs" || filesystem == "ramfs")
    return fmt::format("a {} is memory, where fsync is free: these are not the figures of a disk "
                       "(--dir names one)",
                       filesystem);
  if (filesystem == "nfs")
    return "a data directory must not lie on a network file system (--dir names another)";
  return "";
}

auto real_bench_job(const std::string& server) -> bench_job {
  return [server](const std::string& work, const measure::work_options& given,
                  const measure::figures_sink& each) -> measure::outcome<void> {
    auto o = given;
    if (work == "disk") {
      o.targets = std::max<std::uint64_t>(o.targets / 100, 100);
      return measure::measure_disk(o, limits::bench_timed_within, each);
    }
    if (work == "import") return measure::measure_import(o, promotion_type::point, each);
    if (work == "publish") {
      measure::publish_options p;
      p.server = server;
      return measure::measure_publish(o, p, each);
    }
    if (work == "replay") return measure::measure_replay(o, each);
    o.targets = std::max<std::uint64_t>(o.targets / 10, 1'000);
    measure::command_options c;
    c.within = limits::bench_timed_within;
    return measure::measure_commands(o, c, each);
  };
}

auto run_bench(const context& ctx, const bench_request& request, const bench_job& job)
    -> exit_code {
  if (const auto why = why_not_bench_in(request.directory); !why.empty()) {
    ctx.complain(why);
    return exit_code::usage;
  }
  return bench{ctx, request, job}.run();
}

}  // namespace bestow::cli
