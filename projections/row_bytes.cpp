#include "projections/row_bytes.hpp"

#include <fmt/format.h>
#include <openssl/evp.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include <memory>

namespace bestow::projections {

void write_counts(byte_writer& out, const domain::target_counts& c) {
  out.number(c.total);
  out.number(c.published);
  out.number(c.publish_failed);
  out.number(c.success);
  out.number(c.retry_success);
  out.number(c.fail);
  out.number(c.retrying);
  out.number(c.unknown);
  out.number(c.abandoned);
  out.number(c.recalling);
  out.number(c.recalled);
  out.number(c.recall_failed);
  out.number(c.success_amount);
  out.number(c.recalled_amount);
}

auto read_counts(byte_reader& in) -> domain::target_counts {
  domain::target_counts c;
  c.total = in.number<std::uint64_t>();
  c.published = in.number<std::uint64_t>();
  c.publish_failed = in.number<std::uint64_t>();
  c.success = in.number<std::uint64_t>();
  c.retry_success = in.number<std::uint64_t>();
  c.fail = in.number<std::uint64_t>();
  c.retrying = in.number<std::uint64_t>();
  c.unknown = in.number<std::uint64_t>();
  c.abandoned = in.number<std::uint64_t>();
  c.recalling = in.number<std::uint64_t>();
  c.recalled = in.number<std::uint64_t>();
  c.recall_failed = in.number<std::uint64_t>();
  c.success_amount = in.strong_number<money_minor>();
  c.recalled_amount = in.strong_number<money_minor>();
  return c;
}

auto damaged_row(std::string_view view, std::string_view key) -> tl::unexpected<fault> {
  std::string hex;
  for (const char c : key) hex += fmt::format("{:02x}", static_cast<unsigned char>(c));
  return fail(fault_code::view_poisoned, damaged_rows,
              fmt::format("{}: the row under key {} cannot be read; rebuild the view", view, hex));
}

auto row_checksum(std::string_view key, std::string_view bytes) -> std::uint64_t {
  return XXH3_64bits_withSeed(bytes.data(), bytes.size(), XXH3_64bits(key.data(), key.size()));
}

auto checked_row(std::string_view key, std::string_view value) -> std::optional<std::string_view> {
  if (value.size() < checksum_bytes) return std::nullopt;
  const auto bytes = value.substr(0, value.size() - checksum_bytes);
  byte_reader stored{value.substr(bytes.size())};
  if (stored.number<std::uint64_t>() != row_checksum(key, bytes)) return std::nullopt;
  return bytes;
}

auto put_row(store::view_writer& rows, std::string_view key, std::string bytes) -> result<void> {
  byte_writer sum;
  sum.number(row_checksum(key, bytes));
  bytes += sum.take();
  return rows.put(key, bytes);
}

auto get_row(const store::view_reader& rows, std::string_view view, std::string_view key)
    -> result<std::optional<std::string_view>> {
  auto found = rows.get(key);
  if (!found || !*found) return found;
  auto bytes = checked_row(key, **found);
  if (!bytes) return damaged_row(view, key);
  return bytes;
}

auto hash_rows(const store::view_reader& rows) -> result<std::string> {
  const std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)> context{EVP_MD_CTX_new(),
                                                                   &EVP_MD_CTX_free};
  bool ok = context && EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr) == 1;
  const auto add = [&](std::string_view bytes) {
    const auto length = static_cast<std::uint64_t>(bytes.size());
    ok = ok && EVP_DigestUpdate(context.get(), &length, sizeof length) == 1 &&
         EVP_DigestUpdate(context.get(), bytes.data(), bytes.size()) == 1;
  };
  const auto done =
      rows.scan(std::string_view{"\0", 1}, [&](std::string_view key, std::string_view value) {
        add(key);
        add(value);
        return ok;
      });
  if (!done) return tl::unexpected{done.error()};
  sha256_digest digest{};
  ok = ok && EVP_DigestFinal_ex(context.get(), reinterpret_cast<unsigned char*>(digest.data()),
                                nullptr) == 1;
  if (!ok) return fail(fault_code::internal, "EVP_DigestUpdate", "SHA-256 is not available");
  return to_hex(digest);
}

}  // namespace bestow::projections
