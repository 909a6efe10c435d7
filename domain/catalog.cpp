#include <fmt/format.h>

#include "domain/promotion.hpp"
#include "domain/promotion_answers.hpp"

namespace bestow::domain {

auto decide_create(const create_promotion& c, const event_metadata& metadata,
                   const promotion_catalog& catalog) -> std::variant<catalog_answer, refusal> {
  const auto& wanted = c.wanted;
  if (!metadata.idempotency_key.empty()) {
    const auto first = catalog.by_key.find({metadata.principal, metadata.idempotency_key});
    if (first != catalog.by_key.end()) {
      const auto& was = catalog.promotions.at(first->second.value).metadata;
      if (was.request_hash == metadata.request_hash) return catalog_answer{first->second, true};
      return refusal{rejection::idempotency_key_reused,
                     fmt::format("the key created promotion {} from another request body",
                                 first->second.value)};
    }
  }
  if (auto no = check_identity(c)) return *std::move(no);
  const auto same_id = catalog.promotions.find(wanted.promotion.value);
  if (same_id != catalog.promotions.end()) {
    if (same_promotion(wanted, same_id->second.created))
      return catalog_answer{wanted.promotion, true};
    return refusal{rejection::promotion_exists,
                   fmt::format("promotion {} exists with other content", wanted.promotion.value)};
  }
  if (auto no = check_texts(c)) return *std::move(no);
  if (!wanted.external_id.empty()) {
    const auto taken = catalog.by_external_id.find(wanted.external_id);
    if (taken != catalog.by_external_id.end())
      return refusal{rejection::external_id_taken,
                     fmt::format("promotion {} has external_id '{}'", taken->second.value,
                                 wanted.external_id)};
  }
  if (auto no = check_terms(c)) return *std::move(no);
  return catalog_answer{wanted.promotion, false};
}

void fold(promotion_catalog& catalog, const promotion_created& e, const event_metadata& metadata) {
  catalog.promotions.insert_or_assign(e.promotion.value, promotion_catalog::entry{e, metadata});
  if (!e.external_id.empty()) catalog.by_external_id.insert_or_assign(e.external_id, e.promotion);
  if (!metadata.idempotency_key.empty())
    catalog.by_key.insert_or_assign({metadata.principal, metadata.idempotency_key}, e.promotion);
}

}  // namespace bestow::domain
