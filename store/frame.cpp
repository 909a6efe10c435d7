#include "store/frame.hpp"

#include <openssl/evp.h>
#include <xxhash.h>

#include <algorithm>
#include <cstring>
#include <memory>

#include <fmt/format.h>

#include "events/assert.hpp"
#include "events/limits.hpp"
#include "store/bytes.hpp"

namespace bestow::store {
namespace {

constexpr std::array<char, 4> magic{'B', 'S', 'T', 'F'};

// Offsets of the header's fields: the layout of docs/internals/log_format.md.
namespace at {
constexpr std::size_t magic = 0;
constexpr std::size_t version = 4;
constexpr std::size_t header_bytes = 6;
constexpr std::size_t epoch = 8;
constexpr std::size_t incarnation = 12;
constexpr std::size_t log_id = 16;
constexpr std::size_t shard = 32;
constexpr std::size_t flags = 36;
constexpr std::size_t codec = 38;
constexpr std::size_t key_ref = 40;
constexpr std::size_t count = 48;
constexpr std::size_t records_bytes = 52;
constexpr std::size_t first = 56;
constexpr std::size_t recorded_at = 64;
constexpr std::size_t wall_at = 72;
constexpr std::size_t previous = 80;
constexpr std::size_t rows_root = 112;
constexpr std::size_t checksum = 144;
static_assert(checksum + sizeof(std::uint64_t) == frame_header_bytes);
}  // namespace at

/// SHA-256 of `parts` end to end.
auto sha256(std::initializer_list<std::span<const std::byte>> parts) -> sha256_digest {
  // Fetched once: a fetch for every hash costs more than hashing a small frame.
  static const std::unique_ptr<EVP_MD, decltype(&EVP_MD_free)> algorithm{
      EVP_MD_fetch(nullptr, "SHA256", nullptr), &EVP_MD_free};
  thread_local const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context{
      EVP_MD_CTX_new(), &EVP_MD_CTX_free};
  BESTOW_ASSERT(algorithm && context);
  sha256_digest digest{};
  BESTOW_ASSERT(EVP_DigestInit_ex2(context.get(), algorithm.get(), nullptr) == 1);
  for (const auto part : parts)
    BESTOW_ASSERT(EVP_DigestUpdate(context.get(), part.data(), part.size()) == 1);
  unsigned size = 0;
  BESTOW_ASSERT(EVP_DigestFinal_ex(context.get(),
                                   reinterpret_cast<unsigned char*>(digest.data()), &size) == 1);
  BESTOW_ASSERT(size == digest.size());
  return digest;
}

/// One checksum for both parts: the records' hash seeds the header's.
auto checksum_of(std::span<const std::byte> frame) -> std::uint64_t {
  const auto records = frame.subspan(frame_header_bytes);
  return XXH3_64bits_withSeed(frame.data(), at::checksum,
                              XXH3_64bits(records.data(), records.size()));
}

auto damaged(position key, std::string_view what) -> tl::unexpected<fault> {
  return fail(fault_code::log_corrupt, "decode_frame",
              fmt::format("position {}: {}", key.value, what));
}

template <class Array>
auto load_array(const std::byte* from) -> Array {
  Array out{};
  std::copy_n(from, out.size(), out.begin());
  return out;
}

}  // namespace

auto make_log_id(std::uint64_t seed) -> log_id_bytes {
  std::array<std::byte, 8> bytes{};
  store_le(bytes.data(), seed);
  const auto digest = sha256({as_bytes("bestow log id"), bytes});
  return load_array<log_id_bytes>(digest.data());
}

auto log_id_text(const log_id_bytes& id) -> std::string {
  std::string out;
  for (const auto b : id) out += fmt::format("{:02x}", static_cast<unsigned>(b));
  return out;
}

void encode_record(std::vector<std::byte>& out, const stream_id& stream, stream_version version,
                   const encoded_event& event) {
  const auto metadata = encode_metadata(event.metadata);
  const auto start = out.size();
  out.resize(start + record_header_bytes);
  auto* to = out.data() + start;
  to[0] = static_cast<std::byte>(stream.kind);
  to[1] = std::byte{0};
  store_le(to + 2, static_cast<std::uint16_t>(event.type));
  store_le(to + 4, stream.part);
  store_le(to + 8, stream.id);
  store_le(to + 16, version.value);
  store_le(to + 24, static_cast<std::uint32_t>(metadata.size()));
  store_le(to + 28, static_cast<std::uint32_t>(event.payload.size()));
  out.insert(out.end(), metadata.begin(), metadata.end());
  out.insert(out.end(), event.payload.begin(), event.payload.end());
}

auto encode_frame(const frame_header& header, std::span<const std::byte> records)
    -> std::vector<std::byte> {
  std::vector<std::byte> out(frame_header_bytes + records.size());
  auto* to = out.data();
  std::memcpy(to + at::magic, magic.data(), magic.size());
  store_le(to + at::version, frame_format_version);
  store_le(to + at::header_bytes, static_cast<std::uint16_t>(frame_header_bytes));
  store_le(to + at::epoch, header.identity.epoch);
  store_le(to + at::incarnation, header.identity.incarnation);
  std::ranges::copy(header.identity.log_id, to + at::log_id);
  store_le(to + at::shard, header.identity.shard);
  store_le(to + at::flags, header.flags);
  store_le(to + at::codec, header.codec);
  store_le(to + at::key_ref, header.key_ref);
  store_le(to + at::count, header.count);
  store_le(to + at::records_bytes, static_cast<std::uint32_t>(records.size()));
  store_le(to + at::first, header.first.value);
  store_le(to + at::recorded_at, static_cast<std::uint64_t>(header.recorded_at.value));
  store_le(to + at::wall_at, static_cast<std::uint64_t>(header.wall_at.value));
  std::ranges::copy(header.previous, to + at::previous);
  std::ranges::copy(header.rows_root, to + at::rows_root);
  std::ranges::copy(records, to + frame_header_bytes);
  store_le(to + at::checksum, checksum_of(out));
  return out;
}

auto decode_frame(std::span<const std::byte> frame, position key) -> result<frame_view> {
  if (frame.size() < frame_header_bytes) return damaged(key, "the frame is cut off");
  if (frame.size() > limits::frame_bytes_max) return damaged(key, "the frame is too long");
  const auto* from = frame.data();
  if (std::memcmp(from + at::magic, magic.data(), magic.size()) != 0)
    return damaged(key, "the magic number is wrong");
  if (load_le<std::uint16_t>(from + at::version) != frame_format_version ||
      load_le<std::uint16_t>(from + at::header_bytes) != frame_header_bytes)
    return damaged(key, "the format version is wrong");
  const auto records = frame.subspan(frame_header_bytes);
  if (load_le<std::uint32_t>(from + at::records_bytes) != records.size())
    return damaged(key, "the length is wrong");
  if (load_le<std::uint64_t>(from + at::checksum) != checksum_of(frame))
    return damaged(key, "the checksum differs");

  frame_header h;
  h.identity = {load_array<log_id_bytes>(from + at::log_id),
                load_le<std::uint32_t>(from + at::epoch),
                load_le<std::uint32_t>(from + at::incarnation),
                load_le<std::uint32_t>(from + at::shard)};
  h.flags = load_le<std::uint16_t>(from + at::flags);
  h.codec = load_le<std::uint16_t>(from + at::codec);
  h.key_ref = load_le<std::uint64_t>(from + at::key_ref);
  h.count = load_le<std::uint32_t>(from + at::count);
  h.first = {load_le<std::uint64_t>(from + at::first)};
  h.recorded_at = {static_cast<std::int64_t>(load_le<std::uint64_t>(from + at::recorded_at))};
  h.wall_at = {static_cast<std::int64_t>(load_le<std::uint64_t>(from + at::wall_at))};
  h.previous = load_array<sha256_digest>(from + at::previous);
  h.rows_root = load_array<sha256_digest>(from + at::rows_root);
  if (h.codec != frame_codec_records) return damaged(key, "the codec is unknown");
  if (h.first != key) return damaged(key, fmt::format("the frame says position {}", h.first.value));
  if (h.count == 0) return damaged(key, "the frame is empty");
  return frame_view{h, records};
}

auto hash_of_frame(std::span<const std::byte> frame) -> sha256_digest {
  BESTOW_ASSERT(frame.size() >= frame_header_bytes);
  return sha256({frame.subspan(at::previous, sizeof(sha256_digest)), frame});
}

auto record_cursor::next() -> std::optional<frame_record> {
  if (rest_.empty()) return std::nullopt;
  damaged_ = true;
  if (rest_.size() < record_header_bytes) return std::nullopt;
  const auto* from = rest_.data();
  const std::uint64_t metadata_bytes = load_le<std::uint32_t>(from + 24);
  const std::uint64_t payload_bytes = load_le<std::uint32_t>(from + 28);
  if (metadata_bytes + payload_bytes > rest_.size() - record_header_bytes) return std::nullopt;
  damaged_ = false;
  const frame_record record{
      {static_cast<aggregate>(from[0]), load_le<std::uint64_t>(from + 8),
       load_le<std::uint32_t>(from + 4)},
      {load_le<std::uint64_t>(from + 16)},
      static_cast<event_type>(load_le<std::uint16_t>(from + 2)),
      rest_.subspan(record_header_bytes, metadata_bytes),
      rest_.subspan(record_header_bytes + metadata_bytes, payload_bytes)};
  rest_ = rest_.subspan(record_header_bytes + metadata_bytes + payload_bytes);
  return record;
}

auto records_complete(const frame_view& frame) -> bool {
  record_cursor cursor{frame.records};
  std::uint32_t seen = 0;
  while (cursor.next()) ++seen;
  return !cursor.damaged() && seen == frame.header.count;
}

type_filter::type_filter(std::span<const event_type> types) : all_{types.empty()} {
  for (const auto type : types) {
    const auto index = static_cast<std::size_t>(type);
    if (wanted_.size() <= index) wanted_.resize(index + 1);
    wanted_[index] = true;
  }
}

auto to_stored(const frame_header& header, position at, const frame_record& record)
    -> stored_event {
  return {at,
          record.stream,
          record.version,
          record.type,
          record.metadata,
          record.payload,
          header.recorded_at,
          header.wall_at};
}

}  // namespace bestow::store
