// Rows and keys as bytes. Private to projections/.
//
// Keys are big-endian, so that their order is the order of the numbers in them. Values are
// little-endian and fixed-width, texts and blobs carry a 32-bit length. A view's version changes
// with its layout, so nothing here is ever read by another layout.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "domain/partition.hpp"
#include "events/result.hpp"
#include "events/types.hpp"
#include "store/view_store.hpp"

namespace bestow::projections {

static_assert(std::endian::native == std::endian::little, "pages hold records as the CPU has them");

/// First byte of a key: which table of the view's environment it belongs to.
enum class table : char {
  row = 'p',      ///< What the view answers with.
  page = 's',     ///< Dense pages of records of targets.
  release = 'r',  ///< Releases waiting for their publish.
  sizes = 'l',    ///< Targets in each partition of a sealed list.
};

/// Appends to a key, most significant byte first.
class key_writer {
 public:
  explicit key_writer(table t) { key_.push_back(static_cast<char>(t)); }
  template <class T>
  auto be(T value) -> key_writer& {
    static_assert(std::is_unsigned_v<T>);
    for (int shift = static_cast<int>(sizeof(T)) * 8 - 8; shift >= 0; shift -= 8)
      key_.push_back(static_cast<char>(static_cast<unsigned char>(value >> shift)));
    return *this;
  }
  [[nodiscard]] auto take() -> std::string { return std::move(key_); }

 private:
  std::string key_;
};
[[nodiscard]] inline auto promotion_key(table t, promotion_id p) -> std::string {
  return key_writer{t}.be(p.value).take();
}
[[nodiscard]] inline auto partition_key(table t, promotion_id p, partition_no k) -> std::string {
  return key_writer{t}.be(p.value).be(k.value).take();
}
[[nodiscard]] inline auto page_key(promotion_id p, partition_no k, std::uint32_t page)
    -> std::string {
  return key_writer{table::page}.be(p.value).be(k.value).be(page).take();
}
/// A big-endian number at `offset` of a key. Precondition: the key is long enough.
template <class T>
[[nodiscard]] auto key_number(std::string_view key, std::size_t offset) -> T {
  T value{0};
  for (std::size_t i = 0; i < sizeof(T); ++i)
    value = static_cast<T>(value << 8U | static_cast<unsigned char>(key[offset + i]));
  return value;
}

class byte_writer {
 public:
  template <class T>
  void number(T value) {
    static_assert(std::is_integral_v<T>);
    char bytes[sizeof(T)];
    std::memcpy(bytes, &value, sizeof(T));
    out_.append(bytes, sizeof(T));
  }
  template <class Tag, class Rep>
  void number(strong<Tag, Rep> value) {
    number(value.value);
  }
  void text(std::string_view value) {
    number(static_cast<std::uint32_t>(value.size()));
    out_.append(value);
  }
  void blob(std::span<const std::byte> value) {
    text({reinterpret_cast<const char*>(value.data()), value.size()});
  }
  [[nodiscard]] auto take() -> std::string { return std::move(out_); }

 private:
  std::string out_;
};

/// Reads what byte_writer wrote. Reading past the end yields zeros and clears ok().
class byte_reader {
 public:
  explicit byte_reader(std::string_view in) : in_{in} {}
  template <class T>
  [[nodiscard]] auto number() -> T {
    T value{};
    if (const auto bytes = take(sizeof(T)); !bytes.empty())
      std::memcpy(&value, bytes.data(), sizeof(T));
    return value;
  }
  template <class Strong>
  [[nodiscard]] auto strong_number() -> Strong {
    return Strong{number<typename Strong::rep>()};
  }
  [[nodiscard]] auto text() -> std::string_view { return take(number<std::uint32_t>()); }
  [[nodiscard]] auto blob() -> std::span<const std::byte> {
    const auto bytes = text();
    return {reinterpret_cast<const std::byte*>(bytes.data()), bytes.size()};
  }
  [[nodiscard]] auto ok() const -> bool { return ok_; }
  /// All was read and nothing is left.
  [[nodiscard]] auto complete() const -> bool { return ok_ && in_.empty(); }

 private:
  auto take(std::size_t count) -> std::string_view {
    if (count > in_.size()) {
      ok_ = false;
      in_ = {};
      return {};
    }
    const auto bytes = in_.substr(0, count);
    in_.remove_prefix(count);
    return bytes;
  }
  std::string_view in_;
  bool ok_{true};
};

void write_counts(byte_writer& out, const domain::target_counts& c);
[[nodiscard]] auto read_counts(byte_reader& in) -> domain::target_counts;

/// XXH3-64 over a row's bytes, seeded with its key: LMDB notices hardly any flipped bit by itself.
[[nodiscard]] auto row_checksum(std::string_view key, std::string_view bytes) -> std::uint64_t;
inline constexpr std::size_t checksum_bytes = sizeof(std::uint64_t);
/// The row without its checksum; nullopt: damaged.
[[nodiscard]] auto checked_row(std::string_view key, std::string_view value)
    -> std::optional<std::string_view>;
/// Puts the row with its checksum behind it.
[[nodiscard]] auto put_row(store::view_writer& rows, std::string_view key, std::string bytes)
    -> result<void>;
/// The row without its checksum; nullopt: there is none. @fault view_poisoned  it is damaged.
[[nodiscard]] auto get_row(const store::view_reader& rows, std::string_view view,
                           std::string_view key) -> result<std::optional<std::string_view>>;

/// `fault::operation` of rows that cannot be read: the view's own fault, which a rebuild mends.
inline constexpr std::string_view damaged_rows = "view row";
/// A row that is not what this version writes: the environment is damaged. @fault view_poisoned.
[[nodiscard]] auto damaged_row(std::string_view view, std::string_view key)
    -> tl::unexpected<fault>;

/// Lower-case hex SHA-256 over (key length, key, value length, value) of every row in key order.
[[nodiscard]] auto hash_rows(const store::view_reader& rows) -> result<std::string>;

}  // namespace bestow::projections
