// The tables of one promotion that answer "seen before?" while its list is being imported.
#include "actors/promotion_host.hpp"

namespace bestow::actors {

namespace {

/// Puts one durable chunk of a batch that counts into the tables.
auto remember(promotion_host_state& s, const targets_imported& facts) -> result<void> {
  if (!s.facts.created.allow_multiple_per_customer) {
    for (std::size_t i = 0; i < facts.customer_uids.size(); ++i)
      if (auto in = s.customers->insert(facts.customer_uids[i]); !in)
        return tl::unexpected{in.error()};
  }
  if (!facts.ids_given) return {};
  for (std::size_t i = 0; i < facts.target_ids.size(); ++i)
    if (auto in = s.ids->insert(facts.target_ids[i]); !in) return tl::unexpected{in.error()};
  return {};
}

}  // namespace

auto prepare_tables(promotion_host_state& s) -> result<void> {
  if (s.customers) return {};
  const auto stem = "promotion-" + std::to_string(s.id.value);
  auto customers = store::make_u64_set(table_path(*s.context, stem + ".customers"));
  if (!customers) return tl::unexpected{customers.error()};
  auto ids = store::make_u64_set(table_path(*s.context, stem + ".ids"));
  if (!ids) return tl::unexpected{ids.error()};
  s.customers = std::move(*customers);
  s.ids = std::move(*ids);
  store::read_options options;
  options.types = {event_type::targets_imported};
  result<void> outcome{};
  const auto seen = s.context->parts.log->read_stream(
      stream_of(s.id), stream_version{}, options, [&](const store::stored_event& stored) {
        auto facts = decode_event<targets_imported>(stored.payload);
        if (!facts) {
          outcome = tl::unexpected{facts.error()};
          return false;
        }
        const auto it = s.facts.batches.find(facts->batch);
        const bool counts = it != s.facts.batches.end() &&
                            it->second.state != domain::batch_state::life::abandoned;
        if (counts) outcome = remember(s, *facts);
        return outcome.has_value();
      });
  if (!seen) outcome = tl::unexpected{seen.error()};
  if (!outcome) s.customers.reset();
  return outcome;
}

auto claim_rows(promotion_host_state& s, const targets_imported& f) -> result<claimed_rows> {
  claimed_rows c;
  const bool one_each = !s.facts.created.allow_multiple_per_customer;
  for (std::uint32_t i = 0; i < f.customer_uids.size(); ++i) {
    if (f.ids_given && s.ids->contains(f.target_ids[i])) {
      c.duplicate_ids.push_back(i);
      continue;
    }
    if (one_each) {
      auto fresh = s.customers->insert(f.customer_uids[i]);
      if (!fresh) return tl::unexpected{fresh.error()};
      if (!*fresh) {
        c.duplicate_customers.push_back(i);
        continue;
      }
    }
    if (!f.ids_given) continue;
    if (auto in = s.ids->insert(f.target_ids[i]); !in) return tl::unexpected{in.error()};
  }
  return c;
}

void refuse_duplicates(import_chunk& chunk, const claimed_rows& c,
                       std::vector<chunk_receipt::refused_row>& refused) {
  // Customers first from the back would shift ids: refuse in two passes over one index space.
  std::vector<std::uint32_t> customers;
  std::size_t before = 0;
  for (const auto i : c.duplicate_customers) {
    while (before < c.duplicate_ids.size() && c.duplicate_ids[before] < i) ++before;
    customers.push_back(i - static_cast<std::uint32_t>(before));
  }
  refuse_rows(chunk, c.duplicate_ids, domain::row_field::target_id,
              domain::row_rejection::target_id_duplicate, refused);
  refuse_rows(chunk, customers, domain::row_field::customer_uid,
              domain::row_rejection::customer_duplicate, refused);
}

void release_rows(promotion_host_state& s, const import_chunk& chunk,
                  const std::vector<std::uint32_t>& rows) {
  // Reset meanwhile: built anew from the log, which does not hold these rows.
  if (!s.customers || !s.ids) return;
  for (const auto i : rows) {
    if (!s.facts.created.allow_multiple_per_customer)
      s.customers->erase(chunk.facts.customer_uids[i]);
    if (chunk.facts.ids_given) s.ids->erase(chunk.facts.target_ids[i]);
  }
}

}  // namespace bestow::actors
