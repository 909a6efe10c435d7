#include "bench/harness.hpp"

#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace bestow::bench {
namespace {

auto seconds_now() -> double {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

auto to_number(std::string_view option, std::string_view text) -> std::uint64_t {
  std::uint64_t n = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (error != std::errc{} || end != text.data() + text.size()) {
    fmt::print(stderr, "{} wants a number, not '{}'\n", option, text);
    std::exit(2);
  }
  return n;
}

auto first_line(const std::string& path) -> std::string {
  std::ifstream in{path};
  std::string line;
  std::getline(in, line);
  return line;
}

auto load_average() -> double {
  double one = 0;
  return getloadavg(&one, 1) == 1 ? one : 0;
}

auto cpu_model() -> std::string {
  std::ifstream in{"/proc/cpuinfo"};
  for (std::string line; std::getline(in, line);)
    if (line.starts_with("model name")) return line.substr(line.find(':') + 2);
  return "unknown";
}

auto to_json(const figures::value& v) -> std::string {
  if (const auto* n = std::get_if<std::uint64_t>(&v)) return fmt::to_string(*n);
  if (const auto* d = std::get_if<double>(&v)) return fmt::format("{:.6g}", *d);
  return fmt::format("\"{}\"", std::get<std::string>(v));
}

auto short_number(double v) -> std::string {
  if (v >= 1e6) return fmt::format("{:.3f} M", v / 1e6);
  if (v >= 1e4) return fmt::format("{:.1f} k", v / 1e3);
  return fmt::format("{:.4g}", v);
}

}  // namespace

auto arguments::get(std::string_view name, std::string fallback) const -> std::string {
  const auto it = own.find(name);
  return it == own.end() ? std::move(fallback) : it->second;
}

auto read_arguments(int argc, char** argv, std::uint64_t targets,
                    const std::vector<std::string>& own) -> arguments {
  arguments a;
  a.targets = targets;
  for (int i = 1; i < argc; i += 2) {
    const std::string option = argv[i];
    const std::string name = option.starts_with("--") ? option.substr(2) : "";
    const bool known = std::ranges::find(own, name) != own.end();
    if (i + 1 == argc) {
      fmt::print(stderr, "{} wants a value\n", option);
      std::exit(2);
    }
    const std::string text = argv[i + 1];
    if (name == "targets") {
      a.targets = to_number(option, text);
    } else if (name == "repetitions") {
      a.repetitions = static_cast<unsigned>(to_number(option, text));
    } else if (name == "seed") {
      a.seed = to_number(option, text);
    } else if (name == "dir") {
      a.directory = text;
    } else if (name == "json") {
      a.json = text;
    } else if (name == "perf-control") {
      a.perf_control = text;
    } else if (known) {
      a.own[name] = text;
    } else {
      fmt::print(stderr, "{} is no option; there are --targets --repetitions --seed --dir --json --perf-control",
                 option);
      for (const auto& o : own) fmt::print(stderr, " --{}", o);
      fmt::print(stderr, "\n");
      std::exit(2);
    }
  }
  if (a.directory.empty()) a.directory = std::filesystem::temp_directory_path().string();
  return a;
}

void give_up(const std::string& why) {
  fmt::print(stderr, "VOID: {}\n", why);
  std::fflush(nullptr);
  std::_Exit(1);  // Threads may still run; nothing they hold matters now.
}

auto text_of(const actors::trouble& t) -> std::string {
  if (const auto* no = std::get_if<domain::refusal>(&t))
    return fmt::format("refused: {}, {}", domain::name_of(no->why), no->detail);
  return to_string(std::get<fault>(t));
}

auto own_cpu_seconds() -> double {
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6;
  };
  return seconds(used.ru_utime) + seconds(used.ru_stime);
}

auto cpu_seconds_of(int pid) -> double {
  const auto line = first_line(fmt::format("/proc/{}/stat", pid));
  const auto name_end = line.rfind(')');
  if (name_end == std::string::npos) return 0;
  std::istringstream rest{line.substr(name_end + 2)};
  std::string skipped;
  for (int i = 0; i < 11; ++i) rest >> skipped;  // Fields 3 to 13; then utime and stime.
  double user = 0;
  double system = 0;
  rest >> user >> system;
  return (user + system) / static_cast<double>(sysconf(_SC_CLK_TCK));
}

auto anonymous_bytes(int pid) -> std::uint64_t {
  std::ifstream in{pid == 0 ? std::string{"/proc/self/status"}
                            : fmt::format("/proc/{}/status", pid)};
  for (std::string line; std::getline(in, line);)
    if (line.starts_with("RssAnon:")) return std::stoull(line.substr(8)) * 1024;
  return 0;
}

stopwatch::stopwatch(int server_pid) : server_pid_{server_pid} {
  at_start_.cpu_seconds = own_cpu_seconds();
  at_start_.server_cpu_seconds = server_pid == 0 ? 0 : cpu_seconds_of(server_pid);
  started_ = seconds_now();
}

auto stopwatch::read() const -> elapsed {
  elapsed e;
  e.seconds = seconds_now() - started_;
  e.cpu_seconds = own_cpu_seconds() - at_start_.cpu_seconds;
  if (server_pid_ != 0)
    e.server_cpu_seconds = cpu_seconds_of(server_pid_) - at_start_.server_cpu_seconds;
  return e;
}

recorded::recorded(const arguments& args) : fifo_{args.perf_control} { tell("enable"); }
recorded::~recorded() { tell("disable"); }

void recorded::tell(std::string_view command) const {
  if (!fifo_.empty()) std::ofstream{fifo_} << command << std::endl;
}

report::report(std::string name, std::string fsync, const arguments& args)
    : name_{std::move(name)}, fsync_{std::move(fsync)}, args_{&args} {
  fmt::print("{}: {} targets, seed {}, {} repetitions; {}; {} cores, {}\n", name_, args.targets,
             args.seed, args.repetitions, fsync_, sysconf(_SC_NPROCESSORS_ONLN), cpu_model());
  std::fflush(stdout);
}

void report::add(const figures& f) {
  std::string line = fmt::format(
      R"({{"bench":"{}","repetition":{},"targets":{},"seed":{},"fsync":"{}","cores":{},)"
      R"("load_average":{:.1f},"at":{})",
      name_, ++done_, args_->targets, args_->seed, fsync_, sysconf(_SC_NPROCESSORS_ONLN),
      load_average(), std::chrono::duration_cast<std::chrono::seconds>(
                          std::chrono::system_clock::now().time_since_epoch())
                          .count());
  for (const auto& [name, value] : f.entries()) {
    line += fmt::format(R"(,"{}":{})", name, to_json(value));
    if (std::holds_alternative<std::string>(value)) continue;
    if (!series_.contains(name)) order_.push_back(name);
    const auto* n = std::get_if<std::uint64_t>(&value);
    series_[name].push_back(n != nullptr ? static_cast<double>(*n) : std::get<double>(value));
  }
  line += "}";
  fmt::print("{}\n", line);
  std::fflush(stdout);
  if (!args_->json.empty()) std::ofstream{args_->json, std::ios::app} << line << '\n';
}

void report::summary() const {
  fmt::print("{:<44} {:>12} {:>12} {:>12}\n", name_, "min", "median", "max");
  for (const auto& name : order_) {
    auto values = series_.at(name);
    std::ranges::sort(values);
    fmt::print("  {:<42} {:>12} {:>12} {:>12}\n", name, short_number(values.front()),
               short_number(values[values.size() / 2]), short_number(values.back()));
  }
}

scratch::scratch(const arguments& args, std::string_view name) {
  std::filesystem::create_directories(args.directory);
  auto pattern = fmt::format("{}/bestow-{}-XXXXXX", args.directory, name);
  if (mkdtemp(pattern.data()) == nullptr) give_up("cannot make " + pattern);
  path_ = pattern;
}

scratch::~scratch() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace bestow::bench
