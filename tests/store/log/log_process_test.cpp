// Several processes and one log: writers that are killed, readers beside a writer, readers that die.
#include "store/verify_child.hpp"
#include "tests/catch.hpp"
#include "tests/store/log/child_process.hpp"
#include "tests/store/log/log_fixture.hpp"

namespace {

using namespace bestow;
using namespace bestow::testing;

auto open_for(const std::string& directory, bool read_only,
              std::uint64_t segment_bytes = limits::log_segment_bytes_default)
    -> std::unique_ptr<store::event_log> {
  auto log = store::open_lmdb_log({directory, map_bytes, read_only, segment_bytes}, log_seed);
  BESTOW_ASSERT(log.has_value());
  return std::move(*log);
}

/// The payload of the event at a position: known without having seen it written.
auto payload_at(std::uint64_t at) -> std::string {
  return std::to_string(at) + std::string(at * 131 % 3'000, static_cast<char>('a' + at % 26));
}

/// Appends groups for ever and tells the head after each one that was acknowledged.
auto append_until_killed(const std::string& directory, std::uint64_t segment_bytes,
                         number_pipe& acks) -> int {
  acks.only_write();
  const auto log = open_for(directory, false, segment_bytes);
  for (;;) {
    const auto base = log->head().last.value;
    std::vector<store::append_batch> group;
    auto at = base;
    for (std::uint64_t s = 0; s < base % 5 + 1; ++s) {
      std::vector<encoded_event> some;
      for (std::uint64_t i = 0; i < s % 3 + 1; ++i) some.push_back(event(payload_at(++at)));
      group.push_back(batch(stream(s), log->version_of(stream(s))->value, std::move(some)));
    }
    const auto wall = timestamp{noon.value + static_cast<std::int64_t>(base) * 100};
    if (!log->append_group(group, wall)) return 1;
    acks.send(at);
  }
}

TEST_CASE("a writer killed at any moment loses nothing it acknowledged", "[contract]") {
  // One file; one for each group.
  const std::uint64_t segment_bytes =
      GENERATE(limits::log_segment_bytes_default, std::uint64_t{1});
  const temp_directory directory;
  seeded_randomness random{20260121};
  std::uint64_t acknowledged = 0;
  for (int kills = 0; kills < 20; ++kills) {
    number_pipe acks;
    child_process writer{[&] { return append_until_killed(directory.path(), segment_bytes, acks); }};
    acks.only_read();
    for (auto wanted = random.next() % 40; wanted-- > 0;) {
      const auto ack = acks.receive();
      REQUIRE(ack.has_value());
      acknowledged = *ack;
    }
    // Somewhere inside the commits that follow: an fsync takes from 0.2 to some milliseconds.
    const std::chrono::nanoseconds until{random.next() % 6'000'000};
    while (acks.ready_within(until) && kills % 2 == 0) {
      const auto ack = acks.receive();
      REQUIRE(ack.has_value());
      acknowledged = *ack;
      if (random.next() % 4 == 0) break;
    }
    writer.kill();
    REQUIRE(writer.wait() == -1);
    while (const auto ack = acks.receive()) acknowledged = *ack;

    // For writing: a writer killed while it created the log has left it to the next one.
    const auto log = open_for(directory.path(), false, segment_bytes);
    REQUIRE(log->head().last.value >= acknowledged);
    std::uint64_t at = 0;
    for (const auto& e : read_all(*log)) {
      REQUIRE(e.at.value == ++at);
      REQUIRE(text_of(e) == payload_at(at));
    }
    REQUIRE(at == log->head().last.value);
  }
  CHECK(acknowledged > 100);
  const auto report = store::verify_in_child(directory.path(), {}).value();
  CHECK(report.clean);
  CHECK(report.last.value >= acknowledged);
}

TEST_CASE("a read-only log follows the process that writes", "[contract]") {
  // Into segments that did not exist when it was opened, too.
  const std::uint64_t segment_bytes =
      GENERATE(limits::log_segment_bytes_default, std::uint64_t{1});
  const temp_directory directory;
  number_pipe orders;
  number_pipe done;
  child_process writer{[&] {
    orders.only_read();
    done.only_write();
    const auto log = open_for(directory.path(), false, segment_bytes);
    done.send(0);
    while (const auto count = orders.receive()) {
      const auto version = log->version_of(stream(1))->value;
      append(*log, batch(stream(1), version, events(*count, "beside")));
      done.send(log->head().last.value);
    }
    return 0;
  }};
  orders.only_write();
  done.only_read();
  REQUIRE(done.receive() == 0U);
  const auto reader = open_for(directory.path(), true);
  CHECK(reader->head().last == position{0});
  position at{};
  for (const std::uint64_t count : {3U, 1U, 400U}) {
    orders.send(count);
    REQUIRE(done.receive() == at.value + count);
    CHECK(reader->head().last.value == at.value + count);
    CHECK(reader->head().frame_hash == reader->frame_hash_at(reader->head().last).value());
    CHECK(read_all(*reader, at).size() == count);
    CHECK(reader->version_of(stream(1))->value == at.value + count);
    at = reader->head().last;
    const auto report = store::verify_in_child(directory.path(), {}).value();
    CHECK(report.clean);
    CHECK(report.last == at);
  }
  const auto what = batch(stream(1), at.value, events(1));
  CHECK_FALSE(reader->append_group({&what, 1}, noon).has_value());
  orders.only_read();  // Closes the writing end: the writer ends.
  CHECK(writer.wait() == 0);
}

TEST_CASE("a reader that died is noticed and no longer pins pages", "[contract]") {
  const temp_directory directory;
  number_pipe orders;
  number_pipe reading;
  child_process reader{[&] {
    orders.only_read();
    reading.only_write();
    if (!orders.receive()) return 1;
    const auto log = open_for(directory.path(), true);
    const auto stay = [&](const store::stored_event&) {
      reading.send(1);
      return orders.receive().has_value();  // Never comes: killed inside its read.
    };
    return log->read({}, {}, stay).has_value() ? 0 : 2;
  }};
  orders.only_write();
  reading.only_read();
  const auto log = open_for(directory.path(), false);
  const auto append_at = [&](std::int64_t ms) {
    append(*log, batch(stream(1), log->version_of(stream(1))->value, events(1)),
           {noon.value + ms});
  };
  append_at(0);
  orders.send(1);
  REQUIRE(reading.receive() == 1U);
  for (int i = 1; i <= 5; ++i) append_at(i);
  auto stat = store::stat_of(*log).value();
  CHECK(stat.readers == 1);
  CHECK(stat.oldest_reader_lag >= 5);
  reader.kill();
  reader.wait();
  CHECK(store::stat_of(*log)->oldest_reader_lag >= 5);
  append_at(2'000);  // A second later the writer keeps house.
  stat = store::stat_of(*log).value();
  CHECK(stat.readers == 0);
  CHECK(stat.oldest_reader_lag == 0);
}

}  // namespace
