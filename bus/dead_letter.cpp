#include "bus/dead_letter.hpp"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <optional>

#include "events/limits.hpp"

namespace bestow::bus {

namespace {

using nlohmann::ordered_json;

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

auto bytes_of_hex(std::string_view hex, std::string& out) -> bool {
  if (hex.size() % 2 != 0) return false;
  out.clear();
  for (std::size_t i = 0; i < hex.size(); i += 2) {
    unsigned value = 0;
    const auto [end, error] = std::from_chars(hex.data() + i, hex.data() + i + 2, value, 16);
    if (error != std::errc{} || end != hex.data() + i + 2) return false;
    out.push_back(static_cast<char>(value));
  }
  return true;
}

/// Text as JSON, or nullopt when it is not UTF-8.
auto dumped(const ordered_json& letter) -> std::optional<std::string> {
  try {
    return letter.dump();
  } catch (const nlohmann::json::exception&) {
    return std::nullopt;
  }
}

auto with_payload(ordered_json letter, std::string_view payload) -> std::string {
  letter["payload"] = payload;
  if (auto text = dumped(letter)) return std::move(*text);
  letter.erase("payload");
  letter["payloadHex"] = hex_of(payload);
  return letter.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

auto number_in(const nlohmann::json& letter, const char* name, std::uint64_t& out) -> bool {
  const auto it = letter.find(name);
  if (it == letter.end()) return true;
  if (!it->is_string()) return false;
  const auto& text = it->get_ref<const std::string&>();
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc{} && end == text.data() + text.size();
}

auto text_in(const nlohmann::json& letter, const char* name, std::string& out) -> bool {
  const auto it = letter.find(name);
  if (it == letter.end()) return true;
  if (!it->is_string()) return false;
  out = it->get<std::string>();
  return true;
}

auto read_fields(const nlohmann::json& letter, dead_letter& out) -> bool {
  std::uint64_t at = 0;
  std::string hex;
  if (!number_in(letter, "streamSeq", out.stream_seq) || !number_in(letter, "at", at) ||
      !number_in(letter, "retryOf", out.retry_of) ||
      !number_in(letter, "payloadBytes", out.payload_bytes) ||
      !text_in(letter, "reason", out.reason) || !text_in(letter, "subject", out.subject) ||
      !text_in(letter, "payload", out.payload) || !text_in(letter, "payloadHex", hex))
    return false;
  out.at = {static_cast<std::int64_t>(at)};
  if (!hex.empty() && !bytes_of_hex(hex, out.payload)) return false;
  out.payload_bytes = std::max<std::uint64_t>(out.payload_bytes, out.payload.size());
  if (const auto headers = letter.find("headers"); headers != letter.end()) {
    if (!headers->is_object()) return false;
    for (const auto& [name, value] : headers->items()) {
      if (!value.is_string()) return false;
      out.headers.emplace_back(name, value.get<std::string>());
    }
  }
  return true;
}

}  // namespace

auto encode_dead_letter(const dead_letter& l, std::size_t bytes_max) -> std::string {
  ordered_json letter;
  if (l.accepted) letter["accepted"] = true;
  if (!l.accepted) {
    letter["reason"] = l.reason;
    letter["subject"] = l.subject;
    letter["streamSeq"] = std::to_string(l.stream_seq);
  }
  letter["at"] = std::to_string(l.at.value);
  if (l.retry_of != 0) letter["retryOf"] = std::to_string(l.retry_of);
  if (l.accepted) return letter.dump();
  const auto count = std::min(l.headers.size(), limits::dead_letter_headers_max);
  for (std::size_t i = 0; i < count; ++i) letter["headers"][l.headers[i].first] = l.headers[i].second;
  std::string_view payload = l.payload;
  if (bytes_max > 0 && payload.size() > bytes_max / 2) payload = payload.substr(0, bytes_max / 2);
  for (;;) {
    const auto whole = std::max<std::uint64_t>(l.payload_bytes, l.payload.size());
    if (payload.size() < whole) letter["payloadBytes"] = std::to_string(whole);
    auto text = with_payload(letter, payload);
    if (bytes_max == 0 || text.size() <= bytes_max) return text;
    if (payload.empty()) {
      // Only what is around the payload is left: headers go first, then the reason is what counts.
      if (letter.erase("headers") == 0) return text;
      continue;
    }
    payload = payload.substr(0, payload.size() / 2);
  }
}

auto decode_dead_letter(std::string_view json, dead_letter& out) -> bool {
  out = {};
  const auto letter = nlohmann::json::parse(json, nullptr, false);
  if (!letter.is_object()) return false;
  const auto accepted = letter.find("accepted");
  if (accepted != letter.end()) {
    if (!accepted->is_boolean()) return false;
    out.accepted = accepted->get<bool>();
  }
  if (!read_fields(letter, out)) return false;
  return out.accepted ? out.retry_of != 0 : !out.reason.empty();
}

}  // namespace bestow::bus
