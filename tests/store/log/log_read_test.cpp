// What every log promises about reading: the memory log and the LMDB log alike.
#include <set>

#include "store/read_fact.hpp"
#include "tests/catch.hpp"
#include "tests/store/log/log_fixture.hpp"

namespace {

using namespace bestow;
using namespace bestow::testing;
using store::read_options;
using store::stored_event;

constexpr std::uint64_t appended = 300;

/// 300 events over 5 streams in frames of different sizes: odd positions run_started, even
/// promotion_created; the payload is the position as text, some of it padded.
template <class Subject>
void fill(Subject& subject) {
  std::vector<store::append_batch> group;
  for (std::uint64_t i = 1; i <= appended; ++i) {
    auto text = std::to_string(i);
    if (i % 10 == 0) text += std::string(9'000, '.');
    group.push_back(batch(stream(i % 5), (i - 1) / 5,
                          {event(text, i % 2 == 1 ? event_type::run_started
                                                  : event_type::promotion_created)}));
    if (i % 7 == 0 || i % 11 == 0 || i == appended) {
      const auto answers = subject.log().append_group(group, noon);
      REQUIRE(answers.has_value());
      for (const auto& answer : *answers) REQUIRE(answer.has_value());
      group.clear();
    }
  }
  REQUIRE(subject.log().head().frames > 10);
}

auto number_of(const seen_event& e) -> std::uint64_t { return std::stoull(text_of(e)); }

TEMPLATE_TEST_CASE("one fact is read by its position, and no other", "[contract]", memory_subject,
                   lmdb_subject, segments_subject) {
  TestType subject;
  fill(subject);
  std::uint64_t shown = 0;
  const auto read = [&](std::uint64_t at) {
    return store::read_fact(subject.log(), {at}, [&](const stored_event& e) {
      ++shown;
      CHECK(e.at == position{at});
    });
  };
  for (std::uint64_t at = 1; at <= appended; ++at) REQUIRE(read(at).value());
  CHECK(shown == appended);
  CHECK_FALSE(read(0).value());
  CHECK_FALSE(read(appended + 1).value());
  CHECK(shown == appended);
}

TEMPLATE_TEST_CASE("a read begins after any position and ends at the head", "[contract]",
                   memory_subject, lmdb_subject, segments_subject) {
  TestType subject;
  fill(subject);
  auto& log = subject.log();
  for (std::uint64_t after = 0; after <= appended; ++after) {
    const auto seen = read_all(log, {after});
    REQUIRE(seen.size() == appended - after);
    if (!seen.empty()) REQUIRE(number_of(seen.front()) == after + 1);
    if (!seen.empty()) REQUIRE(seen.back().at.value == appended);
  }
  const auto never = [](const stored_event&) { return false; };
  CHECK(log.read({appended}, {}, never).value() == position{appended});
  CHECK(log.read({appended + 9}, {}, never).value() == position{appended + 9});
}

TEMPLATE_TEST_CASE("a reader may stop at any event and go on from there", "[contract]",
                   memory_subject, lmdb_subject, segments_subject) {
  TestType subject;
  fill(subject);
  position at{};
  std::uint64_t next = 1;
  while (at.value < appended) {
    const auto stop_after = next + next % 4;
    const auto end = subject.log().read(at, {}, [&](const stored_event& e) {
      REQUIRE(e.at.value == next++);
      return e.at.value < stop_after;
    });
    REQUIRE(end.value().value == std::min(stop_after, appended));
    at = *end;
  }
}

TEMPLATE_TEST_CASE("a read can be limited in events and in bytes", "[contract]", memory_subject,
                   lmdb_subject, segments_subject) {
  TestType subject;
  fill(subject);
  auto& log = subject.log();
  std::uint64_t visited = 0;
  const auto count = [&](const stored_event&) { return ++visited, true; };
  CHECK(log.read({10}, {{}, 25}, count).value() == position{35});
  CHECK(visited == 25);
  CHECK(log.read({10}, {{}, 0}, count).value() == position{10});
  CHECK(visited == 25);

  // One byte stops at the end of the first frame, so the steps are the frames.
  position at{};
  std::uint64_t steps = 0;
  for (; at.value < appended; ++steps) {
    const auto end = log.read(at, {{}, ~0ULL, 1}, count);
    REQUIRE(end.value() > at);
    at = *end;
  }
  CHECK(steps == log.head().frames);
  CHECK(visited == 25 + appended);
}

TEMPLATE_TEST_CASE("a reader sees only the types it asked for, and how far it came", "[contract]",
                   memory_subject, lmdb_subject, segments_subject) {
  TestType subject;
  fill(subject);
  auto& log = subject.log();
  const auto odd = read_all(log, {}, {{event_type::run_started}});
  CHECK(odd.size() == appended / 2);
  for (const auto& e : odd) REQUIRE(e.at.value % 2 == 1);
  CHECK(read_all(log, {}, {{event_type::run_started, event_type::promotion_created}}).size() ==
        appended);
  const auto never = [](const stored_event&) { return false; };
  CHECK(log.read({}, {{event_type::stream_halted}}, never).value() == position{appended});
  std::uint64_t visited = 0;
  CHECK(log.read({}, {{event_type::promotion_created}, 3},
                 [&](const stored_event&) { return ++visited, true; })
            .value() == position{6});
  CHECK(visited == 3);
}

TEMPLATE_TEST_CASE("a stream is read from any version", "[contract]", memory_subject,
                   lmdb_subject, segments_subject) {
  TestType subject;
  fill(subject);
  auto& log = subject.log();
  const auto whole = read_all_of(log, stream(2));
  REQUIRE(whole.size() == appended / 5);
  for (std::uint64_t after = 0; after <= whole.size(); ++after) {
    const auto seen = read_all_of(log, stream(2), {after});
    REQUIRE(seen == std::vector(whole.begin() + static_cast<std::ptrdiff_t>(after), whole.end()));
  }
  for (std::size_t i = 0; i < whole.size(); ++i) {
    REQUIRE(whole[i].version.value == i + 1);
    REQUIRE(number_of(whole[i]) == whole[i].at.value);
  }
  const auto never = [](const stored_event&) { return false; };
  CHECK(log.read_stream(stream(2), {5}, {}, never).value() == stream_version{6});
  CHECK(log.read_stream(stream(2), {99}, {}, never).value() == stream_version{99});
  CHECK(log.read_stream(stream(77), {}, {}, never).value() == stream_version{0});
  CHECK(log.read_stream(stream(2), {}, {{event_type::stream_halted}}, never).value() ==
        stream_version{appended / 5});
  std::uint64_t visited = 0;
  CHECK(log.read_stream(stream(2), {4}, {{}, 3},
                        [&](const stored_event&) { return ++visited, true; })
            .value() == stream_version{7});
  CHECK(visited == 3);
}

TEMPLATE_TEST_CASE("streams are listed by aggregate in order of id and part", "[contract]",
                   memory_subject, lmdb_subject, segments_subject) {
  TestType subject;
  auto& log = subject.log();
  for (const std::uint64_t id : {300ULL, 2ULL, 1ULL << 60U, 7ULL}) {
    append(log, batch(stream_of(promotion_id{id}), 0, events(1)));
    for (const std::uint16_t part : {1, 0, 259})
      append(log, batch(stream_of(promotion_id{id}, partition_no{part}), 0, events(1)));
  }
  append(log, batch(delivery_stream_of(promotion_type::point), 0, events(1)));

  const auto promotions = log.streams(aggregate::promotion, 0, 100).value();
  REQUIRE(promotions.size() == 4);
  CHECK(promotions[0] == stream(2));
  CHECK(promotions[3] == stream(1ULL << 60U));
  const auto partitions = log.streams(aggregate::partition, 7, 100).value();
  REQUIRE(partitions.size() == 9);
  CHECK(std::ranges::is_sorted(partitions));
  CHECK(partitions.front() == stream_of(promotion_id{7}, partition_no{0}));
  CHECK(partitions[2] == stream_of(promotion_id{7}, partition_no{259}));
  CHECK(log.streams(aggregate::partition, 0, 5)->size() == 5);
  CHECK(log.streams(aggregate::delivery, 0, 5)->size() == 1);
}

TEMPLATE_TEST_CASE("every event of a frame has the frame's hash, and frames differ", "[contract]",
                   memory_subject, lmdb_subject, segments_subject) {
  TestType subject;
  fill(subject);
  auto& log = subject.log();
  std::set<sha256_digest> hashes;
  position at{};
  while (at.value < appended) {
    const auto end = log.read(at, {{}, ~0ULL, 1}, [](const stored_event&) { return true; }).value();
    const auto hash = log.frame_hash_at(end).value();
    for (auto p = at.value + 1; p <= end.value; ++p) REQUIRE(log.frame_hash_at({p}).value() == hash);
    hashes.insert(hash);
    at = end;
  }
  CHECK(hashes.size() == log.head().frames);
  CHECK(log.frame_hash_at({appended}).value() == log.head().frame_hash);
  CHECK_FALSE(log.frame_hash_at({appended + 1}).has_value());
}

TEMPLATE_TEST_CASE("sizes of an open log are told", "[contract]", memory_subject, lmdb_subject,
                   segments_subject) {
  TestType subject;
  fill(subject);
  const auto stat = store::stat_of(subject.log());
  REQUIRE(stat.has_value());
  CHECK(stat->log_id == subject.log().log_id());
  CHECK(stat->head.last == position{appended});
  CHECK(stat->stream_count == 5);
  CHECK(stat->payload_bytes > 9'000 * 30);
  CHECK(stat->file_bytes >= stat->payload_bytes);
  CHECK(stat->map_bytes > 0);
  CHECK(stat->first_recorded_at == noon);
  CHECK(stat->readers == 0);
  CHECK(stat->oldest_reader_lag == 0);
}

}  // namespace
