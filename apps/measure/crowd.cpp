#include "apps/measure/crowd.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <latch>
#include <mutex>
#include <optional>
#include <thread>

#include "apps/measure/world.hpp"
#include "apps/system/data_layout.hpp"
#include "events/codec.hpp"

namespace bestow::measure {
namespace {

using steady = std::chrono::steady_clock;

constexpr std::int64_t first_start = 3'786'912'000'000;  // 2090-01-01T00:00:00Z
constexpr std::int64_t start_step = 1'000;
/// Latencies of a client that have room beforehand: a crowd bounded by time names no real count.
constexpr std::uint64_t reserved_max = 1U << 16U;

/// What the clients share.
class errand {
 public:
  explicit errand(const crowd_plan& plan)
      : next_{plan.first}, end_{plan.first + plan.count}, within_{plan.within} {}

  void begin() { over_at_ = steady::now() + within_; }
  /// nullopt: nothing more is to be done. Each number is given once, without a hole.
  [[nodiscard]] auto take() -> std::optional<std::uint64_t> {
    if (failed_ || steady::now() > over_at_) return std::nullopt;
    const auto n = next_++;
    return n < end_ ? std::optional{n} : std::nullopt;
  }
  void fail(trouble why) {
    const std::scoped_lock lock{mutex_};
    if (!why_) why_ = std::move(why);
    failed_ = true;
  }
  [[nodiscard]] auto why() const -> const std::optional<trouble>& { return why_; }

 private:
  std::atomic<std::uint64_t> next_;
  const std::uint64_t end_;
  const std::chrono::milliseconds within_;
  steady::time_point over_at_;
  std::atomic<bool> failed_{false};
  std::mutex mutex_;
  std::optional<trouble> why_;  ///< Guarded by mutex_ while clients run.
};

/// Marks wish by wish; "" = good.
class wish_check {
 public:
  wish_check(std::uint64_t promotions, std::uint64_t count)
      : promotions_{promotions}, seen_(count, false) {}

  [[nodiscard]] auto take(const store::stored_event& e) -> std::string {
    const auto fact = decode_event<promotion_scheduled>(e.payload);
    if (!fact) return to_string(fact.error());
    const auto n = static_cast<std::uint64_t>((fact->start_at.value - first_start) / start_step);
    if (n >= seen_.size() || seen_[n]) return "a command stands in the log twice";
    if (e.stream.id != wished_promotion(n, promotions_).value)
      return "a command stands in another stream";
    seen_[n] = true;
    ++facts_;
    return "";
  }
  [[nodiscard]] auto finish() const -> std::string {
    if (facts_ == seen_.size()) return "";
    return fmt::format("{} commands were acknowledged, the log holds {}", seen_.size(), facts_);
  }

 private:
  std::uint64_t promotions_;
  std::vector<bool> seen_;
  std::uint64_t facts_{0};
};

}  // namespace

auto run_crowd(const crowd_plan& plan,
               const std::function<outcome<void>(unsigned, std::uint64_t)>& command)
    -> outcome<crowd_result> {
  std::vector<std::vector<float>> latencies(plan.clients);
  errand work{plan};
  std::latch ready{plan.clients};
  std::latch go{1};
  const auto serve = [&](unsigned client) {
    auto& mine = latencies[client];
    mine.reserve(std::min<std::uint64_t>(plan.count / plan.clients * 2, reserved_max));
    ready.count_down();
    go.wait();
    while (const auto n = work.take()) {
      const auto begun = steady::now();
      if (auto done = command(client, *n); !done) return work.fail(done.error());
      mine.push_back(std::chrono::duration<float, std::milli>(steady::now() - begun).count());
    }
  };
  crowd_result out;
  {
    std::vector<std::jthread> threads;
    for (unsigned c = 0; c < plan.clients; ++c) threads.emplace_back(serve, c);
    ready.wait();
    work.begin();
    const stopwatch watch{plan.server_pid};
    go.count_down();
    threads.clear();  // Joins.
    out.took = watch.read();
  }
  if (work.why()) return tl::unexpected<trouble>{*work.why()};
  for (const auto& l : latencies)
    out.milliseconds.insert(out.milliseconds.end(), l.begin(), l.end());
  return out;
}

auto wished_start(std::uint64_t n) -> timestamp {
  return timestamp{first_start + static_cast<std::int64_t>(n) * start_step};
}

auto wished_promotion(std::uint64_t n, std::uint64_t promotions) -> promotion_id {
  return promotion_id{n % promotions + 1};
}

auto check_wishes(const std::string& directory, std::uint64_t promotions, std::uint64_t count)
    -> outcome<void> {
  if (auto whole = check_chain(directory); !whole) return whole;
  store::log_options at;
  at.directory = apps::data_layout{directory}.log;
  at.read_only = true;
  const auto log = store::open_lmdb_log(at, 1);
  if (!log) return ended(log);
  wish_check check{promotions, count};
  std::string wrong;
  store::read_options options;
  options.types = {event_type::promotion_scheduled};
  const auto read = (*log)->read({}, options, [&](const store::stored_event& e) {
    wrong = check.take(e);
    return wrong.empty();
  });
  if (!read) return ended(read);
  if (wrong.empty()) wrong = check.finish();
  if (!wrong.empty()) return void_because(wrong);
  return {};
}

}  // namespace bestow::measure
