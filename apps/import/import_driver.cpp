#include "apps/import/import_driver.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <utility>

#include "apps/import/read_promotion.hpp"
#include "domain/target_row.hpp"
#include "events/limits.hpp"

namespace bestow::importing {
namespace {

using actors::trouble;
using domain::rejection;
using domain::row_rejection;

auto refused(rejection why, std::string detail) -> tl::unexpected<trouble> {
  return tl::unexpected<trouble>{domain::refusal{why, std::move(detail)}};
}
auto failed(fault f) -> tl::unexpected<trouble> {
  return tl::unexpected<trouble>{std::move(f)};
}

}  // namespace

/// Where answers of chunks arrive, from actor threads. Outlives the driver when it must.
struct import_driver::landing {
  std::mutex mutex;
  std::condition_variable arrived;
};

/// A chunk on its way to the log.
struct import_driver::flight {
  judged_chunk chunk;
  std::optional<actors::outcome<actors::chunk_receipt>> answer;  ///< Guarded by landing::mutex.
};

import_driver::import_driver(actors::engine& engine, const store::event_log& log,
                             import_options options)
    : engine_{&engine},
      log_{&log},
      options_{std::move(options)},
      landing_{std::make_shared<landing>()} {
  // What makes a re-send harmless is the batch id; a key would stand for several commands here.
  options_.by.idempotency_key.clear();
}

import_driver::~import_driver() {
  // Whoever sends the batch again right away must find what was under way in the log.
  const auto deadline = std::chrono::steady_clock::now() + limits::import_landing_within;
  std::unique_lock lock{landing_->mutex};
  for (const auto& f : flights_)
    if (!landing_->arrived.wait_until(lock, deadline, [&] { return f->answer.has_value(); }))
      return;
}

auto import_driver::push(std::string_view bytes) -> actors::outcome<void> {
  if (trouble_) return tl::unexpected{*trouble_};
  if (!session_) {
    auto made = make_session();
    if (!made) return tl::unexpected{*(trouble_ = made.error())};
  }
  session_->push(bytes);
  auto advanced = advance();
  if (!advanced) trouble_ = advanced.error();
  return advanced;
}

auto import_driver::finish() -> actors::outcome<import_answer> {
  if (auto pushed = push({}); !pushed) return tl::unexpected{pushed.error()};
  session_->end();
  auto answer =
      advance().and_then([this] { return settle_down_to(0); }).and_then([this] { return close(); });
  if (!answer) trouble_ = answer.error();
  return answer;
}

auto import_driver::make_session() -> actors::outcome<void> {
  const auto created = read_promotion(*log_, options_.promotion);
  if (!created) return tl::unexpected{created.error()};
  voucher_ = created->type == promotion_type::voucher;
  session_options wanted{options_.batch, created->type, options_.format, nullptr};
  if (options_.cp949) {
    auto converter = text_converter::open_cp949();
    if (!converter) return failed(std::move(converter).error());
    wanted.converter = std::move(*converter);
  }
  session_.emplace(std::move(wanted));
  return {};
}

auto import_driver::advance() -> actors::outcome<void> {
  if (!begun_) {
    auto begun = begin();
    if (!begun) return tl::unexpected{std::move(begun).error()};
    if (!*begun) return {};
  }
  while (auto next = session_->next()) {
    if (!*next) return tl::unexpected<trouble>{std::move(*next).error()};
    if (auto taken = take(*std::move(*next)); !taken) return taken;
  }
  return {};
}

/// True when rows may be judged; false when more bytes are needed first.
auto import_driver::begin() -> actors::outcome<bool> {
  auto checked = session_->check_begin();
  if (!checked) return false;
  if (!*checked) return tl::unexpected<trouble>{std::move(*checked).error()};
  if (auto opened = open(); !opened) return tl::unexpected{std::move(opened).error()};
  return begun_ = true;
}

/// The batch is opened only when the input can be read: a wrong header leaves nothing behind.
auto import_driver::open() -> actors::outcome<void> {
  auto receipt =
      engine_->open_batch(options_.promotion, options_.batch, options_.format, options_.by);
  if (!receipt) return tl::unexpected{std::move(receipt).error()};
  batch_ = *std::move(receipt);
  at_ = batch_.at;
  domain::row_rules rules;
  rules.promotion = options_.promotion;
  rules.type = batch_.type;
  rules.partition_count = batch_.partition_count;
  rules.currency_exponent = domain::currency_exponent(batch_.currency).value_or(0);
  rules.now = batch_.batch.opened_at;
  session_->start(rules, {batch_.batch.rows, batch_.batch.bytes, batch_.batch.prefix});
  durable_.emplace(*log_, options_.promotion, options_.batch);
  return {};
}

auto import_driver::take(judged_chunk chunk) -> actors::outcome<void> {
  if (chunk.durable) return settle_durable(chunk);
  if (batch_.batch.state != domain::batch_state::life::open) return tl::unexpected{differs()};
  if (auto room = settle_down_to(limits::import_chunks_in_flight - 1); !room) return room;
  send(std::move(chunk));
  return {};
}

void import_driver::send(judged_chunk chunk) {
  auto facts = std::move(chunk.chunk);
  auto sent = std::make_shared<flight>();
  sent->chunk = std::move(chunk);
  flights_.push_back(sent);
  engine_->import_async(options_.promotion, std::move(facts),
                        [sent, landing = landing_](actors::outcome<actors::chunk_receipt> answer) {
                          const std::scoped_lock lock{landing->mutex};
                          sent->answer = std::move(answer);
                          landing->arrived.notify_all();
                        });
}

auto import_driver::settle_down_to(std::size_t flights) -> actors::outcome<void> {
  while (flights_.size() > flights) {
    const auto first = flights_.front();
    {
      std::unique_lock lock{landing_->mutex};
      const auto deadline = std::chrono::steady_clock::now() + limits::import_landing_within;
      if (!landing_->arrived.wait_until(lock, deadline, [&] { return first->answer.has_value(); }))
        return failed(fault{fault_code::outcome_unknown, action_for(fault_code::outcome_unknown),
                            "import",
                            fmt::format("no answer for rows {} to {}", first->chunk.first_row,
                                        first->chunk.last_row())});
    }
    flights_.pop_front();
    if (!*first->answer) return tl::unexpected{first->answer->error()};
    if (auto settled = settle(first->chunk, **first->answer); !settled) return settled;
  }
  return {};
}

auto import_driver::settle(const judged_chunk& chunk, const actors::chunk_receipt& receipt)
    -> actors::outcome<void> {
  at_ = std::max(at_, receipt.at);
  auto bad_rows = chunk.bad_rows;
  for (const auto& r : receipt.refused)
    bad_rows.push_back(
        {r.row, r.field, r.code, duplicate_detail(r.field, chunk.original_of(r.row))});
  std::ranges::sort(bad_rows, {}, &bad_row::row);
  return report(chunk, std::move(bad_rows));
}

/// The log says which rows were refused; judging them again only gives the words.
auto import_driver::settle_durable(const judged_chunk& chunk) -> actors::outcome<void> {
  auto refused_rows = durable_->take_until(chunk.last_row());
  if (!refused_rows) return failed(std::move(refused_rows).error());
  std::vector<bad_row> bad_rows;
  for (const auto& r : *refused_rows) {
    const auto same = std::ranges::lower_bound(chunk.bad_rows, r.row, {}, &bad_row::row);
    const bool judged_so = same != chunk.bad_rows.end() && same->row == r.row &&
                           same->code == r.code && same->field == r.field;
    bad_rows.push_back(
        {r.row, r.field, r.code,
         judged_so ? same->detail : duplicate_detail(r.field, chunk.original_of(r.row))});
  }
  return report(chunk, std::move(bad_rows));
}

auto import_driver::duplicate_detail(domain::row_field field, std::string_view original)
    -> std::string {
  const auto name = name_of(field, voucher_);
  return fmt::format("{} '{}' was imported before", name,
                     session_->original_field(original, field));
}

auto import_driver::report(const judged_chunk& chunk, std::vector<bad_row> bad_rows)
    -> actors::outcome<void> {
  for (auto& bad : bad_rows) {
    rejected_row row;
    row.line = chunk.line_of(bad.row);
    row.field = name_of(bad.field, voucher_);
    row.code = name_of(bad.code);
    row.detail = as_text(std::move(bad.detail));
    ++rejected_;
    if (!options_.directory.empty()) {
      if (!rejects_) {
        auto made = rejects_file::create(
            rejects_path(options_.directory, options_.promotion, options_.batch),
            session_->original_columns());
        if (!made) return failed(std::move(made).error());
        rejects_ = std::move(*made);
      }
      const auto cells = session_->original_cells(chunk.original_of(bad.row));
      if (auto added = rejects_->add(row, cells); !added) return failed(std::move(added).error());
    }
    if (answer_rejects_.size() < limits::rejects_in_answer_max)
      answer_rejects_.push_back(std::move(row));
  }
  if (options_.on_progress) options_.on_progress({chunk.last_row(), chunk.byte_end});
  return {};
}

/// What was reported must be all that the log refused; else only reading the batch again tells it.
auto import_driver::check_reported() -> actors::outcome<void> {
  auto now = engine_->open_batch(options_.promotion, options_.batch, options_.format, options_.by);
  if (!now) return tl::unexpected{std::move(now).error()};
  if (now->batch.rows == session_->rows() && now->batch.rejected == rejected_) return {};
  return failed(
      fault{fault_code::outcome_unknown, action_for(fault_code::outcome_unknown), "import",
            fmt::format("batch {} was being sent twice at once; send it again", options_.batch)});
}

auto import_driver::close() -> actors::outcome<import_answer> {
  import_answer answer;
  answer.batch = options_.batch;
  answer.bytes = session_->bytes();
  answer.sha256 = session_->sha256();
  answer.repeated = batch_.batch.state == domain::batch_state::life::closed;
  if (answer.repeated && batch_.batch.sha256 != answer.sha256) return tl::unexpected{differs()};
  if (!answer.repeated)
    if (auto same = check_reported(); !same) return tl::unexpected{std::move(same).error()};
  // Before the batch counts: whoever sees it closed finds its rejects.
  if (rejects_) {
    if (auto committed = rejects_->commit(); !committed)
      return failed(std::move(committed).error());
    answer.rejects_path = rejects_path(options_.directory, options_.promotion, options_.batch);
  }
  answer.rejects = std::move(answer_rejects_);
  if (options_.strict && rejected_ > 0) return void_batch(std::move(answer));
  if (!answer.repeated) {
    auto closed = engine_->close_batch(
        options_.promotion,
        domain::close_batch{options_.batch, session_->rows(), answer.bytes, answer.sha256},
        options_.by);
    if (!closed) return tl::unexpected{std::move(closed).error()};
    batch_ = *std::move(closed);
    at_ = std::max(at_, batch_.at);
  }
  answer.rows = batch_.batch.rows;
  answer.accepted = batch_.batch.accepted;
  answer.rejected = batch_.batch.rejected;
  answer.at = at_;
  return answer;
}

/// A batch that was closed before without strict cannot be taken back; the refusal says so.
auto import_driver::void_batch(import_answer answer) -> actors::outcome<import_answer> {
  answer.rows = session_->rows();
  answer.rejected = rejected_;
  answer.accepted = answer.repeated ? batch_.batch.accepted : 0;
  answer.at = at_;
  auto detail = fmt::format("{} of {} rows are bad; ", rejected_, answer.rows);
  if (answer.repeated) {
    detail +=
        fmt::format("but batch {} was closed before without strict, and its {} good rows stay",
                    options_.batch, answer.accepted);
  } else {
    auto given_up = engine_->abandon_batch(
        options_.promotion,
        domain::abandon_batch{options_.batch, fmt::format("strict: {} bad rows", rejected_)},
        options_.by);
    if (!given_up) return tl::unexpected{std::move(given_up).error()};
    batch_.batch.state = domain::batch_state::life::abandoned;
    answer.at = std::max(at_, given_up->at);
    detail += fmt::format("nothing of batch {} is kept", options_.batch);
  }
  voided_ = std::move(answer);
  return refused(rejection::strict_import_has_bad_rows, std::move(detail));
}

auto import_driver::holds_open_batch() const -> bool {
  return begun_ && batch_.batch.state == domain::batch_state::life::open;
}

auto import_driver::differs() const -> actors::trouble {
  return domain::refusal{rejection::batch_content_differs,
                         fmt::format("batch {} was closed with other content", options_.batch)};
}

}  // namespace bestow::importing
