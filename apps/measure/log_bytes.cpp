#include "apps/measure/log_bytes.hpp"

#include <vector>


namespace bestow::measure {
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

auto log_bytes::of(const store::event_log& log) -> result<log_bytes> {
  log_bytes out;
  result<void> decoded;
  const auto read = log.read({}, {}, [&](const store::stored_event& e) {
    decoded = out.add(e);
    return decoded.has_value();
  });
  if (!read) return tl::unexpected<fault>{read.error()};
  if (!decoded) return tl::unexpected<fault>{decoded.error()};
  return out;
}

auto log_bytes::add(const store::stored_event& e) -> result<void> {
  payloads[e.type] += e.payload.size() + e.metadata.size();
  ++facts[e.type];
  if (e.type == event_type::targets_imported) {
    const auto f = decode_event<targets_imported>(e.payload);
    if (!f) return tl::unexpected<fault>{f.error()};
    imported += f->customer_uids.size();
  } else if (e.type == event_type::results_recorded) {
    const auto f = decode_event<results_recorded>(e.payload);
    if (!f) return tl::unexpected<fault>{f.error()};
    results += f->ordinals.size();
    payer_strings += encoded_size(f->transaction_keys) + encoded_size(f->error_messages);
  }
  return {};
}

auto log_bytes::total() const -> std::uint64_t { return sum(payloads); }

auto log_bytes::import_bytes() const -> std::uint64_t {
  const auto it = payloads.find(event_type::targets_imported);
  return it == payloads.end() ? 0 : it->second;
}

auto log_bytes::later_bytes() const -> std::uint64_t {
  return total() - import_bytes() - payer_strings;
}

}  // namespace bestow::measure
