#include "apps/measure/history.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "apps/measure/inputs.hpp"
#include "apps/measure/listed_amounts.hpp"
#include "domain/partition.hpp"
#include "domain/promotion.hpp"
#include "domain/target_row.hpp"
#include "events/clock.hpp"
#include "events/limits.hpp"

namespace bestow::measure {
namespace {

constexpr promotion_id the_promotion{1};
constexpr timestamp life_begins{1'768'959'000'000};  // 2026-01-21T10:30:00+09:00

/// A refusal as trouble, else the decided facts.
template <class Decision>
auto facts_of(Decision decision) -> outcome<std::variant_alternative_t<0, Decision>> {
  if (auto* no = std::get_if<domain::refusal>(&decision))
    return tl::unexpected<trouble>{as_trouble(actors::trouble{std::move(*no)})};
  return std::get<0>(std::move(decision));
}

/// A key of 33 characters, 128 random bits in hex: the shape of the keys of bestow-wallet.
auto payer_key(seeded_randomness& random) -> std::string {
  const auto high = random.next();
  return fmt::format("T{:016x}{:016x}", high, random.next());
}

class author {
 public:
  author(store::event_log& log, store::target_lists& lists, const history_options& options)
      : log_{&log}, lists_{&lists}, o_{options}, keys_{options.seed} {}

  auto write() -> outcome<history_totals> {
    auto done = import();
    if (done) done = start();
    for (bool more = true; done && more;) {
      auto round = run_a_round();
      if (!round) return ended(round);
      more = *round;
    }
    if (done) done = conclude();
    if (!done) return ended(done);
    return history_totals{the_promotion, amount_};
  }

 private:
  auto import() -> outcome<void> {
    auto wanted = make_promotion(promotion_type::point, o_.partitions);
    wanted.promotion = the_promotion;
    auto done = tell(domain::create_promotion{wanted, now_, false});
    if (done) done = tell(domain::open_batch{"bench", import_format::csv, now_});
    for (std::uint64_t row = 0; done && row < o_.targets; row += limits::import_chunk_rows) {
      const auto rows = std::min<std::uint64_t>(limits::import_chunk_rows, o_.targets - row);
      done = tell(domain::import_targets{imported(row, rows), true, true, true});
    }
    if (!done) return done;
    const auto& b = promotion_.batches.at("bench");
    return tell(domain::close_batch{"bench", b.rows, b.bytes, b.prefix});
  }

  auto start() -> outcome<void> {
    const auto built = lists_->build(*log_, the_promotion);
    if (!built) return ended(built);
    if (auto done = tell(domain::seal_list{built->totals, false}); !done) return done;
    auto list = lists_->open(*log_, the_promotion);
    if (!list) return ended(list);
    list_ = std::move(*list);
    if (auto done = tell(domain::approve_promotion{"bench"}); !done) return done;
    run_started run;
    run.run_date = 20'260'121;
    run.chunk = o_.chunk;
    run.topic = "prepay.campaign.point.publish";
    for (std::uint32_t k = 0; k < o_.partitions; ++k) {
      const partition_no number{static_cast<std::uint16_t>(k)};
      parts_.push_back(domain::make_partition(the_promotion, number, promotion_type::point,
                                              list_->size(number)));
    }
    return tell(domain::start_run{run, false});
  }

  auto imported(std::uint64_t first, std::uint64_t count) -> targets_imported {
    targets_imported f;
    f.batch = "bench";
    f.first_row = first + 1;
    f.row_count = static_cast<std::uint32_t>(count);
    f.byte_end = (first + count) * 30;
    f.ids_given = true;
    f.target_ids = u64_column::arithmetic(first + 1, 1, count);
    std::vector<std::uint64_t> customers, partitions, amounts;
    for (std::uint64_t row = first; row < first + count; ++row) {
      customers.push_back(customer_of(o_.seed, row));
      partitions.push_back(
          domain::default_partition(customer_uid{customers.back()}, o_.partitions).value);
      amounts.push_back(amount_of(o_.seed, row));
      amount_ += amounts.back() != 0 ? amounts.back() : default_amount;
      f.reasons.push_back(row % 10 == 3 ? "새해맞이 이벤트 포인트 지급" : "");
    }
    f.customer_uids = u64_column::of(std::move(customers));
    f.partitions = u64_column::of(std::move(partitions));
    f.amounts = u64_column::of(std::move(amounts));
    f.expiries = u64_column::constant(0, count);
    return f;
  }

  /// One release, its acknowledgement and its answers in each partition. False: nothing was left.
  auto run_a_round() -> outcome<bool> {
    now_.value += 40;
    bool any = false;
    outcome<void> done;
    for (auto& p : parts_) {
      if (!done || p.next >= p.states.size()) continue;
      any = true;
      done = put(p, domain::release_next{promotion_.run, o_.chunk, now_, {}});
    }
    if (done && !any) return false;
    if (done) done = flush();
    now_.value += 40;
    for (auto& p : parts_) {
      if (!done || p.open.empty()) continue;
      const auto first = next_seq_;
      next_seq_ += p.open.front().message_count;
      answered_.emplace_back(&p, p.open.front().ordinals);
      done = put(p, domain::record_published{p.open.front().at, first});
    }
    if (done) done = flush();
    now_.value += 300;
    for (const auto& [p, ordinals] : answered_)
      if (done) done = answer(*p, ordinals);
    answered_.clear();
    if (done) done = flush();
    if (!done) return ended(done);
    return true;
  }

  auto answer(domain::partition& p, const ordinal_ranges& ordinals) -> outcome<void> {
    std::vector<std::string> keys;
    keys.reserve(ordinals.size());
    domain::record_results results;
    const timestamp said_at{now_.value / 1'000 * 1'000};
    ordinals.for_each([&](std::uint32_t ordinal) {
      keys.push_back(payer_key(keys_));
      results.rows.push_back({target_ordinal{ordinal}, process_status::success, 1, said_at,
                              keys.back(), ""});
    });
    return put(p, results);
  }

  auto conclude() -> outcome<void> {
    domain::complete_promotion end{promotion_.run.run, 0, 0, {}};
    outcome<void> done;
    for (auto& p : parts_) {
      if (done) done = put(p, domain::conclude_partition{promotion_.run.run, false});
      end.success_count += p.counts.success;
      end.fail_count += p.counts.fail;
      end.success_amount.value += p.counts.success_amount.value;
    }
    if (done) done = flush();
    if (done) done = tell(end);
    if (done && end.success_count != o_.targets) return void_because("the history has a hole");
    if (done && end.success_amount.value != static_cast<std::int64_t>(amount_))
      return void_because("the history's sum is wrong");
    return done;
  }

  /// One command to the promotion, durable at once.
  template <class Command>
  auto tell(const Command& command) -> outcome<void> {
    const auto facts = facts_of(domain::decide(command, promotion_));
    if (!facts) return ended(facts);
    store::append_batch batch{stream_of(the_promotion), promotion_.version, {}};
    for (const auto& f : *facts) batch.events.push_back(encode_event(f));
    const auto answers = log_->append_group({&batch, 1}, now_);
    if (!answers) return ended(answers);
    if (!answers->front()) return ended(answers->front());
    for (const auto& f : *facts) domain::fold(promotion_, f);
    return {};
  }

  /// One command to a partition, to be appended with the next flush().
  template <class Command>
  auto put(domain::partition& p, const Command& command) -> outcome<void> {
    auto facts = facts_of(domain::decide(command, p));
    if (!facts) return ended(facts);
    if (facts->empty()) return {};
    waiting_of_.push_back(&p);
    store::append_batch batch{stream_of(the_promotion, p.number), p.version, {}};
    for (const auto& f : *facts) batch.events.push_back(encode_event(f));
    waiting_.push_back(std::move(batch));
    waiting_facts_.push_back(std::move(*facts));
    return {};
  }

  /// Appends what put() gathered in one commit and folds it at its positions.
  auto flush() -> outcome<void> {
    const auto answers = log_->append_group(waiting_, now_);
    if (!answers) return ended(answers);
    for (std::size_t i = 0; i < answers->size(); ++i) {
      if (!(*answers)[i]) return ended((*answers)[i]);
      auto at = (*answers)[i]->first;
      const listed_amounts amounts{*list_, waiting_of_[i]->number};
      for (const auto& f : waiting_facts_[i]) {
        domain::fold(*waiting_of_[i], f, at, amounts);
        ++at.value;
      }
    }
    waiting_.clear();
    waiting_of_.clear();
    waiting_facts_.clear();
    return {};
  }

  store::event_log* log_;
  store::target_lists* lists_;
  history_options o_;
  timestamp now_{life_begins};
  domain::promotion promotion_;
  std::shared_ptr<const store::target_list> list_;
  std::vector<domain::partition> parts_;
  std::uint64_t amount_{0};
  std::uint64_t next_seq_{2};  // The stream's first message names the log.
  std::vector<std::pair<domain::partition*, ordinal_ranges>> answered_;
  seeded_randomness keys_;
  std::vector<store::append_batch> waiting_;
  std::vector<domain::partition*> waiting_of_;
  std::vector<std::vector<partition_event>> waiting_facts_;
};

}  // namespace

auto write_history(store::event_log& log, store::target_lists& lists,
                   const history_options& options) -> outcome<history_totals> {
  return author{log, lists, options}.write();
}

}  // namespace bestow::measure
