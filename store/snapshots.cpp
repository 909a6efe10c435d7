#include <xxhash.h>

#include <array>
#include <cstdio>
#include <cstring>
#include <map>
#include <mutex>
#include <utility>

#include <fmt/format.h>

#include "store/bytes.hpp"
#include "events/limits.hpp"
#include "store/files.hpp"
#include "store/snapshot_store.hpp"

namespace bestow::store {
namespace {

// The file: header, then the state. docs/internals/log_format.md describes the bytes.
constexpr std::array<char, 4> magic{'B', 'S', 'N', 'P'};
constexpr std::uint32_t snapshot_format_version = 1;
constexpr std::size_t header_bytes = 96;

/// XXH3-64 of the file without the checksum's own eight bytes at 88.
auto checksum_of(std::string_view file) -> std::uint64_t {
  const auto state = file.substr(header_bytes);
  return XXH3_64bits_withSeed(file.data(), 88, XXH3_64bits(state.data(), state.size()));
}

auto encode(const stream_id& stream, const snapshot& s) -> std::string {
  std::string out(header_bytes + s.state.size(), '\0');
  auto* to = reinterpret_cast<std::byte*>(out.data());
  std::memcpy(to, magic.data(), magic.size());
  store_le(to + 4, snapshot_format_version);
  store_le(to + 8, s.fold_version);
  store_le(to + 12, static_cast<std::uint32_t>(stream.kind));
  store_le(to + 16, stream.id);
  store_le(to + 24, stream.part);
  store_le(to + 32, s.version.value);
  store_le(to + 40, s.at.value);
  store_le(to + 48, std::uint64_t{s.state.size()});
  std::memcpy(to + 56, s.frame_hash.data(), s.frame_hash.size());
  if (!s.state.empty()) std::memcpy(to + header_bytes, s.state.data(), s.state.size());
  store_le(to + 88, checksum_of(out));
  return out;
}

auto decode(const std::string& file, const stream_id& stream) -> std::optional<snapshot> {
  if (file.size() < header_bytes) return std::nullopt;
  const auto* from = reinterpret_cast<const std::byte*>(file.data());
  if (std::memcmp(from, magic.data(), magic.size()) != 0 ||
      load_le<std::uint32_t>(from + 4) != snapshot_format_version ||
      load_le<std::uint64_t>(from + 48) != file.size() - header_bytes ||
      load_le<std::uint64_t>(from + 88) != checksum_of(file))
    return std::nullopt;
  const stream_id written{static_cast<aggregate>(load_le<std::uint32_t>(from + 12)),
                          load_le<std::uint64_t>(from + 16), load_le<std::uint32_t>(from + 24)};
  if (written != stream) return std::nullopt;
  snapshot out;
  out.fold_version = load_le<std::uint32_t>(from + 8);
  out.version = {load_le<std::uint64_t>(from + 32)};
  out.at = {load_le<std::uint64_t>(from + 40)};
  std::memcpy(out.frame_hash.data(), from + 56, out.frame_hash.size());
  out.state.assign(from + header_bytes, from + file.size());
  return out;
}

class file_snapshots final : public snapshot_store {
 public:
  explicit file_snapshots(std::string directory) : directory_{std::move(directory)} {}

  auto save(const stream_id& stream, const snapshot& s) -> result<void> override {
    const auto file = encode(stream, s);
    const std::lock_guard lock{mutex_};
    return replace_file(path_of(stream), file, durability::process_loss);
  }

  auto load(const stream_id& stream, std::uint32_t fold_version) const
      -> std::optional<snapshot> override {
    const auto file = read_file(path_of(stream), limits::snapshot_bytes_max);
    if (!file || !*file) return std::nullopt;  // Unreadable or none: the stream is replayed.
    auto out = decode(**file, stream);
    if (out && out->fold_version != fold_version) return std::nullopt;
    return out;
  }

  void erase(const stream_id& stream) override {
    const std::lock_guard lock{mutex_};
    std::remove(path_of(stream).c_str());
  }

 private:
  [[nodiscard]] auto path_of(const stream_id& stream) const -> std::string {
    return fmt::format("{}/{}.snap", directory_, to_string(stream));
  }

  const std::string directory_;
  std::mutex mutex_;  ///< Two saves of one stream share a file aside.
};

class memory_snapshots final : public snapshot_store {
 public:
  auto save(const stream_id& stream, const snapshot& s) -> result<void> override {
    const std::lock_guard lock{mutex_};
    snapshots_.insert_or_assign(stream, s);
    return {};
  }

  auto load(const stream_id& stream, std::uint32_t fold_version) const
      -> std::optional<snapshot> override {
    const std::lock_guard lock{mutex_};
    const auto it = snapshots_.find(stream);
    if (it == snapshots_.end() || it->second.fold_version != fold_version) return std::nullopt;
    return it->second;
  }

  void erase(const stream_id& stream) override {
    const std::lock_guard lock{mutex_};
    snapshots_.erase(stream);
  }

 private:
  mutable std::mutex mutex_;
  std::map<stream_id, snapshot> snapshots_;
};

}  // namespace

auto make_file_snapshots(std::string directory) -> result<std::unique_ptr<snapshot_store>> {
  if (auto made = make_directory(directory); !made)
    return tl::unexpected<fault>{std::move(made.error())};
  return std::make_unique<file_snapshots>(std::move(directory));
}

auto make_memory_snapshots() -> std::unique_ptr<snapshot_store> {
  return std::make_unique<memory_snapshots>();
}

}  // namespace bestow::store
