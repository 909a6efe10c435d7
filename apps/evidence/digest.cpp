#include "apps/evidence/digest.hpp"

#include <openssl/evp.h>

#include <cerrno>
#include <cstring>
#include <fstream>

#include "events/limits.hpp"

namespace bestow::evidence {

auto to_base64(std::span<const std::byte> bytes) -> std::string {
  std::string out((bytes.size() + 2) / 3 * 4 + 1, '\0');  // EVP_EncodeBlock ends with a zero.
  const int written = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                                      reinterpret_cast<const unsigned char*>(bytes.data()),
                                      static_cast<int>(bytes.size()));
  out.resize(static_cast<std::size_t>(written));
  return out;
}

auto from_base64(std::string_view text) -> std::optional<std::vector<std::byte>> {
  if (text.size() % 4 != 0) return std::nullopt;
  std::vector<std::byte> out(text.size() / 4 * 3);
  if (text.empty()) return out;
  const int written = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                                      reinterpret_cast<const unsigned char*>(text.data()),
                                      static_cast<int>(text.size()));
  if (written < 0) return std::nullopt;
  std::size_t padding = 0;
  while (padding < 2 && text[text.size() - 1 - padding] == '=') ++padding;
  out.resize(static_cast<std::size_t>(written) - padding);
  // Writing it again must give the same text: EVP_DecodeBlock forgives spaces and stray padding.
  if (to_base64(out) != text) return std::nullopt;
  return out;
}

struct hasher::context {
  EVP_MD_CTX* at{EVP_MD_CTX_new()};
};

hasher::hasher() : running_{std::make_unique<context>()} {
  EVP_DigestInit_ex(running_->at, EVP_sha256(), nullptr);
}

hasher::~hasher() { EVP_MD_CTX_free(running_->at); }

void hasher::add(std::span<const std::byte> bytes) {
  EVP_DigestUpdate(running_->at, bytes.data(), bytes.size());
}

auto hasher::finish() -> sha256_digest {
  sha256_digest out{};
  EVP_DigestFinal_ex(running_->at, reinterpret_cast<unsigned char*>(out.data()), nullptr);
  return out;
}

auto sha256_of(std::string_view text) -> sha256_digest {
  hasher h;
  h.add(text);
  return h.finish();
}

auto digest_of_file(const std::string& path) -> result<file_digest> {
  std::ifstream in{path, std::ios::binary};
  if (!in) return fail(fault_code::file_io_failed, "open", path + ": " + std::strerror(errno));
  hasher h;
  file_digest out;
  std::string piece(limits::copy_piece_bytes, '\0');
  while (in.read(piece.data(), static_cast<std::streamsize>(piece.size())), in.gcount() > 0) {
    const auto got = static_cast<std::size_t>(in.gcount());
    h.add(std::string_view{piece}.substr(0, got));
    out.bytes += got;
  }
  if (in.bad()) return fail(fault_code::file_io_failed, "read", path + ": " + std::strerror(errno));
  out.sha256 = h.finish();
  return out;
}

}  // namespace bestow::evidence
