#include "bus/dead_letter.hpp"

#include <nlohmann/json.hpp>

namespace bestow::bus {

namespace {

auto hex_of(std::string_view bytes) -> std::string {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string out;
  out.reserve(bytes.size() * 2);
  for (const char c : bytes) {
    const auto b = static_cast<unsigned char>(c);
    out.push_back(digits[b >> 4U]);
    out.push_back(digits[b & 15U]);
  }
  return out;
}

}  // namespace

auto encode_dead_letter(std::string_view reason, std::string_view subject, std::uint64_t stream_seq,
                        std::string_view payload) -> std::string {
  nlohmann::ordered_json letter;
  letter["reason"] = reason;
  letter["subject"] = subject;
  letter["streamSeq"] = std::to_string(stream_seq);
  letter["payload"] = payload;
  try {
    return letter.dump();
  } catch (const nlohmann::json::exception&) {  // Not UTF-8.
    letter.erase("payload");
    letter["payloadHex"] = hex_of(payload);
    return letter.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  }
}

}  // namespace bestow::bus
