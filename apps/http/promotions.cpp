// Commands on promotions: JSON in, one engine call, a receipt out.
#include <fmt/format.h>

#include "apps/http/handlers.hpp"
#include "apps/http/input.hpp"
#include "apps/http/render.hpp"
#include "apps/http/verb.hpp"
#include "events/limits.hpp"

namespace bestow::http {
namespace {

/// Without a promotion_type there is nothing to assume; everything else has a default.
auto read_promotion(field_reader& f) -> promotion_created {
  using enum domain::rejection;
  promotion_created p;
  p.promotion = {f.number("promotion_id", limits::id_max, from_one{promotion_id_out_of_range})};
  p.campaign_issued_seq = f.number("campaign_issued_seq", ~0ULL);
  p.external_id = f.text("external_id");
  f.require("promotion_type");
  const auto type = f.choice("promotion_type", {"VOUCHER", "POINT"});
  p.type = type == 0U ? promotion_type::voucher : promotion_type::point;
  p.total_count = f.number("total_count", ~0ULL, from_one{control_total_negative});
  p.total_amount = f.money("total_amount", {control_total_negative});
  p.currency = f.text("currency");
  if (p.currency.empty()) p.currency = "KRW";
  p.budget_amount = f.money("budget_amount", {budget_not_positive});
  const bool partitions = f.has("partition_count");
  const auto count = f.number("partition_count", ~0U);
  p.partition_count = partitions ? static_cast<std::uint32_t>(count) : 1;
  p.reservation_at = f.time("reservation_at");
  p.default_reason = f.text("default_reason");
  p.default_amount = f.money("default_amount", {default_amount_not_positive});
  p.default_expiry_at = f.time("default_expiry_at");
  p.allow_multiple_per_customer = f.boolean("allow_multiple_per_customer");
  const auto policy = f.choice("approval", {"none", "four_eyes"});
  p.approval = policy == 1U ? approval_policy::four_eyes : approval_policy::none;
  return p;
}

/// yyyymmdd or yyyy-mm-dd as a number; whether there is such a day is the domain's question.
auto read_run_date(field_reader& f) -> checked_value<std::uint32_t> {
  auto text = f.digits_or_text("run_date");
  if (text.empty()) return 0U;
  if (text.size() == 10 && text[4] == '-' && text[7] == '-')
    text = text.substr(0, 4) + text.substr(5, 2) + text.substr(8, 2);
  if (text.size() == 8 && text.find_first_not_of("0123456789") == std::string::npos)
    return static_cast<std::uint32_t>(std::stoul(text));
  return tl::unexpected(problem_of(
      request_error::field_out_of_range,
      fmt::format("run_date is '{}'; it wants 2026-01-31 or 20260131", shown(text)), "run_date"));
}

using plain_verb = auto(actors::engine::*)(promotion_id, const actors::caller&)
                       -> actors::outcome<actors::command_receipt>;

auto run_plain(const http_parts& parts, const request& in, plain_verb call) -> answer {
  auto v = read_verb(in);
  if (!v) return tl::unexpected(std::move(v.error()));
  if (auto p = v->fields.finish()) return tl::unexpected(std::move(*p));
  return receipt((parts.engine->*call)(v->id, v->by));
}

}  // namespace

auto create_promotion(const http_parts& parts, const request& in) -> answer {
  auto by = caller_of(in);
  if (!by) return tl::unexpected(std::move(by.error()));
  auto fields = body_fields(in);
  if (!fields) return tl::unexpected(std::move(fields.error()));
  auto wanted = read_promotion(*fields);
  if (auto p = fields->finish()) return tl::unexpected(std::move(*p));
  wanted.created_by = by->principal;
  // With tokens configured a command over NATS can still come without one: its creator could
  // approve under the own name.
  if (wanted.approval == approval_policy::four_eyes && in.without_token && !in.named)
    return tl::unexpected(problem_of(
        domain::refusal{domain::rejection::approval_policy_needs_tokens,
                        "approval is four_eyes, and the command has no token that names its "
                        "creator"}));
  const auto done = parts.engine->create(std::move(wanted), *by);
  return receipt(done, done && !done->repeated ? 201 : 200);
}

auto seal_promotion(const http_parts& parts, const request& in) -> answer {
  return run_plain(parts, in, &actors::engine::seal);
}
auto approve_promotion(const http_parts& parts, const request& in) -> answer {
  return run_plain(parts, in, &actors::engine::approve);
}
auto resume_promotion(const http_parts& parts, const request& in) -> answer {
  return run_plain(parts, in, &actors::engine::resume);
}

auto start_promotion(const http_parts& parts, const request& in) -> answer {
  auto v = read_verb(in);
  if (!v) return tl::unexpected(std::move(v.error()));
  const auto date = read_run_date(v->fields);
  if (!date) return tl::unexpected(date.error());
  if (auto p = v->fields.finish()) return tl::unexpected(std::move(*p));
  return receipt(parts.engine->start_run(v->id, *date, v->by));
}

auto stop_promotion(const http_parts& parts, const request& in) -> answer {
  auto v = read_verb(in);
  if (!v) return tl::unexpected(std::move(v.error()));
  auto reason = v->fields.text("reason");
  if (auto p = v->fields.finish()) return tl::unexpected(std::move(*p));
  if (auto p = check_reason(reason)) return tl::unexpected(std::move(*p));
  const auto done = parts.engine->stop_run(v->id, std::move(reason), v->by);
  const auto* late = done ? nullptr : std::get_if<fault>(&done.error());
  if (late == nullptr || late->operation != "stop") return receipt(done);
  // The wish is durable and only its end is open: this detail is the caller's to know.
  auto p = problem_of(*late);
  p.detail = late->detail;
  return tl::unexpected(std::move(p));
}

}  // namespace bestow::http
