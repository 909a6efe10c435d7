#include "apps/measure/raw_log.hpp"

#include <algorithm>

#include "store/bare_file.hpp"

namespace bestow::measure {
namespace {

using steady = std::chrono::steady_clock;

auto check_count(const store::bare_file& file, std::uint64_t wanted) -> outcome<void> {
  const auto held = file.count();
  if (!held) return ended(held);
  if (*held != wanted) return void_because("the bare file holds another count");
  return {};
}

}  // namespace

auto payloads_of(const store::event_log& log, event_type type)
    -> result<std::vector<std::vector<std::byte>>> {
  std::vector<std::vector<std::byte>> out;
  store::read_options options;
  options.types = {type};
  const auto read = log.read({}, options, [&](const store::stored_event& e) {
    out.emplace_back(e.payload.begin(), e.payload.end());
    return true;
  });
  if (!read) return tl::unexpected<fault>{read.error()};
  return out;
}

auto append_raw(const std::string& path, std::span<const std::vector<std::byte>> values,
                std::size_t per_commit) -> outcome<void> {
  auto file = store::bare_file::create(path);
  if (!file) return ended(file);
  for (auto rest = values; !rest.empty();) {
    const auto count = std::min(per_commit, rest.size());
    if (auto done = file->append(rest.first(count)); !done) return ended(done);
    rest = rest.subspan(count);
  }
  return check_count(*file, values.size());
}

auto commit_singly(const std::string& path, const std::vector<std::byte>& value,
                   std::uint64_t count, std::chrono::milliseconds within)
    -> outcome<single_commits> {
  auto file = store::bare_file::create(path);
  if (!file) return ended(file);
  single_commits out;
  out.milliseconds.reserve(count);
  const stopwatch watch;
  const auto end = steady::now() + within;
  for (std::uint64_t i = 0; i < count; ++i) {
    const auto begun = steady::now();
    if (i > 0 && begun > end) break;
    if (auto done = file->append({&value, 1}); !done) return ended(done);
    out.milliseconds.push_back(
        std::chrono::duration<float, std::milli>(steady::now() - begun).count());
  }
  out.took = watch.read();
  if (auto right = check_count(*file, out.milliseconds.size()); !right) return ended(right);
  return out;
}

}  // namespace bestow::measure
