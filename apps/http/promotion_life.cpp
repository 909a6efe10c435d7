// Schedule, cancel, close, retry, recall: JSON in, one engine call, a receipt out.
#include "apps/http/handlers.hpp"
#include "apps/http/input.hpp"
#include "apps/http/verb.hpp"

namespace bestow::http {
namespace {

using reasoned_verb = auto(actors::engine::*)(promotion_id, std::string, const actors::caller&)
                          -> actors::outcome<actors::command_receipt>;

auto run_reasoned(const http_parts& parts, const request& in, reasoned_verb call) -> answer {
  auto v = read_verb(in);
  if (!v) return tl::unexpected(std::move(v.error()));
  auto reason = v->fields.text("reason");
  if (auto p = v->fields.finish()) return tl::unexpected(std::move(*p));
  if (auto p = check_reason(reason)) return tl::unexpected(std::move(*p));
  return receipt((parts.engine->*call)(v->id, std::move(reason), v->by));
}

}  // namespace

auto schedule_promotion(const http_parts& parts, const request& in) -> answer {
  auto v = read_verb(in);
  if (!v) return tl::unexpected(std::move(v.error()));
  v->fields.require("at");
  const auto at = v->fields.time("at");
  if (auto p = v->fields.finish()) return tl::unexpected(std::move(*p));
  return receipt(parts.engine->schedule(v->id, at, v->by));
}

auto cancel_promotion(const http_parts& parts, const request& in) -> answer {
  return run_reasoned(parts, in, &actors::engine::cancel);
}

auto close_promotion(const http_parts& parts, const request& in) -> answer {
  return run_reasoned(parts, in, &actors::engine::close);
}

auto retry_promotion(const http_parts& parts, const request& in) -> answer {
  auto v = read_verb(in);
  if (!v) return tl::unexpected(std::move(v.error()));
  const auto scope = v->fields.choice("status", {"failed", "unknown"});
  auto targets = v->fields.ids("targets");
  if (auto p = v->fields.finish()) return tl::unexpected(std::move(*p));
  return receipt(parts.engine->retry(v->id,
                                     scope == 1U ? retry_scope::unknown : retry_scope::failed,
                                     std::move(targets), v->by));
}

auto recall_promotion(const http_parts& parts, const request& in) -> answer {
  auto v = read_verb(in);
  if (!v) return tl::unexpected(std::move(v.error()));
  auto reason = v->fields.text("reason");
  auto targets = v->fields.ids("targets");
  if (auto p = v->fields.finish()) return tl::unexpected(std::move(*p));
  return receipt(parts.engine->recall(v->id, std::move(reason), std::move(targets), v->by));
}

}  // namespace bestow::http
