#include <zstd.h>

#include <cstring>
#include <limits>
#include <memory>
#include <optional>
#include <utility>

#include "events/assert.hpp"
#include "events/columns.hpp"
#include "events/limits.hpp"
#include "events/varint.hpp"

namespace bestow {
namespace {

enum class text_shape : std::uint8_t { constant = 1, plain = 2, zstd = 3 };

constexpr int zstd_level = 3;
/// Below this a zstd frame's own header eats what it saves.
constexpr std::size_t compress_from_bytes = 64;

// A context costs a large allocation, a column is a few kilobytes: each thread keeps one of each.
struct free_compressor {
  void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
};
struct free_decompressor {
  void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
};
auto thread_compressor() -> ZSTD_CCtx* {
  thread_local const std::unique_ptr<ZSTD_CCtx, free_compressor> context{ZSTD_createCCtx()};
  return context.get();
}
auto thread_decompressor() -> ZSTD_DCtx* {
  thread_local const std::unique_ptr<ZSTD_DCtx, free_decompressor> context{ZSTD_createDCtx()};
  return context.get();
}

/// The body in fewer bytes, or nothing when it would not shrink or could not be read back.
auto compressed(std::span<const std::byte> body) -> std::optional<std::vector<std::byte>> {
  if (body.size() < compress_from_bytes || body.size() > limits::unpack_string_max)
    return std::nullopt;
  auto* context = thread_compressor();
  if (context == nullptr) return std::nullopt;
  std::vector<std::byte> packed(ZSTD_compressBound(body.size()));
  const auto size = ZSTD_compressCCtx(context, packed.data(), packed.size(), body.data(),
                                      body.size(), zstd_level);
  if (ZSTD_isError(size) != 0) return std::nullopt;
  if (size + varint::size_of(body.size()) + varint::size_of(size) >= body.size())
    return std::nullopt;
  packed.resize(size);
  return packed;
}

/// The body behind a zstd shape: its raw size, its packed size, then one zstd frame.
auto take_compressed(std::span<const std::byte>& in) -> std::optional<std::vector<std::byte>> {
  const auto raw_size = varint::take(in);
  if (!raw_size || *raw_size > limits::unpack_string_max) return std::nullopt;
  const auto packed_size = varint::take(in);
  if (!packed_size || *packed_size > in.size()) return std::nullopt;
  auto* context = thread_decompressor();
  if (context == nullptr) return std::nullopt;
  std::vector<std::byte> body(*raw_size);
  const auto size = ZSTD_decompressDCtx(context, body.data(), body.size(), in.data(), *packed_size);
  if (ZSTD_isError(size) != 0 || size != *raw_size) return std::nullopt;
  in = in.subspan(*packed_size);
  return body;
}

auto take_text(std::span<const std::byte>& in, std::size_t size) -> std::optional<std::string> {
  if (size > in.size()) return std::nullopt;
  std::string text(size, '\0');
  if (size > 0) std::memcpy(text.data(), in.data(), size);
  in = in.subspan(size);
  return text;
}

/// Exclusive ends of `count` values from their lengths.
auto take_ends(std::span<const std::byte>& in, std::size_t count)
    -> std::optional<std::vector<std::uint32_t>> {
  if (count > in.size()) return std::nullopt;  // Every length takes a byte: bounds the memory.
  std::vector<std::uint32_t> ends(count);
  std::uint64_t end = 0;
  for (auto& slot : ends) {
    const auto length = varint::take(in);
    if (!length || *length > in.size()) return std::nullopt;
    end += *length;
    if (end > std::numeric_limits<std::uint32_t>::max()) return std::nullopt;
    slot = static_cast<std::uint32_t>(end);
  }
  return ends;
}

}  // namespace

auto string_column::constant(std::string value, std::size_t count) -> string_column {
  string_column column;
  column.count_ = count;
  if (count > 0) column.heap_ = std::move(value);
  return column;
}

void string_column::push_back(std::string_view value) {
  if (count_ == 0) heap_ = value;
  if (constant_ && value == heap_) {
    ++count_;
    return;
  }
  if (constant_) {
    // The first different value: write out the repeats that were only counted so far.
    const auto repeated = std::exchange(heap_, {});
    BESTOW_ASSERT((count_ + 1) * (repeated.size() + value.size()) <=
                  std::numeric_limits<std::uint32_t>::max());
    constant_ = false;
    ends_.reserve(count_ + 1);
    heap_.reserve(count_ * repeated.size() + value.size());
    for (std::size_t i = 0; i < count_; ++i) {
      heap_ += repeated;
      ends_.push_back(static_cast<std::uint32_t>(heap_.size()));
    }
  }
  BESTOW_ASSERT(heap_.size() + value.size() <= std::numeric_limits<std::uint32_t>::max());
  heap_ += value;
  ends_.push_back(static_cast<std::uint32_t>(heap_.size()));
  ++count_;
}

auto string_column::operator[](std::size_t i) const -> std::string_view {
  BESTOW_ASSERT(!skimmed_);
  if (constant_) return heap_;
  const auto begin = i == 0 ? 0U : ends_[i - 1];
  return std::string_view{heap_}.substr(begin, ends_[i] - begin);
}

auto string_column::operator==(const string_column& other) const -> bool {
  if (count_ != other.count_) return false;
  if (constant_ == other.constant_) return heap_ == other.heap_ && ends_ == other.ends_;
  for (std::size_t i = 0; i < count_; ++i)
    if ((*this)[i] != other[i]) return false;
  return true;
}

void string_column::encode(std::vector<std::byte>& out) const {
  BESTOW_ASSERT(count_ <= limits::column_values_max && !skimmed_);
  const auto head = [&](text_shape shape) {
    out.push_back(static_cast<std::byte>(shape));
    varint::append(out, count_);
  };
  const auto heap = std::as_bytes(std::span{heap_});
  if (constant_) {
    head(text_shape::constant);
    varint::append(out, heap.size());
    out.insert(out.end(), heap.begin(), heap.end());
    return;
  }
  std::vector<std::byte> body;
  body.reserve(count_ * 2 + heap.size());
  std::uint32_t begin = 0;
  for (const auto end : ends_) varint::append(body, end - std::exchange(begin, end));
  body.insert(body.end(), heap.begin(), heap.end());
  if (const auto packed = compressed(body)) {
    head(text_shape::zstd);
    varint::append(out, body.size());
    varint::append(out, packed->size());
    out.insert(out.end(), packed->begin(), packed->end());
  } else {
    head(text_shape::plain);
    out.insert(out.end(), body.begin(), body.end());
  }
}

auto string_column::decode(std::span<const std::byte>& in, string_column& out) -> bool {
  if (in.empty()) return false;
  const auto shape = static_cast<text_shape>(in.front());
  in = in.subspan(1);
  const auto count = varint::take(in);
  if (!count || *count > limits::column_values_max) return false;
  if (shape == text_shape::constant) {
    const auto size = varint::take(in);
    auto text = size ? take_text(in, *size) : std::nullopt;
    if (!text || text->size() > limits::unpack_string_max) return false;
    out = constant(std::move(*text), *count);
    return true;
  }
  std::vector<std::byte> unpacked;
  std::span<const std::byte> body;
  if (shape == text_shape::zstd) {
    auto taken = take_compressed(in);
    if (!taken) return false;
    unpacked = std::move(*taken);
    body = unpacked;
  } else if (shape != text_shape::plain) {
    return false;
  }
  auto& source = shape == text_shape::zstd ? body : in;
  auto ends = take_ends(source, *count);
  if (!ends) return false;
  auto text = take_text(source, ends->empty() ? 0 : ends->back());
  if (!text || (shape == text_shape::zstd && !source.empty())) return false;
  out.constant_ = *count == 0;
  out.count_ = *count;
  out.heap_ = std::move(*text);
  out.ends_ = std::move(*ends);
  out.skimmed_ = false;
  return true;
}

auto string_column::skim(std::span<const std::byte>& in, string_column& out) -> bool {
  if (in.empty()) return false;
  const auto shape = static_cast<text_shape>(in.front());
  if (shape != text_shape::plain && shape != text_shape::zstd) return decode(in, out);
  in = in.subspan(1);
  const auto count = varint::take(in);
  if (!count || *count > limits::column_values_max) return false;
  in = {};
  out = {};
  out.constant_ = *count == 0;
  out.skimmed_ = *count != 0;
  out.count_ = *count;
  return true;
}

}  // namespace bestow
