#include "apps/cli/progress.hpp"

#include <fmt/format.h>

#include "apps/cli/printer.hpp"

namespace bestow::cli {

using std::chrono::steady_clock;
using namespace std::chrono_literals;

auto short_time(std::chrono::seconds s) -> std::string {
  const auto n = s.count();
  if (n < 60) return fmt::format("{} s", n);
  if (n < 3'600) return fmt::format("{}:{:02}", n / 60, n % 60);
  return fmt::format("{}:{:02}:{:02}", n / 3'600, n / 60 % 60, n % 60);
}

progress::progress(const context& ctx, std::string what, std::uint64_t total, std::string unit)
    : ctx_{ctx},
      what_{std::move(what)},
      total_{total},
      unit_{std::move(unit)},
      started_{steady_clock::now()},
      drawn_{started_} {}

auto progress::amount(std::uint64_t n) const -> std::string {
  if (unit_ != "B") return grouped(fmt::to_string(n)) + " " + unit_;
  return fmt::format("{:.1f} MiB", static_cast<double>(n) / (1 << 20));
}

void progress::update(std::uint64_t done) {
  const auto pace = ctx_.with.err_is_terminal ? 100ms : 3'000ms;
  if (ctx_.global.quiet || steady_clock::now() - drawn_ < pace) return;
  draw(done, false);
}

void progress::finish(std::uint64_t done) {
  const bool shown_already = !ctx_.with.err_is_terminal && shown_ == done;
  if (!ctx_.global.quiet && !shown_already) draw(done, true);
}

void progress::draw(std::uint64_t done, bool last) {
  drawn_ = steady_clock::now();
  shown_ = done;
  const auto seconds = std::chrono::duration<double>(drawn_ - started_).count();
  const auto rate = seconds > 0 ? static_cast<double>(done) / seconds : 0.0;
  std::string line = what_ + "  ";
  if (total_ > 0) {
    const auto share = std::min(1.0, static_cast<double>(done) / static_cast<double>(total_));
    constexpr std::size_t width = 24;
    const auto filled = static_cast<std::size_t>(share * width);
    if (ctx_.with.err_is_terminal)
      line += fmt::format("[{}{}] ", std::string(filled, '#'), std::string(width - filled, '.'));
    line += fmt::format("{:3.0f} %  ", share * 100);
  }
  line += fmt::format("{}  {}/s", amount(done), amount(static_cast<std::uint64_t>(rate)));
  if (total_ > done && rate > 0 && !last)
    line += "  " +
            short_time(std::chrono::seconds{
                static_cast<std::int64_t>(static_cast<double>(total_ - done) / rate)}) +
            " left";
  if (ctx_.with.err_is_terminal)
    ctx_.with.err << '\r' << line << "\x1b[K" << (last ? "\n" : "") << std::flush;
  else
    ctx_.with.err << line << std::endl;
}

}  // namespace bestow::cli
