#include "apps/import/dry_run.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <limits>
#include <utility>

#include "apps/import/read_promotion.hpp"
#include "domain/target_row.hpp"
#include "events/limits.hpp"

namespace bestow::importing {
namespace {

using actors::trouble;

auto failed(fault f) -> tl::unexpected<trouble> {
  return tl::unexpected<trouble>{std::move(f)};
}

/// Two dry runs at once have tables of their own.
auto table_stem(const std::string& directory) -> std::string {
  static std::atomic<std::uint64_t> runs{0};
  return directory.empty() ? std::string{}
                           : fmt::format("{}/dry-run-{}", directory, runs.fetch_add(1));
}

}  // namespace

dry_run::dry_run(actors::engine& engine, const store::event_log& log, dry_run_options options)
    : engine_{&engine}, log_{&log}, options_{std::move(options)} {}

auto dry_run::push(std::string_view bytes) -> actors::outcome<void> {
  if (trouble_) return tl::unexpected{*trouble_};
  if (!session_)
    if (auto begun = begin(); !begun) return tl::unexpected{*(trouble_ = begun.error())};
  session_->push(bytes);
  auto advanced = advance();
  if (!advanced) trouble_ = advanced.error();
  return advanced;
}

auto dry_run::finish() -> actors::outcome<dry_run_answer> {
  if (auto pushed = push({}); !pushed) return tl::unexpected{pushed.error()};
  session_->end();
  if (auto advanced = advance(); !advanced)
    return tl::unexpected{*(trouble_ = advanced.error())};
  answer_.rows = session_->rows();
  answer_.bytes = session_->bytes();
  answer_.sha256 = session_->sha256();
  answer_.split_customers = tables_->split_customers();
  return std::move(answer_);
}

auto dry_run::begin() -> actors::outcome<void> {
  auto created = read_promotion(*log_, options_.promotion);
  if (!created) return tl::unexpected{created.error()};
  created_ = *std::move(created);
  // A list that is sealed refuses before the input is read.
  if (auto may = engine_->probe(options_.promotion, {}); !may) return tl::unexpected{may.error()};
  session_options wanted{"", created_.type, options_.format, nullptr};
  if (options_.cp949) {
    auto converter = text_converter::open_cp949();
    if (!converter) return failed(std::move(converter).error());
    wanted.converter = std::move(*converter);
  }
  tables_.emplace(table_stem(options_.directory), !created_.allow_multiple_per_customer,
                  created_.partition_count);
  answer_.currency = created_.currency;
  answer_.partitions.resize(created_.partition_count);
  session_.emplace(std::move(wanted));
  return {};
}

auto dry_run::advance() -> actors::outcome<void> {
  if (!started_) {
    auto checked = session_->check_begin();
    if (!checked) return {};
    if (!*checked) return tl::unexpected<trouble>{std::move(*checked).error()};
    domain::row_rules rules;
    rules.promotion = options_.promotion;
    rules.type = created_.type;
    rules.partition_count = created_.partition_count;
    rules.currency_exponent = domain::currency_exponent(created_.currency).value_or(0);
    rules.now = options_.now;
    session_->start(rules, {});
    started_ = true;
  }
  while (auto next = session_->next()) {
    if (!*next) return tl::unexpected<trouble>{std::move(*next).error()};
    if (auto taken = take(*std::move(*next)); !taken) return taken;
  }
  return {};
}

auto dry_run::take(judged_chunk chunk) -> actors::outcome<void> {
  const auto known = engine_->probe(options_.promotion, chunk.chunk);
  if (!known) return tl::unexpected{known.error()};
  const auto& facts = chunk.chunk.facts;
  auto duplicates = tables_->claim(facts, *known);
  if (!duplicates) return failed(std::move(duplicates).error());
  auto bad_rows = std::move(chunk.bad_rows);
  std::size_t next = 0;
  for (std::uint32_t i = 0; i < facts.customer_uids.size(); ++i) {
    if (next == duplicates->size() || (*duplicates)[next].index != i) {
      count(facts, i);
      continue;
    }
    const auto& found = (*duplicates)[next++];
    const auto row = chunk.chunk.row_numbers[i];
    const auto name = name_of(found.field, created_.type == promotion_type::voucher);
    const auto value = session_->original_field(chunk.original_of(row), found.field);
    bad_rows.push_back({row, found.field, found.code,
                        fmt::format("{} '{}' was imported before, or stands twice", name, value)});
  }
  std::ranges::sort(bad_rows, {}, &bad_row::row);
  report(chunk, std::move(bad_rows));
  return {};
}

/// One row that would be accepted.
void dry_run::count(const targets_imported& facts, std::size_t row) {
  ++answer_.accepted;
  auto& load = answer_.partitions[facts.partitions[row]];
  ++load.count;
  const auto own = static_cast<std::int64_t>(facts.amounts[row]);
  const auto amount = own != 0 ? own : created_.default_amount.value;
  if (amount == 0) ++answer_.without_amount;
  if (facts.reasons[row].empty() && created_.default_reason.empty()) ++answer_.without_reason;
  if (facts.expiries[row] == 0 && created_.default_expiry_at == timestamp{})
    ++answer_.without_expiry;
  if (answer_.amount.value > std::numeric_limits<std::int64_t>::max() - amount) {
    answer_.amount_overflows = true;
    return;
  }
  answer_.amount.value += amount;
  load.amount.value += amount;
}

void dry_run::report(const judged_chunk& chunk, std::vector<bad_row> bad_rows) {
  answer_.rejected += bad_rows.size();
  for (auto& bad : bad_rows) {
    if (answer_.rejects.size() == limits::rejects_in_answer_max) return;
    answer_.rejects.push_back(
        {chunk.line_of(bad.row),
         std::string{name_of(bad.field, created_.type == promotion_type::voucher)},
         std::string{name_of(bad.code)}, as_text(std::move(bad.detail))});
  }
}

}  // namespace bestow::importing
