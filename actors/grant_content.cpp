#include "actors/grant_content.hpp"

#include "domain/target_row.hpp"

namespace bestow::actors {

auto fields_of(const store::target_list& list, partition_no k, target_ordinal ordinal)
    -> bus::grant_fields {
  const auto row = list.row(k, ordinal);
  bus::grant_fields f;
  f.id = row.id;
  f.customer = row.customer;
  f.partition = row.partition;
  f.amount = row.amount;
  f.currency_exponent = domain::currency_exponent(list.currency()).value_or(0);
  f.expiry = row.expiry;
  f.reason = row.reason;
  f.voucher_number = row.voucher_number;
  f.merchant_code = row.merchant_code;
  f.merchant_brand_code = row.merchant_brand_code;
  f.is_withdrawal = row.is_withdrawal;
  return f;
}

auto encode_release(const targets_released& release, const store::target_list& list,
                    std::uint32_t first, std::uint32_t count) -> bus::outgoing_chunk {
  const bus::grant_encoder encoder{release};
  bus::outgoing_chunk chunk;
  chunk.subject = encoder.subject();
  chunk.event_type = encoder.event_type();
  auto next = grants_before(release, first);
  chunk.buffer.reserve((grants_before(release, first + count) - next) * 400);
  chunk.ends.reserve(count);
  for (std::uint32_t i = first; i < first + count; ++i) {
    const auto grants = grants_of(release, i);
    encoder.append_message(chunk.buffer, grants, [&](std::uint32_t j) {
      return fields_of(list, release.partition, target_ordinal{release.ordinals.at(next + j)});
    });
    next += grants;
    chunk.ends.push_back(static_cast<std::uint32_t>(chunk.buffer.size()));
  }
  return chunk;
}

}  // namespace bestow::actors
