// GET and POST of a promotion's reconciliation.
#include <fmt/format.h>

#include "apps/http/fresh.hpp"
#include "apps/http/handlers.hpp"
#include "apps/http/input.hpp"
#include "apps/http/json_writer.hpp"
#include "apps/http/reconciliation.hpp"
#include "domain/target_row.hpp"
#include "events/limits.hpp"

namespace bestow::http {
namespace {

void write_sum(json_writer& w, std::string_view name, const projections::balance_side& sum) {
  w.key(name).begin_object().count("count", sum.count).money("amount", sum.amount).end_object();
}

auto to_json(const reconciliation& r, const projections::promotion_row& row) -> std::string {
  const auto& n = row.counts;
  json_writer w;
  w.begin_object()
      .id("promotion_id", row.created.promotion.value)
      .field("state", domain::name_of(row.state))
      .field("currency", row.created.currency)
      .flag("consistent", r.difference_count == 0);
  write_sum(w, "sealed", r.sealed);
  write_sum(w, "published", r.published);
  write_sum(w, "published_expected", r.published_expected);
  w.field("paid_source", r.from_ledger ? "ledger" : "results");
  write_sum(w, "paid", r.paid);
  write_sum(w, "paid_expected", r.paid_expected);
  w.count("messages", r.messages)
      .count("unreadable_messages", r.unreadable_messages)
      .count("publish_failed_count", n.publish_failed)
      .count("fail_count", n.fail)
      .count("retrying_count", n.retrying)
      .count("unknown_count", n.unknown)
      .count("abandoned_count", n.abandoned)
      .count("difference_count", r.difference_count)
      .key("differences")
      .begin_array();
  for (const auto& d : r.differences) {
    w.begin_object();
    if (d.target == 0)
      w.key("target_id").null();
    else
      w.id("target_id", d.target);
    w.field("kind", d.kind).text_or_null("detail", d.detail).end_object();
  }
  w.end_array().count("as_of_position", r.as_of.value).end_object();
  return w.take();
}

/// One at a time: each holds memory by the target and reads a whole stream.
class turn {
 public:
  explicit turn(std::atomic<bool>& busy) : busy_{busy}, mine_{!busy.exchange(true)} {}
  turn(const turn&) = delete;
  auto operator=(const turn&) -> turn& = delete;
  ~turn() {
    if (mine_) busy_ = false;
  }
  [[nodiscard]] auto mine() const -> bool { return mine_; }

 private:
  std::atomic<bool>& busy_;
  bool mine_;
};

auto find_sealed(const http_parts& parts, const request& in)
    -> tl::expected<projections::promotion_row, problem> {
  auto id = path_id(in, 0);
  if (!id) return tl::unexpected(std::move(id.error()));
  if (auto p = wait_fresh(parts, in, "target_status")) return tl::unexpected(std::move(*p));
  auto found = find_promotion(parts, in, {*id});
  if (!found) return tl::unexpected(std::move(found.error()));
  if (!found->value.list)
    return tl::unexpected(
        problem_of(request_error::not_sealed_yet,
                   fmt::format("promotion {} is {}", *id, domain::name_of(found->value.state))));
  return std::move(found->value);
}

auto busy() -> answer {
  return tl::unexpected(problem_of(request_error::reconcile_running, "one at a time"));
}

auto run(const http_parts& parts, const projections::promotion_row& row,
         const std::vector<ledger_line>* ledger) -> answer {
  auto done = reconcile(parts, row, ledger);
  if (!done) return tl::unexpected(std::move(done.error()));
  return json_response(to_json(*done, row));
}

}  // namespace

auto reconcile_results(const http_parts& parts, const request& in) -> answer {
  auto row = find_sealed(parts, in);
  if (!row) return tl::unexpected(std::move(row.error()));
  const turn now{parts.state->reconciling};
  if (!now.mine()) return busy();
  return run(parts, *row, nullptr);
}

auto reconcile_ledger(const http_parts& parts, const request& in) -> answer {
  auto row = find_sealed(parts, in);
  if (!row) return tl::unexpected(std::move(row.error()));
  if (!in.has_body)
    return tl::unexpected(problem_of(request_error::body_missing, "send the ledger"));
  const turn now{parts.state->reconciling};
  if (!now.mine()) return busy();
  ledger_reader ledger{domain::currency_exponent(row->created.currency).value_or(0),
                       2 * row->list->total_count + limits::reconcile_spare_lines};
  const bool whole = in.read_body([&](std::string_view piece) { return ledger.feed(piece); });
  if (whole) static_cast<void>(ledger.finish());
  if (ledger.trouble()) return tl::unexpected(*ledger.trouble());
  if (!whole)
    return tl::unexpected(problem_of(request_error::body_interrupted, "the ledger broke off"));
  return run(parts, *row, &ledger.lines());
}

}  // namespace bestow::http
