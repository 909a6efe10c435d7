// Answers that several commands on a promotion share. Private to domain/. Pure.
//
// The checks of a wanted promotion are here too, so that decide(create_promotion) and decide_create
// say "no" in one order.
#pragma once

#include <optional>

#include "domain/promotion.hpp"

namespace bestow::domain {

/// The wish already stands.
[[nodiscard]] auto nothing() -> promotion_decision;
[[nodiscard]] auto one(promotion_event e) -> promotion_decision;
[[nodiscard]] auto not_found() -> refusal;
/// A run with the next number.
[[nodiscard]] auto begin_run(run_started wanted, bool resumed, const promotion& p)
    -> promotion_decision;
/// A refusal whose detail is the state the promotion is in.
[[nodiscard]] auto in_state(rejection why, const promotion& p) -> refusal;

/// Equal content: all fields but who created it.
[[nodiscard]] auto same_promotion(const promotion_created& a, const promotion_created& b) -> bool;

/// The rejections before promotion_exists. nullopt = none applies.
[[nodiscard]] auto check_identity(const create_promotion& c) -> std::optional<refusal>;
/// Those after promotion_exists and before external_id_taken.
[[nodiscard]] auto check_texts(const create_promotion& c) -> std::optional<refusal>;
/// Those after external_id_taken.
[[nodiscard]] auto check_terms(const create_promotion& c) -> std::optional<refusal>;

}  // namespace bestow::domain
