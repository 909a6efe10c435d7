// Batches of targets on their way into a draft. A repeat of what is durable stays quiet, even after
// the list is sealed: whoever lost an answer may ask again.
#include <fmt/format.h>

#include <algorithm>

#include "domain/promotion.hpp"
#include "domain/promotion_answers.hpp"
#include "domain/target_row.hpp"
#include "domain/text.hpp"
#include "events/assert.hpp"
#include "events/limits.hpp"

namespace bestow::domain {
namespace {

using life = batch_state::life;

auto find(const promotion& p, std::string_view batch) -> const batch_state* {
  const auto at = p.batches.find(batch);
  return at == p.batches.end() ? nullptr : &at->second;
}

/// The refusals every command about rows of a batch shares, `b` being nullptr when unknown.
auto check_open(std::string_view batch, const batch_state* b, const promotion& p)
    -> std::optional<refusal> {
  if (p.state == promotion_state::none) return not_found();
  if (p.state == promotion_state::cancelled) return in_state(rejection::promotion_cancelled, p);
  if (p.state != promotion_state::draft) return in_state(rejection::list_already_sealed, p);
  if (b && b->state == life::abandoned)
    return refusal{rejection::batch_abandoned, fmt::format("batch {} was given up", batch)};
  if (!b || b->state != life::open)
    return refusal{rejection::batch_not_open, fmt::format("batch {} is not open", batch)};
  return std::nullopt;
}

auto check_batch_id(const std::string& batch) -> std::optional<refusal> {
  if (batch.empty()) return refusal{rejection::batch_id_missing, "the batch id is empty"};
  const auto chars = utf8_length(batch);
  if (chars && *chars > limits::batch_id_chars_max)
    return refusal{rejection::batch_id_too_long,
                   fmt::format("the batch id has {} characters; at most {} are allowed", *chars,
                               limits::batch_id_chars_max)};
  return std::nullopt;
}

/// Whether all rows of the chunk are durable in the batch already.
auto is_covered(const targets_imported& chunk, const batch_state& b) -> bool {
  return chunk.first_row >= 1 && chunk.first_row - 1 + chunk.row_count <= b.rows;
}

/// Whether a covered chunk contradicts what is known of the batch's bytes.
auto contradicts(const targets_imported& chunk, const batch_state& b) -> bool {
  if (chunk.row_count == 0) return false;
  if (chunk.first_row - 1 + chunk.row_count < b.rows) return chunk.byte_end >= b.bytes;
  return chunk.byte_end != b.bytes || chunk.prefix_sha256 != b.prefix;
}

auto differs(std::string_view batch) -> refusal {
  return {rejection::batch_content_differs,
          fmt::format("batch {} came before with other content", batch)};
}

auto check_ids(const targets_imported& chunk, const promotion& p) -> std::optional<refusal> {
  const auto accepted = chunk.customer_uids.size();
  if (accepted == 0) return std::nullopt;
  const bool in_part = chunk.target_ids.size() != (chunk.ids_given ? accepted : 0);
  if (!in_part && p.ids_given.value_or(chunk.ids_given) == chunk.ids_given) return std::nullopt;
  if (in_part)
    return refusal{rejection::ids_given_in_part, "some rows of the chunk have an id, others not"};
  return refusal{rejection::ids_given_in_part,
                 *p.ids_given ? "earlier rows of the promotion have ids, these have none"
                              : "earlier rows of the promotion have no ids, these have"};
}

auto check_count(const targets_imported& chunk, const promotion& p) -> std::optional<refusal> {
  const auto accepted = chunk.customer_uids.size();
  if (accepted <= limits::targets_per_promotion_max - p.accepted_rows) return std::nullopt;
  return refusal{rejection::too_many_targets,
                 fmt::format("{} targets and {} more; at most {}", p.accepted_rows, accepted,
                             limits::targets_per_promotion_max)};
}

/// The parser and the host promise columns of one length; a list built from others would be wrong.
void assert_complete(const targets_imported& chunk) {
  const auto accepted = chunk.customer_uids.size();
  BESTOW_ASSERT(chunk.row_count == accepted + chunk.rejected_rows.size());
  BESTOW_ASSERT(chunk.partitions.size() == accepted);
  BESTOW_ASSERT(chunk.amounts.size() == accepted);
  BESTOW_ASSERT(chunk.expiries.size() == accepted);
  BESTOW_ASSERT(chunk.reasons.size() == accepted);
}

}  // namespace

auto decide(const open_batch& c, const promotion& p) -> promotion_decision {
  if (p.state == promotion_state::none) return not_found();
  const auto* b = find(p, c.batch);
  if (b && b->state != life::abandoned && b->format == c.format) return nothing();
  if (!utf8_length(c.batch) || has_control_character(c.batch))
    return refusal{rejection::text_malformed,
                   "the batch id must be UTF-8 without control characters"};
  if (p.state == promotion_state::cancelled) return in_state(rejection::promotion_cancelled, p);
  if (p.state != promotion_state::draft) return in_state(rejection::list_already_sealed, p);
  if (auto no = check_batch_id(c.batch)) return *std::move(no);
  if (b && b->state != life::abandoned) return differs(c.batch);
  if (b) return refusal{rejection::batch_abandoned, fmt::format("batch {} was given up", c.batch)};
  const auto open = std::ranges::count(p.batches, life::open,
                                       [](const auto& entry) { return entry.second.state; });
  if (static_cast<std::size_t>(open) >= limits::open_batches_max)
    return refusal{rejection::too_many_open_batches, fmt::format("{} batches are open", open)};
  return one(batch_opened{c.batch, c.format, c.now});
}

auto decide(const import_targets& c, const promotion& p) -> promotion_decision {
  const auto& chunk = c.facts;
  const auto* b = find(p, chunk.batch);
  const bool known = b && b->state != life::abandoned;
  const bool covered = known && is_covered(chunk, *b);
  if (covered && !contradicts(chunk, *b)) return nothing();
  if (p.state == promotion_state::draft && (covered || (known && b->state == life::closed)))
    return differs(chunk.batch);
  if (auto no = check_open(chunk.batch, b, p)) return *std::move(no);
  if (chunk.row_count == 0) return nothing();
  if (chunk.first_row != b->rows + 1 || chunk.byte_end < b->bytes)
    return refusal{rejection::batch_rows_out_of_order,
                   fmt::format("the chunk begins at row {}; the next row of batch {} is {}",
                               chunk.first_row, chunk.batch, b->rows + 1)};
  if (auto no = check_ids(chunk, p)) return *std::move(no);
  if (auto no = check_count(chunk, p)) return *std::move(no);
  const auto accepted = chunk.customer_uids.size();
  assert_complete(chunk);
  auto fact = chunk;
  if (!fact.ids_given) fact.target_ids = u64_column::arithmetic(p.next_free_id, 1, accepted);
  return one(std::move(fact));
}

auto may_import(const targets_imported& chunk, const promotion& p) -> std::optional<refusal> {
  if (p.state == promotion_state::none) return not_found();
  if (p.state == promotion_state::cancelled) return in_state(rejection::promotion_cancelled, p);
  if (p.state != promotion_state::draft) return in_state(rejection::list_already_sealed, p);
  if (auto no = check_ids(chunk, p)) return no;
  return check_count(chunk, p);
}

auto decide(const close_batch& c, const promotion& p) -> promotion_decision {
  const auto* b = find(p, c.batch);
  const bool closed = b && b->state == life::closed;
  if (closed && b->sha256 == c.sha256) return nothing();
  const bool other_end =
      b && b->state == life::open && b->rows > 0 && c.bytes == b->bytes && c.sha256 != b->prefix;
  if (p.state == promotion_state::draft && (closed || other_end)) return differs(c.batch);
  if (auto no = check_open(c.batch, b, p)) return *std::move(no);
  // Bytes after the last row (blank lines) belong to no chunk; bytes before its end are missing.
  if (c.rows != b->rows || c.bytes < b->bytes)
    return refusal{rejection::batch_rows_out_of_order,
                   fmt::format("the input ends after {} rows and {} bytes; judged were {} rows, {} "
                               "bytes",
                               c.rows, c.bytes, b->rows, b->bytes)};
  return one(batch_closed{c.batch, b->rows, b->accepted, b->rejected, c.sha256});
}

auto decide(const abandon_batch& c, const promotion& p) -> promotion_decision {
  const auto* b = find(p, c.batch);
  if (b && b->state == life::abandoned) return nothing();
  if (auto no = check_open(c.batch, b, p)) return *std::move(no);
  return one(batch_abandoned{c.batch, c.reason});
}

}  // namespace bestow::domain
