#include "projections/customer_trace.hpp"

#include <algorithm>
#include <map>
#include <memory>
#include <span>
#include <utility>

#include <fmt/format.h>

#include "events/codec.hpp"
#include "events/limits.hpp"
#include "events/promotion.hpp"
#include "projections/created_of.hpp"
#include "projections/customer_grants.hpp"
#include "projections/target_history.hpp"
#include "store/customer_run.hpp"
#include "store/read_fact.hpp"

namespace bestow::projections {

namespace {

using outcome = tl::expected<void, refused_read>;

/// Keeps the first `limit` + 1 lines behind the mark, whatever order the streams come in.
class page_gatherer {
 public:
  explicit page_gatherer(const trace_question& q) : after_{q.after}, limit_{q.limit} {}

  /// The lines of one fact, all of them and in their order.
  void add(position at, std::vector<trace_line> lines) {
    if (at < after_.at || (bound_ && at > *bound_)) return;
    const auto skipped = at > after_.at ? 0 : std::min<std::size_t>(after_.lines, lines.size());
    std::move(lines.begin() + static_cast<std::ptrdiff_t>(skipped), lines.end(),
              std::back_inserter(lines_));
    if (lines_.size() > 2 * limit_ + 4'096) cut();
  }
  /// False: no later fact of this stream can be on the page.
  [[nodiscard]] auto wants(position at) const -> bool { return !bound_ || at <= *bound_; }
  /// Ends a stream: what does not fit the page is given up.
  void cut() {
    std::stable_sort(lines_.begin(), lines_.end(), [](const trace_line& a, const trace_line& b) {
      return a.fact.at < b.fact.at;
    });
    if (lines_.size() <= limit_) return;
    lines_.resize(limit_ + 1);
    bound_ = lines_.back().fact.at;
  }
  void take(trace_page& page) {
    cut();
    if (lines_.size() > limit_) {
      const auto at = lines_[limit_ - 1].fact.at;
      const bool parted = lines_[limit_].fact.at == at;
      lines_.pop_back();
      const auto first = std::find_if(lines_.begin(), lines_.end(),
                                      [&](const trace_line& l) { return l.fact.at == at; });
      auto given = static_cast<std::uint32_t>(lines_.end() - first);
      if (at == after_.at) given += after_.lines;
      page.next = parted ? trace_mark{at, given} : trace_mark{at};
    }
    page.lines = std::move(lines_);
  }

 private:
  trace_mark after_;
  std::size_t limit_;
  std::vector<trace_line> lines_;
  std::optional<position> bound_;
};

/// A sealed list that may have the customer, and where it does.
struct found_list {
  customer_grants_row list;
  std::vector<store::import_place> places;  ///< In the log's order.
};

/// Looks a customer up in one run; a damaged run is built anew, once.
auto look_up(const store::event_log& log, store::target_lists& lists, customer_uid customer,
             found_list& in) -> result<void> {
  auto run = lists.customers(log, in.list.promotion, in.list.list_sha256);
  if (!run) return tl::unexpected{run.error()};
  const auto gather = [&](const store::import_place& place) {
    in.places.push_back(place);
    return in.places.size() <= limits::trace_targets_max;
  };
  auto found = (*run)->find(customer, gather);
  if (found) return {};
  in.places.clear();
  run = lists.build_customers(log, in.list.promotion);
  if (!run) return tl::unexpected{run.error()};
  return (*run)->find(customer, gather);
}

/// The data row of the input that became row `index` of the fact: refused rows are counted too.
auto input_row(const targets_imported& e, std::size_t index) -> std::uint64_t {
  auto row = e.first_row + index;
  for (std::size_t i = 0; i < e.rejected_rows.size() && e.rejected_rows[i] <= row; ++i) ++row;
  return row;
}

/// One promotion's lines: its imports, then the streams of the partitions concerned.
class promotion_trace {
 public:
  promotion_trace(const store::event_log& log, std::shared_ptr<const store::target_list> list,
                  const found_list& found, position until, const patience& time)
      : log_{&log}, list_{std::move(list)}, found_{&found}, until_{until}, time_{&time} {}

  [[nodiscard]] auto run(page_gatherer& into) -> outcome {
    if (auto done = read_type(); !done) return tl::unexpected<refused_read>{done.error()};
    const auto& places = found_->places;
    for (std::size_t i = 0; i < places.size();) {
      std::size_t end = i;
      while (end < places.size() && places[end].fact == places[i].fact) ++end;
      if (const auto no = time_->lost()) return tl::unexpected<refused_read>{*no};
      if (auto done = imports(std::span{places}.subspan(i, end - i), into); !done)
        return tl::unexpected<refused_read>{done.error()};
      i = end;
    }
    for (auto& [number, ordinals] : partitions_)
      if (auto done = follow(number, ordinals, into); !done) return done;
    return {};
  }

 private:
  [[nodiscard]] auto corrupt(position at, std::string_view what) const -> tl::unexpected<fault> {
    return fail(fault_code::log_corrupt, "trace customer",
                fmt::format("promotion {}, position {}: {}", found_->list.promotion.value, at.value,
                            what));
  }

  [[nodiscard]] auto read_type() -> result<void> {
    const auto first = created_of(*log_, found_->list.promotion);
    if (!first) return tl::unexpected{first.error()};
    if (!*first) return corrupt({}, "there is no promotion_created");
    type_ = (*first)->created.type;
    return {};
  }

  /// The lines of one targets_imported.
  [[nodiscard]] auto imports(std::span<const store::import_place> places, page_gatherer& into)
      -> result<void> {
    const auto at = places.front().fact;
    result<void> decoded = corrupt(at, "there is no targets_imported");
    const auto seen = store::read_fact(*log_, at, [&](const store::stored_event& e) {
      if (e.type != event_type::targets_imported) return;
      auto fact = decode_event<targets_imported>(e.payload);
      if (fact)
        decoded = import_lines(e, *fact, places, into);
      else
        decoded = tl::unexpected{fact.error()};
    });
    if (!seen) return tl::unexpected{seen.error()};
    return decoded;
  }

  [[nodiscard]] auto import_lines(const store::stored_event& e, const targets_imported& fact,
                                  std::span<const store::import_place> places, page_gatherer& into)
      -> result<void> {
    std::vector<trace_line> lines;
    for (const auto& place : places) {
      if (place.row >= fact.target_ids.size()) return corrupt(e.at, "a row is missing");
      const target_id id{fact.target_ids[place.row]};
      const partition_no number{static_cast<std::uint16_t>(fact.partitions[place.row])};
      const auto ordinal = list_->find(number, id);
      if (!ordinal) return corrupt(e.at, "the sealed list lacks one of its targets");
      partitions_[number].push_back(*ordinal);
      target_fact line;
      line.at = e.at;
      line.recorded_at = e.recorded_at;
      line.what = targets_imported::name;
      line.ordinal = *ordinal;
      auto full = line_of(number, std::move(line));
      full.batch = fact.batch;
      full.row = input_row(fact, place.row);
      full.fact.detail = fmt::format("batch {}, row {}", full.batch, full.row);
      lines.push_back(std::move(full));
    }
    into.add(e.at, std::move(lines));
    return {};
  }

  [[nodiscard]] auto follow(partition_no number, std::vector<target_ordinal> ordinals,
                            page_gatherer& into) -> outcome {
    target_history history{std::move(ordinals)};
    const auto stream = stream_of(found_->list.promotion, number);
    const store::read_options options{
        target_history::handles::types(), ~0ULL, limits::log_read_txn_bytes};
    result<void> applied;
    std::optional<read_refusal> no;
    bool enough = false;
    const auto visit = [&](const store::stored_event& e) {
      no = time_->lost();
      enough = e.at > until_ || !into.wants(e.at);
      if (no || enough) return false;
      applied = target_history::handles::apply(history, e);
      if (!applied) return false;
      std::vector<trace_line> lines;
      for (auto& line : history.take()) lines.push_back(line_of(number, std::move(line)));
      if (!lines.empty()) into.add(e.at, std::move(lines));
      return true;
    };
    for (stream_version after{}; !enough;) {
      // Here too: where wanted facts are rare, whole calls visit none.
      if (no = time_->lost(); no) return tl::unexpected<refused_read>{*no};
      const auto seen = log_->read_stream(stream, after, options, visit);
      if (no) return tl::unexpected<refused_read>{*no};
      if (!applied) return tl::unexpected<refused_read>{applied.error()};
      if (!seen) return tl::unexpected<refused_read>{seen.error()};
      if (*seen == after) break;
      after = *seen;
    }
    into.cut();
    return {};
  }

  [[nodiscard]] auto line_of(partition_no number, target_fact fact) const -> trace_line {
    const auto row = list_->row(number, fact.ordinal);
    return {found_->list.promotion, type_, row.id, std::move(fact), row.amount,
            std::string{list_->currency()}, "", 0};
  }

  const store::event_log* log_;
  std::shared_ptr<const store::target_list> list_;
  const found_list* found_;
  position until_;
  const patience* time_;
  promotion_type type_{promotion_type::point};
  std::map<partition_no, std::vector<target_ordinal>> partitions_;
};

/// The lists that span the customer, as the view had them at `until`.
auto candidates(const store::view_reader& rows, customer_uid customer, position until)
    -> result<std::vector<found_list>> {
  std::vector<found_list> out;
  const auto done = customer_grants::visit(rows, {}, [&](const customer_grants_row& row) {
    const bool spans = row.count > 0 && row.lowest <= customer && customer <= row.highest;
    if (spans && row.sealed_at <= until) out.push_back({row, {}});
    return true;
  });
  if (!done) return tl::unexpected{done.error()};
  return out;
}

}  // namespace

auto trace_customer(const view_set& views, const store::event_log& log, store::target_lists& lists,
                    const trace_question& question, const patience& time)
    -> tl::expected<answer<trace_page>, refused_read> {
  using refused = tl::unexpected<refused_read>;
  answer<trace_page> out;
  std::vector<found_list> found;
  {
    auto rows = views.read(customer_grants::name);
    if (!rows) return refused{rows.error()};
    const auto checkpoint = (*rows)->checkpoint();
    if (!checkpoint) return refused{checkpoint.error()};
    out.as_of = std::min(checkpoint->at, question.until.value_or(checkpoint->at));
    auto spanning = candidates(**rows, question.customer, out.as_of);
    if (!spanning) return refused{spanning.error()};
    found = std::move(*spanning);
  }
  for (auto& f : found) {
    if (const auto no = time.lost()) return refused{*no};
    if (auto done = look_up(log, lists, question.customer, f); !done) return refused{done.error()};
    out.value.promotions += f.places.empty() ? 0 : 1;
    out.value.targets += f.places.size();
    out.value.too_many = out.value.targets > limits::trace_targets_max;
    if (out.value.too_many) return out;
  }
  page_gatherer page{question};
  for (const auto& f : found) {
    if (f.places.empty()) continue;
    if (const auto no = time.lost()) return refused{*no};
    auto list = lists.open(log, f.list.promotion);
    if (!list) return refused{list.error()};
    promotion_trace trace{log, std::move(*list), f, out.as_of, time};
    if (auto done = trace.run(page); !done) return tl::unexpected{done.error()};
    page.cut();
  }
  page.take(out.value);
  return out;
}

}  // namespace bestow::projections
