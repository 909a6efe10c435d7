#include "apps/import/running_sha256.hpp"

#include <openssl/evp.h>

#include "events/assert.hpp"

namespace bestow::importing {

struct running_sha256::context {
  EVP_MD_CTX* evp{EVP_MD_CTX_new()};
  context() { BESTOW_ASSERT(evp && EVP_DigestInit_ex(evp, EVP_sha256(), nullptr) == 1); }
  context(const context&) = delete;
  auto operator=(const context&) -> context& = delete;
  ~context() { EVP_MD_CTX_free(evp); }
};

running_sha256::running_sha256()
    : running_{std::make_unique<context>()}, scratch_{std::make_unique<context>()} {}
running_sha256::~running_sha256() = default;

void running_sha256::update(std::string_view bytes) {
  const auto done = EVP_DigestUpdate(running_->evp, bytes.data(), bytes.size());
  BESTOW_ASSERT(done == 1);
}

auto running_sha256::digest() const -> sha256_digest {
  sha256_digest out{};
  const auto copied = EVP_MD_CTX_copy_ex(scratch_->evp, running_->evp);
  BESTOW_ASSERT(copied == 1);
  const auto done =
      EVP_DigestFinal_ex(scratch_->evp, reinterpret_cast<unsigned char*>(out.data()), nullptr);
  BESTOW_ASSERT(done == 1);
  return out;
}

auto sha256_of(std::string_view bytes) -> sha256_digest {
  running_sha256 one;
  one.update(bytes);
  return one.digest();
}

}  // namespace bestow::importing
