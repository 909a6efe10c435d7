#include "tests/projections/stage.hpp"

#include <unistd.h>

#include "tests/catch.hpp"

namespace bestow::projections::testing {

namespace {

template <class T>
auto must(result<T> r) -> T {
  if (!r) FAIL(to_string(r.error()));
  if constexpr (!std::is_void_v<T>) return std::move(*r);
}

class listed_amounts final : public domain::amount_source {
 public:
  listed_amounts(std::shared_ptr<const store::target_list> list, partition_no k)
      : list_{std::move(list)}, k_{k} {}
  [[nodiscard]] auto amount_of(target_ordinal ordinal) const -> money_minor override {
    return list_->amount(k_, ordinal);
  }

 private:
  std::shared_ptr<const store::target_list> list_;
  partition_no k_;
};

template <class Decision>
auto facts_of(Decision decision) {
  if (const auto* no = std::get_if<domain::refusal>(&decision))
    FAIL("refused: " << domain::name_of(no->why) << ", " << no->detail);
  return std::get<0>(std::move(decision));
}

}  // namespace

temp_directory::temp_directory() {
  auto pattern = (std::filesystem::temp_directory_path() / "bestow-views-XXXXXX").string();
  REQUIRE(mkdtemp(pattern.data()) != nullptr);
  path_ = pattern;
}

temp_directory::~temp_directory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

stage::stage(std::uint64_t seed) : log_{seed}, lists_{must(store::make_target_lists(""))} {}

void stage::append_all(const stream_id& stream, std::vector<encoded_event> events,
                       const std::function<void(std::size_t, position)>& folded) {
  store::append_batch batch{stream, must(log_.version_of(stream)), std::move(events)};
  const auto count = batch.events.size();
  auto answers = must(log_.append_group({&batch, 1}, now_));
  const auto receipt = must(std::move(answers.front()));
  tick(7);
  for (std::size_t i = 0; i < count; ++i) folded(i, position{receipt.first.value + i});
}

auto stage::append(const stream_id& stream, encoded_event event) -> position {
  position at{};
  append_all(stream, {std::move(event)}, [&](std::size_t, position p) { at = p; });
  return at;
}

auto stage::add(promotion_id id, domain::promotion_decision decision) -> bool {
  const auto facts = facts_of(std::move(decision));
  if (facts.empty()) return false;
  std::vector<encoded_event> events;
  for (const auto& f : facts) events.push_back(encode_event(f));
  append_all(stream_of(id), std::move(events),
             [&](std::size_t i, position) { domain::fold(promotions_[id], facts[i]); });
  return true;
}

auto stage::add(promotion_id id, partition_no k, domain::partition_decision decision) -> bool {
  const auto facts = facts_of(std::move(decision));
  if (facts.empty()) return false;
  std::vector<encoded_event> events;
  for (const auto& f : facts) events.push_back(encode_event(f));
  const listed_amounts amounts{must(lists_->open(log_, id)), k};
  auto& state = partitions_.at({id, k.value});
  append_all(stream_of(id, k), std::move(events),
             [&](std::size_t i, position at) { domain::fold(state, facts[i], at, amounts); });
  return true;
}

void stage::create(promotion_id id, std::uint32_t partitions, promotion_type type) {
  promotion_created wanted;
  wanted.promotion = id;
  wanted.type = type;
  wanted.currency = "KRW";
  wanted.partition_count = partitions;
  wanted.default_reason = "a present";
  wanted.default_expiry_at = timestamp{now_.value + 86'400'000};
  wanted.allow_multiple_per_customer = true;
  wanted.created_by = "tester";
  tell(id, domain::create_promotion{wanted, now_, false});
}

void stage::open_batch(promotion_id id, const std::string& batch) {
  tell(id, domain::open_batch{batch, import_format::csv, now_});
}

void stage::import(promotion_id id, const std::string& batch,
                   const std::vector<target_spec>& targets, std::uint32_t rejected) {
  targets_imported facts;
  facts.batch = batch;
  const auto& batches = promotions_[id].batches;
  const auto known = batches.find(batch);
  facts.first_row = (known == batches.end() ? 0 : known->second.rows) + 1;
  facts.row_count = static_cast<std::uint32_t>(targets.size()) + rejected;
  facts.byte_end = (known == batches.end() ? 0 : known->second.bytes) + 10 * facts.row_count;
  std::vector<std::uint64_t> ids, customers, partitions, amounts;
  for (const auto& t : targets) {
    ids.push_back(t.id);
    customers.push_back(t.customer != 0 ? t.customer : t.id + 7'000'000);
    partitions.push_back(t.partition);
    amounts.push_back(static_cast<std::uint64_t>(t.amount));
  }
  facts.target_ids = u64_column::of(ids);
  facts.ids_given = true;
  facts.customer_uids = u64_column::of(customers);
  facts.partitions = u64_column::of(partitions);
  facts.amounts = u64_column::of(amounts);
  facts.expiries = u64_column::constant(0, targets.size());
  facts.reasons = string_column::constant("", targets.size());
  std::vector<std::uint64_t> bad;
  for (std::uint32_t i = 0; i < rejected; ++i) bad.push_back(facts.first_row + targets.size() + i);
  facts.rejected_rows = u64_column::of(bad);
  facts.rejected_fields = u64_column::constant(4, rejected);
  facts.rejected_codes = u64_column::constant(3, rejected);
  tell(id, domain::import_targets{facts, false, true, true});
}

void stage::close_batch(promotion_id id, const std::string& batch) {
  const auto& b = promotions_[id].batches.at(batch);
  tell(id, domain::close_batch{batch, b.rows, b.bytes, b.prefix});
}

void stage::seal(promotion_id id) {
  const auto totals = must(lists_->build(log_, id));
  tell(id, domain::seal_list{totals.totals, totals.total_overflows});
  const auto& p = promotions_[id];
  for (std::uint32_t k = 0; k < p.created.partition_count; ++k) {
    const partition_no number{static_cast<std::uint16_t>(k)};
    const auto count = static_cast<std::uint32_t>(p.list->partition_counts[k]);
    partitions_.insert_or_assign({id, number.value},
                                 domain::make_partition(id, number, p.created.type, count));
  }
}

void stage::start(promotion_id id, bool resume, std::uint32_t chunk) {
  run_started wanted;
  wanted.run_date = 20'260'121;
  wanted.chunk = chunk;
  wanted.topic = "prepay.campaign.point.publish";
  tell(id, domain::start_run{wanted, resume});
}

void stage::begin(promotion_id id, std::uint32_t partitions,
                  const std::vector<target_spec>& targets) {
  create(id, partitions);
  open_batch(id, "one");
  if (!targets.empty()) import(id, "one", targets);
  close_batch(id, "one");
  seal(id);
  tell(id, domain::approve_promotion{"approver"});
  start(id);
}

void stage::release(promotion_id id, std::uint16_t k, std::uint32_t count,
                    std::vector<std::uint32_t> too_large) {
  tell(id, k, domain::release_next{promotions_[id].run, count, now_, std::move(too_large)});
}

void stage::publish(promotion_id id, std::uint16_t k, std::size_t count) {
  for (; count > 0 && !partition(id, k).open.empty(); --count) {
    const auto& open = partition(id, k).open.front();
    auto& seq = next_seq_[promotions_[id].created.type];
    const auto first = seq + 2;
    seq += open.message_count;
    tell(id, k, domain::record_published{open.at, first, now_});
  }
}

void stage::answer(promotion_id id, std::uint16_t k, std::vector<domain::result_row> rows) {
  tell(id, k, domain::record_results{std::move(rows)});
}

void stage::conclude(promotion_id id) {
  const auto& p = promotions_[id];
  bool all = true;
  domain::complete_promotion done{p.run.run, 0, 0, {}};
  for (std::uint32_t k = 0; k < p.created.partition_count; ++k) {
    const auto number = static_cast<std::uint16_t>(k);
    tell(id, number, domain::conclude_partition{
                             p.run.run, false, p.closed ? run_no{} : p.run.retry_run});
    const auto& part = partition(id, number);
    const bool retried = p.closed || p.run.retry == retry_scope::none ||
                         part.retry_done == p.run.retry_run;
    all = all && retried && part.done_at_release == part.release_count;
    done.success_count += part.counts.success;
    done.fail_count += part.counts.fail;
    done.success_amount.value += part.counts.success_amount.value;
  }
  if (all) tell(id, done);
}

void stage::retry(promotion_id id, retry_scope scope) {
  domain::retry_promotion command;
  command.wanted = promotions_[id].run;
  command.wanted.retry = scope;
  command.survey.matching = 1;
  tell(id, command);
}

void stage::recall(promotion_id id) {
  tell(id, domain::recall_promotion{"by chance", {}, "ops", {1, 0, {}, {}}});
}

void stage::release_again(promotion_id id, std::uint16_t k, std::uint32_t count) {
  const auto& p = promotions_[id];
  if (p.recall_open)
    tell(id, k, domain::release_recalls{p.recall, p.run, count, now_, {}});
  else if (p.state == domain::promotion_state::running && p.run.retry != retry_scope::none)
    tell(id, k, domain::release_retries{p.run, count, now_, {}, {}});
  if (!p.recall_open) return;
  domain::finish_recall done{p.recall.recall, 0, {}};
  for (std::uint32_t i = 0; i < p.created.partition_count; ++i) {
    const auto& part = partition(id, static_cast<std::uint16_t>(i));
    if (part.recall_done != p.recall.recall) return;
    done.target_count += part.recall_count;
    done.amount.value += part.recall_amount.value;
  }
  tell(id, done);
}

void stage::answer_recalls(promotion_id id, std::uint16_t k, std::vector<domain::recall_row> rows) {
  tell(id, k, domain::record_recalls{std::move(rows)});
}

void stage::expire(promotion_id id, std::uint16_t k, timestamp until) {
  add(id, partition_no{k}, look_for_overdue(partition(id, k), 0, until).events);
}

auto stage::partition(promotion_id id, std::uint16_t k) -> const domain::partition& {
  return partitions_.at({id, k});
}

auto stage::counts(promotion_id id) -> domain::target_counts {
  domain::target_counts sum;
  for (const auto& [key, p] : partitions_) {
    if (key.first != id) continue;
    sum.total += p.counts.total;
    sum.published += p.counts.published;
    sum.publish_failed += p.counts.publish_failed;
    sum.success += p.counts.success;
    sum.retry_success += p.counts.retry_success;
    sum.fail += p.counts.fail;
    sum.retrying += p.counts.retrying;
    sum.unknown += p.counts.unknown;
    sum.abandoned += p.counts.abandoned;
    sum.recalling += p.counts.recalling;
    sum.recalled += p.counts.recalled;
    sum.recall_failed += p.counts.recall_failed;
    sum.recalled_amount.value += p.counts.recalled_amount.value;
    sum.success_amount.value += p.counts.success_amount.value;
  }
  return sum;
}

auto some_targets(std::size_t count, std::uint32_t partitions) -> std::vector<target_spec> {
  std::vector<target_spec> out;
  for (std::size_t i = 0; i < count; ++i)
    out.push_back({10 * (i + 1), static_cast<std::uint16_t>(i % partitions),
                   100 + static_cast<std::int64_t>(i)});
  return out;
}

auto answered(std::uint32_t ordinal, process_status status, std::string_view key,
              std::string_view error) -> domain::result_row {
  return {target_ordinal{ordinal}, status, 1, timestamp{1'700'000'000'500}, key, error};
}

auto open_all(stage& s, store::view_store_factory& stores, const batch_bounds& bounds)
    -> std::unique_ptr<view_set> {
  const auto registered = registered_views();
  return must(open_view_set({registered.begin(), registered.end()}, s.context(), stores, bounds));
}

void follow(view_set& views, std::string_view name) {
  for (bool caught_up = false; !caught_up;) caught_up = must(views.step(name)).caught_up;
}

void follow_all(view_set& views) {
  for (const auto& name : views.names()) follow(views, name);
}

auto hashes(const view_set& views) -> std::map<std::string, std::string> {
  std::map<std::string, std::string> out;
  for (const auto& name : views.names()) out[name] = must(views.dump_hash(name));
  return out;
}

auto make_stores(std::string_view kind, const temp_directory& dir)
    -> std::unique_ptr<store::view_store_factory> {
  if (kind == "memory") return store::make_memory_view_stores();
  return must(store::make_lmdb_view_stores(dir.path(), 1ULL << 30U));
}

}  // namespace bestow::projections::testing
