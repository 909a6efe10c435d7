#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <thread>

#include "bench/peers/postgres_client.hpp"
#include "bench/peers/postgres_targets.hpp"
#include "apps/measure/publishing.hpp"
#include "bus/grant_wire.hpp"

namespace bestow::bench {
namespace {

constexpr std::uint64_t chunk_rows = 1'000;
constexpr auto ack_within = std::chrono::seconds{60};

/// Half of each page stays free, so that the new version of a row fits beside the old one and no
/// index is touched: the faster choice here.
constexpr const char* table =
    "CREATE TABLE outbox ("
    "point_target_id bigint PRIMARY KEY,"
    "customer_uid bigint NOT NULL UNIQUE,"
    "amount bigint CHECK (amount > 0),"
    "reason text,"
    "status text NOT NULL DEFAULT 'PENDING') WITH (fillfactor = 45)";

/// A chunk on its way from the table to the table.
struct sent_chunk {
  std::uint64_t first_id{0};
  std::uint64_t last_id{0};
  std::uint64_t rows{0};
  std::uint64_t last_seq{0};
};

class outbox {
 public:
  outbox(const postgres_server& server, bus::message_bus& bus, const outbox_options& options)
      : reader_{server}, writer_{server}, bus_{&bus}, o_{&options}, encoder_{release_of(options)} {
    reader_.prepare("pending",
                    fmt::format("SELECT point_target_id, customer_uid, amount, reason FROM outbox "
                                "WHERE point_target_id > $1 AND status = 'PENDING' "
                                "ORDER BY point_target_id LIMIT {}",
                                chunk_rows));
    writer_.prepare("published",
                    "UPDATE outbox SET status = 'PUBLISHED' "
                    "WHERE point_target_id BETWEEN $1 AND $2 AND status = 'PENDING'");
    bus.on_chunk_ack([this](const bus::chunk_ack& a) { take(a); });
  }

  void run() {
    std::jthread writer{[this] { record(); }};
    std::uint64_t last_id = 0;
    while (auto chunk = send_after(last_id)) {
      last_id = chunk->last_id;
      std::unique_lock lock{mutex_};
      in_flight_.push_back(*chunk);
      moved_.notify_all();
      moved_.wait(lock, [&] { return in_flight_.size() < o_->chunks_in_flight; });
    }
    const std::scoped_lock lock{mutex_};
    all_sent_ = true;
    moved_.notify_all();
  }

 private:
  static auto release_of(const outbox_options& o) -> targets_released {
    targets_released r;
    r.promotion = promotion_id{1};
    r.topic = o.topic;
    r.sent_at = timestamp{1'768'959'000'000};
    return r;
  }

  /// Reads the next chunk behind an id and sends it; nullopt: nothing is pending there.
  auto send_after(std::uint64_t last_id) -> std::optional<sent_chunk> {
    const std::array parameters{fmt::to_string(last_id)};
    const auto rows = reader_.execute("pending", parameters);
    if (rows.count() == 0) return std::nullopt;
    bus::outgoing_chunk chunk;
    chunk.subject = encoder_.subject();
    chunk.event_type = encoder_.event_type();
    chunk.buffer.reserve(static_cast<std::size_t>(rows.count()) * 400);
    for (int i = 0; i < rows.count(); ++i) {
      append(chunk.buffer, rows, i);
      chunk.ends.push_back(static_cast<std::uint32_t>(chunk.buffer.size()));
    }
    sent_chunk out{rows.number(0, 0), rows.number(rows.count() - 1, 0), chunk.size(),
                   sent_ + chunk.size()};
    must(bus_->publish_chunk(chunk, 0, sent_, out.last_seq, {}));
    sent_ = out.last_seq;
    return out;
  }

  void append(std::string& out, const postgres_rows& rows, int i) const {
    bus::grant_fields f;
    f.id = target_id{rows.number(i, 0)};
    f.customer = customer_uid{rows.number(i, 1)};
    const auto amount = rows.is_null(i, 2) ? measure::default_amount : rows.number(i, 2);
    f.amount = money_minor{static_cast<std::int64_t>(amount)};
    f.expiry = defaults_.default_expiry_at;
    f.reason = rows.is_null(i, 3) ? std::string_view{defaults_.default_reason} : rows.text(i, 3);
    encoder_.append(out, f);
  }

  void take(const bus::chunk_ack& a) {
    const std::scoped_lock lock{mutex_};
    require(a.error_code == 0 && a.seq == a.token, "a chunk of the outbox was refused");
    acked_ = std::max(acked_, a.seq);
    moved_.notify_all();
  }

  /// The oldest chunk that is acknowledged; nullopt: all are recorded.
  auto next_acked() -> std::optional<sent_chunk> {
    std::unique_lock lock{mutex_};
    moved_.wait(lock, [&] { return all_sent_ || !in_flight_.empty(); });
    if (in_flight_.empty()) return std::nullopt;
    const auto oldest = in_flight_.front();
    require(moved_.wait_for(lock, ack_within, [&] { return acked_ >= oldest.last_seq; }),
            "a chunk of the outbox was not acknowledged");
    return oldest;
  }

  void record() {
    while (const auto chunk = next_acked()) {
      const std::array ids{fmt::to_string(chunk->first_id), fmt::to_string(chunk->last_id)};
      require(writer_.execute("published", ids).written() == chunk->rows,
              "an UPDATE of the outbox missed rows");
      const std::scoped_lock lock{mutex_};
      in_flight_.pop_front();
      moved_.notify_all();
    }
  }

  postgres_client reader_;
  postgres_client writer_;
  bus::message_bus* bus_;
  const outbox_options* o_;
  bus::grant_encoder encoder_;
  promotion_created defaults_{measure::make_promotion(promotion_type::point, 1)};
  std::uint64_t sent_{0};
  std::mutex mutex_;
  std::condition_variable moved_;
  std::deque<sent_chunk> in_flight_;  ///< Guarded by mutex_, as the two below.
  std::uint64_t acked_{0};
  bool all_sent_{false};
};

void fill(postgres_client& client, const measure::target_input& in) {
  client.run("DROP TABLE IF EXISTS outbox");
  client.run(table);
  const auto names = in.csv.substr(0, in.csv.find('\n'));
  const auto sql = fmt::format("COPY outbox ({}) FROM STDIN (FORMAT csv, HEADER true)", names);
  require(client.copy_in(sql, in.csv) == in.count, "the outbox holds another count");
  client.run("VACUUM (ANALYZE) outbox");
  client.run("CHECKPOINT");
}

}  // namespace

auto publish_outbox(const postgres_server& server, const measure::target_input& in,
                    const outbox_options& options) -> elapsed {
  postgres_client keeper{server};
  fill(keeper, in);
  const auto bus = must(bus::connect_nats(options.broker));
  bus::stream_config config;
  config.name = options.stream;
  config.subjects = {options.topic + ".>"};
  must(bus->ensure_stream(config));
  elapsed took;
  {
    outbox work{server, *bus, options};
    const postgres_stopwatch watch{server, options.broker_pid};
    work.run();
    took = watch.read();
  }
  const auto rows = keeper.run(fmt::format(
      "SELECT count(*), sum(coalesce(amount, {})) FROM outbox WHERE status = 'PUBLISHED'",
      measure::default_amount));
  require(rows.number(0, 0) == in.count && rows.number(0, 1) == in.amount,
          "the outbox is not all published");
  static_cast<void>(must(measure::check_stream(*bus, options.stream, 1, in)));
  return took;
}

}  // namespace bestow::bench
