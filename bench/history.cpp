#include "bench/history.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "bench/harness.hpp"
#include "bench/inputs.hpp"
#include "bench/listed_amounts.hpp"
#include "domain/partition.hpp"
#include "domain/promotion.hpp"
#include "domain/target_row.hpp"
#include "events/clock.hpp"
#include "events/limits.hpp"

namespace bestow::bench {
namespace {

constexpr promotion_id the_promotion{1};
constexpr timestamp life_begins{1'768'959'000'000};  // 2026-01-21T10:30:00+09:00

template <class Decision>
auto facts_of(Decision decision) {
  if (const auto* no = std::get_if<domain::refusal>(&decision))
    give_up(fmt::format("refused: {}, {}", domain::name_of(no->why), no->detail));
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

  auto write() -> history_totals {
    import();
    tell(domain::seal_list{must(lists_->build(*log_, the_promotion)).totals, false});
    list_ = must(lists_->open(*log_, the_promotion));
    tell(domain::approve_promotion{"bench"});
    run_started run;
    run.run_date = 20'260'121;
    run.chunk = o_.chunk;
    run.topic = "prepay.campaign.point.publish";
    tell(domain::start_run{run, false});
    for (std::uint32_t k = 0; k < o_.partitions; ++k) {
      const partition_no number{static_cast<std::uint16_t>(k)};
      parts_.push_back(domain::make_partition(the_promotion, number, promotion_type::point,
                                              list_->size(number)));
    }
    while (run_a_round()) {
    }
    conclude();
    return {the_promotion, amount_};
  }

 private:
  void import() {
    auto wanted = make_promotion(promotion_type::point, o_.partitions);
    wanted.promotion = the_promotion;
    tell(domain::create_promotion{wanted, now_, false});
    tell(domain::open_batch{"bench", import_format::csv, now_});
    for (std::uint64_t row = 0; row < o_.targets; row += limits::import_chunk_rows)
      tell(domain::import_targets{
          imported(row, std::min<std::uint64_t>(limits::import_chunk_rows, o_.targets - row)), true,
          true, true});
    const auto& b = promotion_.batches.at("bench");
    tell(domain::close_batch{"bench", b.rows, b.bytes, b.prefix});
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
  auto run_a_round() -> bool {
    now_.value += 40;
    bool any = false;
    for (auto& p : parts_)
      if (p.next < p.states.size())
        any = true, put(p, facts_of(domain::decide(
                               domain::release_next{promotion_.run, o_.chunk, now_, {}}, p)));
    if (!any) return false;
    flush();
    now_.value += 40;
    for (auto& p : parts_) {
      if (p.open.empty()) continue;
      const auto first = next_seq_;
      next_seq_ += p.open.front().message_count;
      answered_.emplace_back(&p, p.open.front().ordinals);
      put(p, facts_of(domain::decide(domain::record_published{p.open.front().at, first}, p)));
    }
    flush();
    now_.value += 300;
    for (const auto& [p, ordinals] : answered_) answer(*p, ordinals);
    answered_.clear();
    flush();
    return true;
  }

  void answer(domain::partition& p, const ordinal_ranges& ordinals) {
    std::vector<std::string> keys;
    keys.reserve(ordinals.size());
    domain::record_results results;
    const timestamp said_at{now_.value / 1'000 * 1'000};
    ordinals.for_each([&](std::uint32_t ordinal) {
      keys.push_back(payer_key(keys_));
      results.rows.push_back({target_ordinal{ordinal}, process_status::success, 1, said_at,
                              keys.back(), ""});
    });
    put(p, facts_of(domain::decide(results, p)));
  }

  void conclude() {
    domain::complete_promotion done{promotion_.run.run, 0, 0, {}};
    for (auto& p : parts_) {
      put(p, facts_of(domain::decide(domain::conclude_partition{promotion_.run.run, false}, p)));
      done.success_count += p.counts.success;
      done.fail_count += p.counts.fail;
      done.success_amount.value += p.counts.success_amount.value;
    }
    flush();
    tell(done);
    require(done.success_count == o_.targets, "the history has a hole");
    require(done.success_amount.value == static_cast<std::int64_t>(amount_),
            "the history's sum is wrong");
  }

  /// One command to the promotion, durable at once.
  template <class Command>
  void tell(const Command& command) {
    const auto facts = facts_of(domain::decide(command, promotion_));
    store::append_batch batch{stream_of(the_promotion), promotion_.version, {}};
    for (const auto& f : facts) batch.events.push_back(encode_event(f));
    const auto answers = must(log_->append_group({&batch, 1}, now_));
    static_cast<void>(must(answers.front()));
    for (const auto& f : facts) domain::fold(promotion_, f);
  }

  void put(domain::partition& p, std::vector<partition_event> facts) {
    if (facts.empty()) return;
    waiting_of_.push_back(&p);
    store::append_batch batch{stream_of(the_promotion, p.number), p.version, {}};
    for (const auto& f : facts) batch.events.push_back(encode_event(f));
    waiting_.push_back(std::move(batch));
    waiting_facts_.push_back(std::move(facts));
  }

  /// Appends what put() gathered in one commit and folds it at its positions.
  void flush() {
    const auto answers = must(log_->append_group(waiting_, now_));
    for (std::size_t i = 0; i < answers.size(); ++i) {
      auto at = must(answers[i]).first;
      const listed_amounts amounts{*list_, waiting_of_[i]->number};
      for (const auto& f : waiting_facts_[i]) {
        domain::fold(*waiting_of_[i], f, at, amounts);
        ++at.value;
      }
    }
    waiting_.clear();
    waiting_of_.clear();
    waiting_facts_.clear();
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
                   const history_options& options) -> history_totals {
  return author{log, lists, options}.write();
}

}  // namespace bestow::bench
