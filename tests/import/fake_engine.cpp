#include "tests/import/fake_engine.hpp"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "events/codec.hpp"
#include "tests/import/session_fixture.hpp"

namespace bestow::testing {
namespace {

auto not_here() -> tl::unexpected<actors::trouble> {
  return tl::unexpected<actors::trouble>{
      fault{fault_code::internal, fault_action::stop_process, "fake_engine", "not an import"}};
}

/// Rows of a chunk that stay, and those refused in all.
struct columns {
  std::vector<std::uint64_t> ids, uids, partitions, amounts, expiries, withdrawals;
  string_column reasons, vouchers, merchants, brands;
  std::vector<std::array<std::uint64_t, 3>> rejected;  ///< Row, field, code.

  void add(const targets_imported& in, std::size_t i, bool voucher) {
    if (in.ids_given) ids.push_back(in.target_ids[i]);
    uids.push_back(in.customer_uids[i]);
    partitions.push_back(in.partitions[i]);
    amounts.push_back(in.amounts[i]);
    expiries.push_back(in.expiries[i]);
    reasons.push_back(in.reasons[i]);
    if (!voucher) return;
    vouchers.push_back(in.voucher_numbers[i]);
    merchants.push_back(in.merchant_codes[i]);
    brands.push_back(in.merchant_brand_codes[i]);
    withdrawals.push_back(in.withdrawals[i]);
  }
  auto into(targets_imported facts) && -> targets_imported {
    std::sort(rejected.begin(), rejected.end());
    std::vector<std::uint64_t> rows, fields, codes;
    for (const auto& r : rejected) {
      rows.push_back(r[0]);
      fields.push_back(r[1]);
      codes.push_back(r[2]);
    }
    facts.target_ids = u64_column::of(std::move(ids));
    facts.customer_uids = u64_column::of(std::move(uids));
    facts.partitions = u64_column::of(std::move(partitions));
    facts.amounts = u64_column::of(std::move(amounts));
    facts.expiries = u64_column::of(std::move(expiries));
    facts.withdrawals = u64_column::of(std::move(withdrawals));
    facts.reasons = std::move(reasons);
    facts.voucher_numbers = std::move(vouchers);
    facts.merchant_codes = std::move(merchants);
    facts.merchant_brand_codes = std::move(brands);
    facts.rejected_rows = u64_column::of(std::move(rows));
    facts.rejected_fields = u64_column::of(std::move(fields));
    facts.rejected_codes = u64_column::of(std::move(codes));
    return facts;
  }
};

}  // namespace

fake_engine::fake_engine(promotion_created created) : worker_{[this] { work(); }} {
  const domain::promotion_decision first{std::vector<promotion_event>{std::move(created)}};
  REQUIRE(append(first));
}

fake_engine::~fake_engine() {
  stop();
}

void fake_engine::stop() {
  {
    const std::scoped_lock lock{mutex_};
    stopping_ = true;
    changed_.notify_all();
  }
  if (worker_.joinable()) worker_.join();
}

void fake_engine::fail_from_chunk(std::uint64_t n, actors::trouble with) {
  const std::scoped_lock lock{state_mutex_};
  fail_from_ = n;
  trouble_ = std::move(with);
  chunks_seen_ = 0;
}
void fake_engine::hold_chunks() {
  const std::scoped_lock lock{mutex_};
  held_ = true;
}
void fake_engine::release_chunks() {
  const std::scoped_lock lock{mutex_};
  held_ = false;
  changed_.notify_all();
}

void fake_engine::work() {
  for (;;) {
    waiting_chunk next;
    {
      std::unique_lock lock{mutex_};
      changed_.wait(lock, [this] { return stopping_ || (!held_ && !waiting_.empty()); });
      if (waiting_.empty()) return;
      next = std::move(waiting_.front());
      waiting_.pop_front();
    }
    const auto id = promotion_.created.promotion;
    next.done(import(id, std::move(next.chunk)));
  }
}

auto fake_engine::append(const domain::promotion_decision& decided) -> actors::outcome<void> {
  if (const auto* no = std::get_if<domain::refusal>(&decided))
    return tl::unexpected<actors::trouble>{*no};
  for (const auto& e : std::get<std::vector<promotion_event>>(decided)) {
    domain::fold(promotion_, e);
    store::append_batch batch{
        stream_of(promotion_.created.promotion), stream_version{promotion_.version.value - 1}, {}};
    batch.events.push_back(encode_event(e));
    const auto answers = log_.append_group({&batch, 1}, import_time);
    if (!answers || !answers->front()) std::abort();
  }
  return {};
}

auto fake_engine::batch_receipt(const std::string& batch) -> actors::batch_receipt {
  return {promotion_.batches[batch], promotion_.created.type, promotion_.created.partition_count,
          promotion_.created.currency, log_.head().last};
}

auto fake_engine::open_batch(promotion_id, std::string batch, import_format format,
                             const actors::caller&) -> actors::outcome<actors::batch_receipt> {
  const std::scoped_lock lock{state_mutex_};
  auto done = append(domain::decide(domain::open_batch{batch, format, import_time}, promotion_));
  if (!done) return tl::unexpected{done.error()};
  return batch_receipt(batch);
}

/// As the real one: a chunk that does not go on from the durable rows is not asked for duplicates.
auto fake_engine::filter(const actors::import_chunk& chunk, actors::chunk_receipt& receipt)
    -> targets_imported {
  using domain::row_field;
  using domain::row_rejection;
  const auto& in = chunk.facts;
  if (in.first_row != promotion_.batches[in.batch].rows + 1) return in;
  columns kept;
  const auto refuse = [&](std::size_t i, row_field f, row_rejection c) {
    receipt.refused.push_back({chunk.row_numbers[i], f, c});
  };
  const bool voucher = promotion_.created.type == promotion_type::voucher;
  std::vector<std::size_t> left;  // Numbers are claimed when the chunk's customers are.
  for (std::size_t i = 0; i < in.customer_uids.size(); ++i) {
    if (in.ids_given && ids_.contains(in.target_ids[i])) {
      refuse(i, row_field::target_id, row_rejection::target_id_duplicate);
    } else if (customers_.contains(in.customer_uids[i])) {
      refuse(i, row_field::customer_uid, row_rejection::customer_duplicate);
    } else {
      customers_.insert(in.customer_uids[i]);
      if (in.ids_given) ids_.insert(in.target_ids[i]);
      left.push_back(i);
    }
  }
  for (const auto i : left) {
    if (voucher && !vouchers_.emplace(in.voucher_numbers[i]).second) {
      refuse(i, row_field::voucher_number, row_rejection::voucher_number_duplicate);
      customers_.erase(in.customer_uids[i]);
      if (in.ids_given) ids_.erase(in.target_ids[i]);
    } else {
      kept.add(in, i, voucher);
    }
  }
  std::ranges::sort(receipt.refused, {}, &actors::chunk_receipt::refused_row::row);
  for (std::size_t i = 0; i < in.rejected_rows.size(); ++i)
    kept.rejected.push_back({in.rejected_rows[i], in.rejected_fields[i], in.rejected_codes[i]});
  for (const auto& r : receipt.refused)
    kept.rejected.push_back(
        {r.row, static_cast<std::uint64_t>(r.field), static_cast<std::uint64_t>(r.code)});
  return std::move(kept).into(in);
}

auto fake_engine::import(promotion_id, actors::import_chunk chunk)
    -> actors::outcome<actors::chunk_receipt> {
  const std::scoped_lock lock{state_mutex_};
  if (++chunks_seen_ >= fail_from_ && fail_from_ > 0) return tl::unexpected{trouble_};
  actors::chunk_receipt receipt;
  domain::import_targets command;
  command.facts = filter(chunk, receipt);
  receipt.accepted = command.facts.customer_uids.size();
  auto done = append(domain::decide(command, promotion_));
  if (!done) return tl::unexpected{done.error()};
  receipt.at = log_.head().last;
  return receipt;
}

void fake_engine::import_async(promotion_id, actors::import_chunk chunk,
                               std::function<void(actors::outcome<actors::chunk_receipt>)> done) {
  const std::scoped_lock lock{mutex_};
  waiting_.push_back({std::move(chunk), std::move(done)});
  most_waiting_ = std::max(most_waiting_, waiting_.size());
  changed_.notify_all();
}

auto fake_engine::probe(promotion_id, actors::import_chunk chunk)
    -> actors::outcome<actors::probe_receipt> {
  const std::scoped_lock lock{state_mutex_};
  const auto& in = chunk.facts;
  if (auto no = domain::may_import(in, promotion_)) return tl::unexpected<actors::trouble>{*no};
  actors::probe_receipt taken;
  for (std::uint32_t i = 0; i < in.customer_uids.size(); ++i) {
    if (in.ids_given && ids_.contains(in.target_ids[i])) taken.ids.push_back(i);
    if (customers_.contains(in.customer_uids[i])) taken.customers.push_back(i);
    if (i < in.voucher_numbers.size() && vouchers_.contains(in.voucher_numbers[i]))
      taken.vouchers.push_back(i);
  }
  return taken;
}

auto fake_engine::close_batch(promotion_id, domain::close_batch c, const actors::caller&)
    -> actors::outcome<actors::batch_receipt> {
  const std::scoped_lock lock{state_mutex_};
  auto done = append(domain::decide(c, promotion_));
  if (!done) return tl::unexpected{done.error()};
  return batch_receipt(c.batch);
}

auto fake_engine::abandon_batch(promotion_id id, domain::abandon_batch c, const actors::caller&)
    -> actors::outcome<actors::command_receipt> {
  const std::scoped_lock lock{state_mutex_};
  auto done = append(domain::decide(c, promotion_));
  if (!done) return tl::unexpected{done.error()};
  actors::command_receipt receipt;
  receipt.promotion = id;
  return receipt;
}

auto fake_engine::create(promotion_created, const actors::caller&)
    -> actors::outcome<actors::command_receipt> {
  return not_here();
}
auto fake_engine::seal(promotion_id, const actors::caller&)
    -> actors::outcome<actors::command_receipt> {
  return not_here();
}
auto fake_engine::approve(promotion_id, const actors::caller&)
    -> actors::outcome<actors::command_receipt> {
  return not_here();
}
auto fake_engine::start_run(promotion_id, std::uint32_t, const actors::caller&)
    -> actors::outcome<actors::command_receipt> {
  return not_here();
}
auto fake_engine::stop_run(promotion_id, std::string, const actors::caller&)
    -> actors::outcome<actors::command_receipt> {
  return not_here();
}
auto fake_engine::resume(promotion_id, const actors::caller&)
    -> actors::outcome<actors::command_receipt> {
  return not_here();
}
auto fake_engine::schedule(promotion_id, timestamp, const actors::caller&)
    -> actors::outcome<actors::command_receipt> {
  return not_here();
}
auto fake_engine::cancel(promotion_id, std::string, const actors::caller&)
    -> actors::outcome<actors::command_receipt> {
  return not_here();
}
auto fake_engine::close(promotion_id, std::string, const actors::caller&)
    -> actors::outcome<actors::command_receipt> {
  return not_here();
}
auto fake_engine::retry(promotion_id, retry_scope, std::vector<std::uint64_t>,
                        const actors::caller&) -> actors::outcome<actors::command_receipt> {
  return not_here();
}
auto fake_engine::recall(promotion_id, std::string, std::vector<std::uint64_t>,
                         const actors::caller&) -> actors::outcome<actors::command_receipt> {
  return not_here();
}
auto fake_engine::record_results(std::shared_ptr<const std::vector<bus::decoded_result>>)
    -> actors::outcome<actors::results_receipt> {
  return tl::unexpected<actors::trouble>{
      fault{fault_code::internal, fault_action::retry_later, "fake", "imports only"}};
}
auto fake_engine::rebuild_stream(promotion_type, const actors::caller&)
    -> actors::outcome<actors::stream_receipt> {
  return not_here();
}
auto fake_engine::rebuild_events(const actors::caller&)
    -> actors::outcome<actors::stream_receipt> {
  return not_here();
}
auto fake_engine::adopt_stream(promotion_type, const actors::caller&)
    -> actors::outcome<actors::adoption_receipt> {
  return not_here();
}
auto fake_engine::rebuild_view(std::string_view) -> result<bool> {
  return false;
}
auto fake_engine::status() -> actors::engine_status {
  return {};
}

}  // namespace bestow::testing
