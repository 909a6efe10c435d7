// Results of payers that write tables: the body is judged row by row, held against the sealed list
// and recorded like results that came over the broker, which need not be there.
#include <algorithm>
#include <memory>
#include <utility>

#include <fmt/format.h>

#include "apps/http/fresh.hpp"
#include "apps/http/handlers.hpp"
#include "apps/http/input.hpp"
#include "apps/http/json_writer.hpp"
#include "apps/import/result_rows.hpp"
#include "domain/target_row.hpp"
#include "events/limits.hpp"
#include "store/find_target.hpp"

namespace bestow::http {
namespace {

using domain::result_field;
using domain::result_rejection;

struct refused_row {
  std::uint64_t line{0};
  domain::result_refusal why;
};

/// One results file on its way into the log.
class result_import {
 public:
  result_import(const http_parts& parts, const projections::promotion_row& row,
                std::shared_ptr<const store::target_list> list, import_format format)
      : parts_{parts},
        id_{row.created.promotion},
        type_{row.created.type},
        list_{std::move(list)},
        rows_{type_, format} {}

  /// False: trouble() says why; what was recorded stays.
  auto push(std::string_view piece) -> bool {
    rows_.push(piece);
    return take_rows();
  }
  auto finish() -> bool {
    rows_.end();
    const bool good = take_rows() && record();
    // The list's refusals come batch by batch, behind those of the rows themselves.
    std::ranges::sort(rejects_, {}, &refused_row::line);
    return good;
  }
  [[nodiscard]] auto trouble() const -> const std::optional<actors::trouble>& { return trouble_; }
  [[nodiscard]] auto to_json() const -> std::string;

 private:
  auto take_rows() -> bool {
    while (auto next = rows_.next()) {
      if (!*next) {
        trouble_ = next->error();
        return false;
      }
      ++count_;
      const auto line = (*next)->line;
      if (auto* no = std::get_if<domain::result_refusal>(&(*next)->row))
        refuse(line, std::move(*no));
      else
        take(line, std::get<domain::result_line>((*next)->row));
      if (waiting_->size() == limits::result_import_rows && !record()) return false;
    }
    return true;
  }

  void refuse(std::uint64_t line, domain::result_refusal why) {
    ++rejected_;
    if (rejects_.size() < limits::rejects_in_answer_max) rejects_.push_back({line, std::move(why)});
  }

  [[nodiscard]] auto find(const domain::result_line& r)
      -> std::optional<store::target_place> {
    // Where the customer's hash puts it, unless the list was given partitions of its own.
    const auto guess = r.customer
                           ? domain::default_partition(*r.customer, list_->partition_count())
                           : last_found_;
    return store::find_target(*list_, r.id, guess);
  }

  void take(std::uint64_t line, const domain::result_line& r) {
    if (r.promotion && *r.promotion != id_)
      return refuse(line, {result_field::promotion_id, result_rejection::result_promotion_differs,
                           fmt::format("promotion_id is {}", r.promotion->value)});
    const auto at = find(r);
    if (!at)
      return refuse(line, {result_field::target_id, result_rejection::result_target_unknown,
                           fmt::format("target {}", r.id.value)});
    last_found_ = at->partition;
    const auto target = list_->row(at->partition, at->ordinal);
    if (r.customer && *r.customer != target.customer)
      return refuse(line, {result_field::customer_uid, result_rejection::result_customer_differs,
                           fmt::format("target {}", r.id.value)});
    if (r.partition && *r.partition != at->partition)
      return refuse(line,
                    {result_field::partition_key, result_rejection::result_partition_differs,
                     fmt::format("partition_key is {}, the list has {}", r.partition->value,
                                 at->partition.value)});
    bus::decoded_result one;
    one.type = type_;
    one.promotion = id_;
    one.id = r.id;
    one.customer = target.customer;
    one.partition = at->partition;
    one.status = r.status;
    one.transaction_key = r.transaction_key;
    one.error_message = r.error_message;
    one.attempt = r.attempt;
    one.at = r.at;
    waiting_->push_back(std::move(one));
    lines_.push_back(line);
  }

  auto record() -> bool {
    if (waiting_->empty()) return true;
    const auto size = waiting_->size();
    auto done = parts_.engine->record_results(std::exchange(waiting_, fresh()));
    if (!done) {
      trouble_ = done.error();
      return false;
    }
    at_ = std::max(at_, done->at);
    duplicates_ += done->duplicates;
    recorded_ += size - done->refused.size() - done->duplicates;
    for (auto& r : done->refused)
      refuse(lines_[r.row], {result_field::target_id, result_rejection::result_never_released,
                             std::move(r.reason)});
    lines_.clear();
    return !parts_.state->stopping.load();
  }

  using batch = std::shared_ptr<std::vector<bus::decoded_result>>;
  [[nodiscard]] static auto fresh() -> batch {
    auto b = std::make_shared<std::vector<bus::decoded_result>>();
    b->reserve(limits::result_import_rows);
    return b;
  }

  const http_parts& parts_;
  promotion_id id_;
  promotion_type type_;
  std::shared_ptr<const store::target_list> list_;
  importing::result_rows rows_;
  batch waiting_{fresh()};
  std::vector<std::uint64_t> lines_;  ///< Of what waits.
  partition_no last_found_{};
  std::uint64_t count_{0};
  std::uint64_t recorded_{0};
  std::uint64_t duplicates_{0};
  std::uint64_t rejected_{0};
  std::vector<refused_row> rejects_;
  position at_{};
  std::optional<actors::trouble> trouble_;
};

auto result_import::to_json() const -> std::string {
  json_writer w;
  w.begin_object()
      .id("promotion_id", id_.value)
      .count("rows", count_)
      .count("recorded", recorded_)
      .count("duplicates", duplicates_)
      .count("rejected", rejected_)
      .key("rejects")
      .begin_array();
  for (const auto& r : rejects_)
    w.begin_object()
        .count("line", r.line)
        .field("field", name_of(r.why.field))
        .field("code", name_of(r.why.code))
        .field("detail", r.why.detail)
        .end_object();
  w.end_array().count("position", at_.value).end_object();
  return w.take();
}

auto format_of(const request& in) -> checked_value<import_format> {
  const auto wanted = in.query_value("format");
  if (wanted == "csv") return import_format::csv;
  if (wanted == "ndjson") return import_format::ndjson;
  if (in.has_query("format"))
    return tl::unexpected(problem_of(request_error::query_invalid,
                                     fmt::format("format is '{}'; allowed are csv, ndjson",
                                                 shown(wanted)),
                                     "format"));
  return in.header("Content-Type").find("json") != std::string_view::npos ? import_format::ndjson
                                                                           : import_format::csv;
}

}  // namespace

auto import_results(const http_parts& parts, const request& in) -> answer {
  const auto id = path_id(in, 0);
  if (!id) return tl::unexpected(id.error());
  const auto format = format_of(in);
  if (!format) return tl::unexpected(format.error());
  if (auto p = wait_fresh(parts, in, "promotion_summary")) return tl::unexpected(std::move(*p));
  const auto found = find_promotion(parts, in, {*id});
  if (!found) return tl::unexpected(found.error());
  if (!found->value.list)
    return tl::unexpected(
        problem_of(request_error::not_sealed_yet,
                   fmt::format("promotion {} is {}", *id, domain::name_of(found->value.state))));
  auto list = parts.lists->open(*parts.log, {*id});
  if (!list) return tl::unexpected(problem_of(list.error()));
  if (!in.has_body)
    return tl::unexpected(problem_of(request_error::body_missing, "send the results"));
  result_import work{parts, found->value, std::move(*list), *format};
  bool good = true;
  // After a refusal the rest is read and dropped, so that the client gets to read why.
  const bool whole = in.read_body([&](std::string_view piece) {
    parts.state->imported_bytes.fetch_add(piece.size(), std::memory_order_relaxed);
    good = good && work.push(piece);
    return !parts.state->stopping.load();
  });
  if (good && whole) good = work.finish();
  if (work.trouble()) return tl::unexpected(problem_of(*work.trouble()));
  if (!good || !whole)
    return tl::unexpected(problem_of(request_error::body_interrupted,
                                     "what came is recorded; send the file again to go on"));
  return json_response(work.to_json());
}

}  // namespace bestow::http
