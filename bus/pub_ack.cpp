#include "bus/pub_ack.hpp"

#include <simdjson.h>

#include <array>
#include <charconv>

#include "bus/broker_errors.hpp"

namespace bestow::bus {
namespace {

using simdjson::dom::element;

/// Longest answer that is read; JetStream's have some 100 bytes.
constexpr std::size_t answer_bytes_max = 64 * 1024;

[[nodiscard]] auto unreadable(std::string_view why) -> pub_ack {
  return {0, ack_lost, "unreadable acknowledgement: " + std::string{why}, false};
}

[[nodiscard]] auto to_number(std::string_view digits) -> std::optional<std::uint64_t> {
  std::uint64_t value = 0;
  const char* const end = digits.data() + digits.size();
  const auto [stop, error] = std::from_chars(digits.data(), end, value);
  if (error != std::errc{} || stop != end || digits.empty()) return std::nullopt;
  return value;
}

}  // namespace

auto parse_pub_ack(std::string_view json) -> pub_ack {
  if (json.empty() || json.size() > answer_bytes_max) return unreadable("bad length");
  // Keeps its buffers from one acknowledgement to the next.
  static thread_local simdjson::dom::parser parser{answer_bytes_max};
  element root;
  if (const auto error = parser.parse(json.data(), json.size(), true).get(root)) {
    return unreadable(simdjson::error_message(error));
  }
  pub_ack out;
  element error;
  if (root["error"].get(error) == simdjson::SUCCESS) {
    std::int64_t code = 0;
    if (error["err_code"].get(code) && error["code"].get(code)) return unreadable("error code");
    std::string_view text;
    if (error["description"].get(text)) text = "no description";
    out.error_code = code == 0 ? ack_lost : static_cast<int>(code);
    out.error = text;
    return out;
  }
  if (root["seq"].get(out.seq) || out.seq == 0) return unreadable("no sequence");
  if (root["duplicate"].get(out.duplicate)) out.duplicate = false;
  return out;
}

auto parse_delivery(std::string_view reply) -> std::optional<delivery_numbers> {
  if (!reply.starts_with("$JS.ACK.")) return std::nullopt;
  constexpr std::size_t tokens_max = 12;
  std::array<std::string_view, tokens_max> tokens;
  std::size_t count = 0;
  for (std::string_view rest = reply; count < tokens_max; ++count) {
    const std::size_t dot = rest.find('.');
    tokens[count] = rest.substr(0, dot);
    if (dot == std::string_view::npos) {
      ++count;
      break;
    }
    rest.remove_prefix(dot + 1);
  }
  // 9 tokens; 11 with domain and account, 12 with a random one at the end.
  if (count != 9 && count != 11 && count != 12) return std::nullopt;
  const std::size_t shift = count == 9 ? 0 : 2;
  const auto stream_seq = to_number(tokens[5 + shift]);
  const auto consumer_seq = to_number(tokens[6 + shift]);
  const auto pending = to_number(tokens[8 + shift]);
  if (!stream_seq || !consumer_seq || !pending) return std::nullopt;
  return delivery_numbers{*stream_seq, *consumer_seq, *pending};
}

}  // namespace bestow::bus
