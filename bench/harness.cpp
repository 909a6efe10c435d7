#include "bench/harness.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace bestow::bench {
namespace {

auto to_number(std::string_view option, std::string_view text) -> std::uint64_t {
  std::uint64_t n = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (error != std::errc{} || end != text.data() + text.size()) {
    fmt::print(stderr, "{} wants a number, not '{}'\n", option, text);
    std::exit(2);
  }
  return n;
}

auto cpu_model() -> std::string {
  std::ifstream in{"/proc/cpuinfo"};
  for (std::string line; std::getline(in, line);)
    if (line.starts_with("model name")) return line.substr(line.find(':') + 2);
  return "unknown";
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
  std::filesystem::create_directories(a.directory);
  return a;
}

void give_up(const std::string& why) {
  fmt::print(stderr, "VOID: {}\n", why);
  std::fflush(nullptr);
  std::_Exit(1);  // Threads may still run; nothing they hold matters now.
}

auto work_of(const arguments& args) -> measure::work_options {
  measure::work_options o{args.directory, args.targets, args.repetitions, args.seed, {}};
  if (!args.perf_control.empty())
    o.see.measured = [fifo = args.perf_control](bool begins) {
      std::ofstream{fifo} << (begins ? "enable" : "disable") << std::endl;
    };
  return o;
}

report::report(std::string name, std::string fsync, const arguments& args)
    : label_{std::move(name), std::move(fsync), measure::filesystem_of(args.directory),
             args.targets, args.seed},
      args_{&args} {
  fmt::print("{}: {} targets, seed {}, {} repetitions; {}; {} cores, {}\n", label_.name,
             args.targets, args.seed, args.repetitions, label_.fsync, measure::core_count(),
             cpu_model());
  std::fflush(stdout);
}

void report::add(const figures& f) {
  const auto line = measure::json_line(label_, ++done_, f);
  for (const auto& [name, value] : f.entries()) {
    if (std::holds_alternative<std::string>(value)) continue;
    if (!series_.contains(name)) order_.push_back(name);
    const auto* n = std::get_if<std::uint64_t>(&value);
    series_[name].push_back(n != nullptr ? static_cast<double>(*n) : std::get<double>(value));
  }
  fmt::print("{}\n", line);
  std::fflush(stdout);
  if (!args_->json.empty()) std::ofstream{args_->json, std::ios::app} << line << '\n';
}

void report::summary() const {
  fmt::print("{:<44} {:>12} {:>12} {:>12}\n", label_.name, "min", "median", "max");
  for (const auto& name : order_) {
    const auto s = measure::spread_of(series_.at(name));
    fmt::print("  {:<42} {:>12} {:>12} {:>12}\n", name, short_number(s.min),
               short_number(s.median), short_number(s.max));
  }
}

scratch::scratch(const arguments& args, std::string_view name)
    : place_{must(measure::scratch::make(args.directory, name))} {}

}  // namespace bestow::bench
