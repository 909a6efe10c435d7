#include "bench/log_bytes.hpp"

#include <vector>

#include "bench/harness.hpp"

namespace bestow::bench {
namespace {

auto encoded_size(const string_column& column) -> std::uint64_t {
  std::vector<std::byte> bytes;
  column.encode(bytes);
  return bytes.size();
}

auto sum(const std::map<event_type, std::uint64_t>& by_type) -> std::uint64_t {
  std::uint64_t n = 0;
  for (const auto& [type, bytes] : by_type) n += bytes;
  return n;
}

}  // namespace

auto log_bytes::of(const store::event_log& log) -> log_bytes {
  log_bytes out;
  must(log.read({}, {}, [&](const store::stored_event& e) {
    out.payloads[e.type] += e.payload.size() + e.metadata.size();
    ++out.facts[e.type];
    if (e.type == event_type::targets_imported)
      out.imported += must(decode_event<targets_imported>(e.payload)).customer_uids.size();
    if (e.type == event_type::results_recorded) {
      const auto f = must(decode_event<results_recorded>(e.payload));
      out.results += f.ordinals.size();
      out.payer_strings += encoded_size(f.transaction_keys) + encoded_size(f.error_messages);
    }
    return true;
  }));
  return out;
}

auto log_bytes::total() const -> std::uint64_t { return sum(payloads); }

auto log_bytes::import_bytes() const -> std::uint64_t {
  const auto it = payloads.find(event_type::targets_imported);
  return it == payloads.end() ? 0 : it->second;
}

auto log_bytes::later_bytes() const -> std::uint64_t {
  return total() - import_bytes() - payer_strings;
}

}  // namespace bestow::bench
