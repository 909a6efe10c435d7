#include "store/target_list_hash.hpp"

#include <openssl/evp.h>

#include <charconv>
#include <cstdint>

#include "events/assert.hpp"

namespace bestow::store {
namespace {

constexpr std::size_t pending_bytes_max = 64 * 1024;

template <class Integer>
void append_number(std::string& out, Integer value) {
  char digits[24];
  const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
  out.append(digits, end);
}

void append_text(std::string& out, std::string_view text) {
  if (text.find_first_of("\\\t\n\r") == std::string_view::npos) {
    out.append(text);
    return;
  }
  for (const char c : text) {
    if (c == '\\')
      out += "\\\\";
    else if (c == '\t')
      out += "\\t";
    else if (c == '\n')
      out += "\\n";
    else if (c == '\r')
      out += "\\r";
    else
      out += c;
  }
}

}  // namespace

auto canonical_first_line(const promotion_created& created) -> std::string {
  std::string line{"bestow-list-1\t"};
  append_number(line, created.promotion.value);
  line += '\t';
  line += name_of(created.type);
  line += '\t';
  append_text(line, created.currency);
  line += '\n';
  return line;
}

void append_canonical_line(std::string& text, const list_row& row, promotion_type type) {
  append_number(text, row.id.value);
  text += '\t';
  append_number(text, row.customer.value);
  text += '\t';
  append_number(text, row.partition.value);
  text += '\t';
  append_number(text, row.amount.value);
  text += '\t';
  append_number(text, row.expiry.value);
  text += '\t';
  append_text(text, row.reason);
  if (type == promotion_type::voucher) {
    for (const auto field : {row.voucher_number, row.merchant_code, row.merchant_brand_code}) {
      text += '\t';
      append_text(text, field);
    }
    text += row.is_withdrawal ? "\t1" : "\t0";
  }
  text += '\n';
}

struct list_hasher::digest_context {
  EVP_MD_CTX* evp{EVP_MD_CTX_new()};
  digest_context() { BESTOW_ASSERT(evp && EVP_DigestInit_ex(evp, EVP_sha256(), nullptr) == 1); }
  digest_context(const digest_context&) = delete;
  auto operator=(const digest_context&) -> digest_context& = delete;
  ~digest_context() { EVP_MD_CTX_free(evp); }
};

list_hasher::list_hasher(const promotion_created& created)
    : digest_{std::make_unique<digest_context>()},
      type_{created.type},
      pending_{canonical_first_line(created)} {}

list_hasher::~list_hasher() = default;

void list_hasher::add(const list_row& row) {
  append_canonical_line(pending_, row, type_);
  if (pending_.size() >= pending_bytes_max) flush();
}

auto list_hasher::finish() -> sha256_digest {
  flush();
  sha256_digest out{};
  const auto done =
      EVP_DigestFinal_ex(digest_->evp, reinterpret_cast<unsigned char*>(out.data()), nullptr);
  BESTOW_ASSERT(done == 1);
  return out;
}

void list_hasher::flush() {
  const auto done = EVP_DigestUpdate(digest_->evp, pending_.data(), pending_.size());
  BESTOW_ASSERT(done == 1);
  pending_.clear();
}

}  // namespace bestow::store
