// Damage to the log's file: every flipped bit is found with its position, or changes nothing.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <map>
#include <type_traits>

#include <fmt/format.h>

#include "store/bytes.hpp"
#include "store/frame.hpp"
#include "store/log_files.hpp"
#include "store/verify_child.hpp"
#include "tests/catch.hpp"
#include "tests/store/log/log_fixture.hpp"

namespace {

using namespace bestow;
using namespace bestow::testing;

/// A closed log of small and large frames over many streams. The files are taken end to end.
template <class Subject>
class damaged_log {
 public:
  damaged_log() {
    auto& log = subject_.log();
    for (std::uint64_t round = 0; round < 60; ++round) {
      std::vector<store::append_batch> group;
      for (std::uint64_t s = 0; s < round % 7 * 8 + 1; ++s)
        group.push_back(batch(stream(s), versions_[s]++,
                              events(1, std::string(round * 97 % 900, static_cast<char>(round)))));
      BESTOW_ASSERT(log.append_group(group, {noon.value + static_cast<std::int64_t>(round)})
                        .has_value());
    }
    content_ = read_all(log);
    subject_.close();
    files_ = store::list_log_files(subject_.directory()).value();
    std::string text;
    for (const auto& segment : files_) {
      std::ifstream file{segment.path, std::ios::binary};
      begins_.push_back(text.size());
      text.append(std::istreambuf_iterator<char>{file}, {});
    }
    bytes_ = bytes_of(text);
  }

  [[nodiscard]] auto directory() const -> const std::string& { return subject_.directory(); }
  [[nodiscard]] auto files() const -> std::size_t { return files_.size(); }
  [[nodiscard]] auto bytes() const -> const std::vector<std::byte>& { return bytes_; }

  struct finding {
    store::verify_report report;
    bool content_equal{false};
  };
  /// Flips one bit, verifies, looks at the content when that says clean, and mends the bit.
  [[nodiscard]] auto flip(std::size_t bit) const -> finding {
    write(bit / 8, bytes_[bit / 8] ^ static_cast<std::byte>(1U << (bit % 8)));
    finding out{store::verify_in_child(directory(), {}).value(), false};
    if (out.report.clean) {
      const auto log = store::open_lmdb_log({directory(), map_bytes, true}, log_seed);
      out.content_equal = log.has_value() && read_all(**log) == content_;
    }
    write(bit / 8, bytes_[bit / 8]);
    return out;
  }

 private:
  void write(std::size_t at, std::byte value) const {
    const auto next = std::ranges::upper_bound(begins_, at);
    const auto which = static_cast<std::size_t>(next - begins_.begin()) - 1;
    const int fd = ::open(files_[which].path.c_str(), O_WRONLY | O_CLOEXEC);
    BESTOW_ASSERT(fd >= 0 &&
                  ::pwrite(fd, &value, 1, static_cast<off_t>(at - begins_[which])) == 1);
    ::close(fd);
  }

  Subject subject_;
  std::vector<store::log_file> files_;
  std::vector<std::size_t> begins_;
  std::map<std::uint64_t, std::uint64_t> versions_;
  std::vector<seen_event> content_;
  std::vector<std::byte> bytes_;
};

/// Some ten files.
using some_segments_subject = lmdb_files_subject<150'000>;

TEMPLATE_TEST_CASE("a flipped bit anywhere in a file is found with its position or changes nothing",
                   "[contract]", lmdb_subject, some_segments_subject) {
  const damaged_log<TestType> log;
  seeded_randomness random{99};
  unsigned found = 0;
  unsigned harmless = 0;
  for (int i = 0; i < 350; ++i) {
    const auto bit = random.next() % (log.bytes().size() * 8);
    const auto finding = log.flip(bit);
    INFO(fmt::format("bit {} of byte {}: {}", bit % 8, bit / 8, finding.report.problem));
    if (finding.report.clean) {
      REQUIRE(finding.content_equal);
      ++harmless;
      continue;
    }
    ++found;
    REQUIRE(finding.report.bad_at.value > 0);
    REQUIRE_FALSE(finding.report.problem.empty());
  }
  CHECK(found > 150);
  INFO(fmt::format("{} found, {} in bytes that hold nothing", found, harmless));
  CHECK(store::verify_in_child(log.directory(), {})->clean);
}

TEMPLATE_TEST_CASE("a flipped bit in a frame names that frame's position", "[contract]",
                   lmdb_subject, some_segments_subject) {
  const damaged_log<TestType> log;
  if constexpr (!std::is_same_v<TestType, lmdb_subject>) CHECK(log.files() > 5);
  seeded_randomness random{7};
  const auto text = store::as_text(log.bytes());
  unsigned frames = 0;
  for (auto at = text.find("BSTF"); at != std::string_view::npos; at = text.find("BSTF", at + 1)) {
    const auto rest = std::span{log.bytes()}.subspan(at);
    if (rest.size() < store::frame_header_bytes) break;
    const auto size = store::frame_header_bytes + store::load_le<std::uint32_t>(&rest[52]);
    const position key{store::load_le<std::uint64_t>(&rest[56])};
    // Small frames lie in leaf pages, whose older copies hold the same bytes: not this test's.
    if (size < 4'096 || !store::decode_frame(rest.first(size), key)) continue;
    ++frames;
    for (int i = 0; i < 3; ++i) {
      const auto finding = log.flip(at * 8 + random.next() % (size * 8));
      INFO(finding.report.problem);
      REQUIRE_FALSE(finding.report.clean);
      REQUIRE(finding.report.bad_at == key);
    }
  }
  CHECK(frames > 30);
}

TEST_CASE("a file of nonsense is a finding, not a crash", "[contract]") {
  const temp_directory directory;
  seeded_randomness random{3};
  for (const std::size_t size : {1U, 100U, 4'096U, 8'192U, 100'000U}) {
    std::string text(size, '\0');
    for (auto& c : text) c = static_cast<char>(random.next());
    std::ofstream{directory.file("00000001.mdb"), std::ios::binary} << text;
    const auto report = store::verify_in_child(directory.path(), {});
    REQUIRE(report.has_value());
    CHECK_FALSE(report->clean);
    const auto opened = store::open_lmdb_log({directory.path(), map_bytes, false}, log_seed);
    REQUIRE_FALSE(opened.has_value());
    CHECK(opened.error().action == fault_action::stop_process);
  }
}

}  // namespace
