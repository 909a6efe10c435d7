// What every log promises about appending: the memory log and the LMDB log alike.
#include <array>

#include "events/limits.hpp"
#include "tests/catch.hpp"
#include "tests/store/log/log_fixture.hpp"

namespace {

using namespace bestow;
using namespace bestow::testing;
using store::append_batch;

template <class Range>
auto group_of(store::event_log& log, const Range& group, timestamp wall = noon)
    -> std::vector<store::append_answer> {
  auto answers = log.append_group(group, wall);
  REQUIRE(answers.has_value());
  REQUIRE(answers->size() == group.size());
  return std::move(*answers);
}

TEMPLATE_TEST_CASE("an empty log has no head, no stream and nothing to read", "[contract]",
                   memory_subject, lmdb_subject, segments_subject) {
  TestType subject;
  auto& log = subject.log();
  CHECK(log.head().last == position{0});
  CHECK(log.head().frame_hash == sha256_digest{});
  CHECK(log.head().frames == 0);
  CHECK(log.log_id().size() == 32);
  CHECK(log.version_of(stream(1)).value() == stream_version{0});
  CHECK(read_all(log).empty());
  CHECK(read_all_of(log, stream(1)).empty());
  CHECK(log.streams(aggregate::promotion, 0, 10)->empty());
  CHECK(log.frame_hash_at({0}).value() == sha256_digest{});
  CHECK_FALSE(log.frame_hash_at({1}).has_value());
}

TEMPLATE_TEST_CASE("what was appended is read back as it was", "[contract]", memory_subject,
                   lmdb_subject, segments_subject) {
  TestType subject;
  auto& log = subject.log();
  auto first = event("first", event_type::run_started);
  first.metadata = {"kim", "key-1", 99};
  const auto receipt = append(log, batch(stream(1), 0, {first, event("second")}));
  CHECK(receipt.first == position{1});
  CHECK(receipt.last == position{2});
  CHECK(receipt.version == stream_version{2});
  CHECK(receipt.recorded_at == noon);
  const auto seen = read_all(log);
  REQUIRE(seen.size() == 2);
  CHECK(seen[0].at == position{1});
  CHECK(seen[0].stream == stream(1));
  CHECK(seen[0].version == stream_version{1});
  CHECK(seen[0].type == event_type::run_started);
  CHECK(decode_metadata(seen[0].metadata).value() == first.metadata);
  CHECK(text_of(seen[0]) == "first");
  CHECK(seen[0].wall_at == noon);
  CHECK(seen[1].at == position{2});
  CHECK(seen[1].version == stream_version{2});
  CHECK(seen[1].metadata.empty());
  CHECK(text_of(seen[1]) == "second");
}

TEMPLATE_TEST_CASE("a version conflict is answered alone and the others are committed",
                   "[contract]", memory_subject, lmdb_subject, segments_subject) {
  TestType subject;
  auto& log = subject.log();
  const auto answers = group_of(log, std::array{batch(stream(1), 0, events(1, "a")),
                                                batch(stream(2), 5, events(1, "never")),
                                                batch(stream(3), 0, events(2, "c"))});
  REQUIRE(answers[0].has_value());
  REQUIRE_FALSE(answers[1].has_value());
  CHECK(answers[1].error().code == fault_code::version_conflict);
  CHECK(answers[1].error().action == fault_action::decide_again);
  REQUIRE(answers[2].has_value());
  CHECK(answers[2]->first == position{2});
  CHECK(log.head().last == position{3});
  CHECK(log.version_of(stream(2)).value() == stream_version{0});
  for (const auto& e : read_all(log)) CHECK(text_of(e) != "never");
}

TEMPLATE_TEST_CASE("an empty batch is checked and answered with the head it rests on",
                   "[contract]", memory_subject, lmdb_subject, segments_subject) {
  TestType subject;
  auto& log = subject.log();
  append(log, batch(stream(1), 0, events(3)));
  const auto answers = group_of(
      log, std::array{batch(stream(1), 3, {}), batch(stream(1), 2, {}),
                      batch(stream(2), 0, events(2)), batch(stream(2), 2, {})},
      {noon.value + 5});
  REQUIRE(answers[0].has_value());
  CHECK(answers[0]->first == position{3});
  CHECK(answers[0]->last == position{3});
  CHECK(answers[0]->version == stream_version{3});
  CHECK(answers[0]->recorded_at == noon);
  REQUIRE_FALSE(answers[1].has_value());
  CHECK(answers[1].error().code == fault_code::version_conflict);
  REQUIRE(answers[3].has_value());
  CHECK(answers[3]->last == position{5});
  CHECK(answers[3]->recorded_at == timestamp{noon.value + 5});

  const auto before = log.head();
  const auto alone = group_of(log, std::array{batch(stream(9), 0, {})});
  CHECK(alone[0]->last == before.last);
  CHECK(log.head().frames == before.frames);
  CHECK(log.streams(aggregate::promotion, 9, 1)->empty());
}

TEMPLATE_TEST_CASE("batches for one stream are checked in the order of the group", "[contract]",
                   memory_subject, lmdb_subject, segments_subject) {
  TestType subject;
  auto& log = subject.log();
  const auto answers = group_of(log, std::array{batch(stream(1), 0, events(1, "one")),
                                                batch(stream(1), 0, events(1, "lost")),
                                                batch(stream(1), 1, events(1, "two")),
                                                batch(stream(1), 2, events(1, "three"))});
  CHECK(answers[0].has_value());
  CHECK_FALSE(answers[1].has_value());
  CHECK(answers[2].has_value());
  REQUIRE(answers[3].has_value());
  CHECK(answers[3]->version == stream_version{3});
  const auto seen = read_all_of(log, stream(1));
  REQUIRE(seen.size() == 3);
  CHECK(text_of(seen[2]) == "three");
}

TEMPLATE_TEST_CASE("an append above a bound is refused alone and leaves nothing behind",
                   "[contract]", memory_subject, lmdb_subject, segments_subject) {
  TestType subject;
  auto& log = subject.log();
  const std::string long_text(limits::append_bytes_max, 'x');
  const auto answers = group_of(
      log, std::array{batch(stream(1), 0, events(1, long_text)),
                      batch(stream(1), 0, events(limits::append_events_max + 1)),
                      batch(stream(1), 0, events(limits::append_events_max))});
  for (const auto i : {0, 1}) {
    REQUIRE_FALSE(answers[i].has_value());
    CHECK(answers[i].error().action == fault_action::call_operator);
  }
  CHECK(answers[2].has_value());
  CHECK(log.head().last == position{limits::append_events_max});

  const std::vector<append_batch> many(limits::group_appends_max + 1, batch(stream(5), 0, {}));
  CHECK_FALSE(log.append_group(many, noon).has_value());
  CHECK(log.append_group({many.data(), limits::group_appends_max}, noon).has_value());
}

TEMPLATE_TEST_CASE("small appends share a frame and a large one has its own", "[contract]",
                   memory_subject, lmdb_subject, segments_subject) {
  TestType subject;
  auto& log = subject.log();
  std::vector<append_batch> small;
  for (std::uint64_t i = 1; i <= 1'000; ++i) small.push_back(batch(stream(i), 0, events(1, "abc")));
  group_of(log, small);
  CHECK(log.head().frames == 1);
  const std::string text(100'000, 'y');
  group_of(log, std::array{batch(stream(1), 1, events(1, "abc")),
                           batch(stream(2), 1, events(1, text)),
                           batch(stream(3), 1, events(1, "abc"))});
  CHECK(log.head().frames == 4);
  // The largest append the bounds allow fits into one frame.
  const std::string largest(limits::append_bytes_max - 32, 'z');
  append(log, batch(stream(4), 1, events(1, largest)));
  CHECK(log.head().frames == 5);
  CHECK(text_of(read_all_of(log, stream(4), {1}).at(0)) == largest);
}

TEMPLATE_TEST_CASE("positions and versions have no gap, whatever the groups", "[contract]",
                   memory_subject, lmdb_subject, segments_subject) {
  TestType subject;
  auto& log = subject.log();
  std::array<std::uint64_t, 7> versions{};
  seeded_randomness random{11};
  for (int round = 0; round < 60; ++round) {
    std::vector<append_batch> group;
    for (auto n = random.next() % 9; n-- > 0;) {
      const auto s = random.next() % versions.size();
      const auto count = random.next() % 5;
      const bool wrong = random.next() % 4 == 0;
      group.push_back(batch(stream(s), versions[s] + (wrong ? 1 : 0),
                            events(count, std::string(random.next() % 3'000, 'p'))));
      if (!wrong) versions[s] += count;
    }
    group_of(log, group);
  }
  std::array<std::uint64_t, 7> seen{};
  std::uint64_t last = 0;
  for (const auto& e : read_all(log)) {
    REQUIRE(e.at.value == ++last);
    REQUIRE(e.version.value == ++seen[e.stream.id]);
  }
  CHECK(seen == versions);
  CHECK(log.head().last.value == last);
  for (std::uint64_t s = 0; s < versions.size(); ++s)
    CHECK(log.version_of(stream(s))->value == versions[s]);
}

TEMPLATE_TEST_CASE("recorded time never goes back when the wall clock does", "[contract]",
                   memory_subject, lmdb_subject, segments_subject) {
  TestType subject;
  auto& log = subject.log();
  append(log, batch(stream(1), 0, events(1)), noon);
  const timestamp earlier{noon.value - 7'200'000};
  CHECK(append(log, batch(stream(1), 1, events(1)), earlier).recorded_at == noon);
  const auto seen = read_all(log);
  CHECK(seen[1].recorded_at == noon);
  CHECK(seen[1].wall_at == earlier);
  CHECK(log.head().recorded_at == noon);
}

TEMPLATE_TEST_CASE("a log opened again holds the same content and goes on", "[contract]",
                   memory_subject, lmdb_subject, segments_subject) {
  TestType subject;
  {
    auto& log = subject.log();
    for (std::uint64_t i = 0; i < 40; ++i)
      append(log, batch(stream(i % 3), i / 3, events(1, std::string(i * 100, 'r'))));
  }
  const auto before = read_all(subject.log());
  const auto head = subject.log().head();
  const auto id = subject.log().log_id();
  auto& log = subject.restart();
  CHECK(read_all(log) == before);
  CHECK(log.head().last == head.last);
  CHECK(log.head().frame_hash == head.frame_hash);
  CHECK(log.head().frames == head.frames);
  CHECK(log.head().recorded_at == head.recorded_at);
  CHECK(log.log_id() == id);
  CHECK(append(log, batch(stream(0), 14, events(1))).first == position{41});
  CHECK(log.reopen().has_value());
  CHECK(log.head().last == position{41});
}

TEMPLATE_TEST_CASE("all logs make the same frames, hashes and answers", "[contract]", lmdb_subject,
                   segments_subject) {
  memory_subject memory;
  TestType lmdb;
  for (std::uint64_t i = 0; i < 50; ++i) {
    const auto group = std::array{batch(stream(i % 4), i / 4, events(i % 4 + 1, "same")),
                                  batch(stream(99), i, events(1, std::string(i * 97, 'q')))};
    const timestamp wall{noon.value + static_cast<std::int64_t>(i * 37 % 11)};
    const auto a = memory.log().append_group(group, wall);
    const auto b = lmdb.log().append_group(group, wall);
    REQUIRE(a.has_value());
    REQUIRE(b.has_value());
    for (std::size_t k = 0; k < group.size(); ++k) {
      REQUIRE((*a)[k].has_value() == (*b)[k].has_value());
      if ((*a)[k]) REQUIRE((*a)[k]->last == (*b)[k]->last);
    }
    REQUIRE(memory.log().head().frame_hash == lmdb.log().head().frame_hash);
  }
  CHECK(read_all(memory.log()) == read_all(lmdb.log()));
  CHECK(memory.log().log_id() == lmdb.log().log_id());
}

}  // namespace
