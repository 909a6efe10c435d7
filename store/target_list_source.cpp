#include "store/target_list_source.hpp"

#include <utility>

#include "events/codec.hpp"
#include "events/limits.hpp"

namespace bestow::store {
namespace {

template <class Event, class Use>
auto decode_and(const stored_event& e, Use&& use) -> result<void> {
  auto fact = decode_event<Event>(e.payload);
  if (!fact) return tl::unexpected{std::move(fact).error()};
  return use(std::move(*fact));
}

/// Reads the whole stream in steps; `use` answers for each event, the first fault ends it.
template <class Use>
auto read_all(const event_log& log, const stream_id& stream, std::vector<event_type> types,
              std::uint64_t events_per_read, Use&& use) -> result<void> {
  read_options options;
  options.types = std::move(types);
  options.events_max = events_per_read;
  result<void> outcome;
  for (stream_version after{};;) {
    const auto seen = log.read_stream(stream, after, options, [&](const stored_event& e) {
      outcome = use(e);
      return outcome.has_value();
    });
    if (!outcome) return outcome;
    if (!seen) return tl::unexpected{seen.error()};
    if (*seen == after) return {};
    after = *seen;
  }
}

auto corrupt(const list_scope& scope, std::string_view what) -> tl::unexpected<fault> {
  return fail(fault_code::log_corrupt, "read targets_imported",
              to_string(stream_of(scope.created.promotion)) + ": " + std::string{what});
}

auto text_at(const string_column& column, std::size_t i, std::string_view otherwise)
    -> std::string_view {
  if (column.empty()) return otherwise;
  const auto text = column[i];
  return text.empty() ? otherwise : text;
}

auto lengths_agree(const targets_imported& f, bool voucher) -> bool {
  const auto n = f.target_ids.size();
  const auto fits = [n](std::size_t size) { return size == n || size == 0; };
  return f.customer_uids.size() == n && f.partitions.size() == n && f.amounts.size() == n &&
         f.expiries.size() == n && fits(f.reasons.size()) &&
         (!voucher || (f.voucher_numbers.size() == n && f.merchant_codes.size() == n &&
                       f.merchant_brand_codes.size() == n && f.withdrawals.size() == n));
}

auto visit_fact(const targets_imported& f, const list_scope& scope, const list_row_visitor& visit)
    -> result<void> {
  const auto& defaults = scope.created;
  const bool voucher = defaults.type == promotion_type::voucher;
  if (!lengths_agree(f, voucher)) return corrupt(scope, "columns differ in length");
  list_row row;
  for (std::size_t i = 0; i < f.target_ids.size(); ++i) {
    if (f.partitions[i] >= defaults.partition_count) return corrupt(scope, "no such partition");
    row.id = target_id{f.target_ids[i]};
    row.customer = customer_uid{f.customer_uids[i]};
    row.partition = partition_no{static_cast<std::uint16_t>(f.partitions[i])};
    row.amount = money_minor{static_cast<std::int64_t>(f.amounts[i])};
    if (row.amount.value == 0) row.amount = defaults.default_amount;
    row.expiry = timestamp{static_cast<std::int64_t>(f.expiries[i])};
    if (row.expiry.value == 0) row.expiry = defaults.default_expiry_at;
    row.reason = text_at(f.reasons, i, defaults.default_reason);
    if (voucher) {
      row.voucher_number = f.voucher_numbers[i];
      row.merchant_code = f.merchant_codes[i];
      row.merchant_brand_code = f.merchant_brand_codes[i];
      row.is_withdrawal = f.withdrawals[i] != 0;
    }
    visit(row);
  }
  return {};
}

}  // namespace

auto read_scope(const event_log& log, promotion_id promotion) -> result<list_scope> {
  list_scope scope;
  bool created = false;
  const auto types = std::vector{event_type::promotion_created, event_type::batch_closed,
                                 event_type::batch_abandoned, event_type::list_sealed};
  auto read =
      read_all(log, stream_of(promotion), types, ~0ULL, [&](const stored_event& e) -> result<void> {
        if (e.type == event_type::promotion_created)
          return decode_and<promotion_created>(e, [&](promotion_created f) -> result<void> {
            scope.created = std::move(f);
            created = true;
            return {};
          });
        if (e.type == event_type::batch_closed)
          return decode_and<batch_closed>(e, [&](batch_closed f) -> result<void> {
            scope.closed.insert(std::move(f.batch));
            return {};
          });
        if (e.type == event_type::batch_abandoned)
          return decode_and<batch_abandoned>(e, [&](batch_abandoned f) -> result<void> {
            scope.closed.erase(f.batch);
            return {};
          });
        return decode_and<list_sealed>(e, [&](list_sealed f) -> result<void> {
          scope.sealed = std::move(f);
          return {};
        });
      });
  if (!read) return tl::unexpected{std::move(read).error()};
  if (!created)
    return fail(fault_code::log_corrupt, "read promotion_created",
                to_string(stream_of(promotion)) + " has no such fact");
  return scope;
}

auto visit_list_facts(const event_log& log, const list_scope& scope, const list_fact_visitor& visit)
    -> result<void> {
  return read_all(log, stream_of(scope.created.promotion), {event_type::targets_imported},
                  limits::list_facts_per_read, [&](const stored_event& e) -> result<void> {
                    if (scope.cancelled != nullptr && *scope.cancelled)
                      return fail(fault_code::shutting_down, "build list", "");
                    return decode_and<targets_imported>(e, [&](const targets_imported& f) {
                      return scope.closed.contains(f.batch) ? visit(e, f) : result<void>{};
                    });
                  });
}

auto visit_logged_rows(const event_log& log, const list_scope& scope, const list_row_visitor& visit)
    -> result<void> {
  return visit_list_facts(log, scope, [&](const stored_event&, const targets_imported& f) {
    return visit_fact(f, scope, visit);
  });
}

}  // namespace bestow::store
