#include "tests/sim/payer_model.hpp"

namespace bestow::tests {

namespace {

auto answer_to(const bus::decoded_grant& grant) -> bus::decoded_result {
  bus::decoded_result r;
  r.type = grant.type;
  r.promotion = grant.promotion;
  r.id = grant.id;
  r.customer = grant.customer;
  r.partition = grant.partition;
  r.attempt = grant.attempt;
  return r;
}

auto with(bus::decoded_result r, process_status status, std::string key, std::string error)
    -> bus::decoded_result {
  r.status = status;
  r.transaction_key = std::move(key);
  r.error_message = std::move(error);
  return r;
}

}  // namespace

payer_model::payer_model(std::shared_ptr<bus::memory_broker> broker, seeded_randomness& random,
                         payer_habits habits)
    : link_{std::move(broker)}, random_{random}, habits_{habits} {}

auto payer_model::end_of(const account& a) const -> end {
  if (a.paid) return end::success;
  return a.refused ? end::failed : end::unknown;
}

void payer_model::take_new_grants() {
  const auto state = link_.state_of("GRANTS_POINT");
  if (!state) return;
  for (; seen_ < state->last_seq; ++seen_) {
    const auto stored = link_.read("GRANTS_POINT", seen_ + 1);
    if (!stored || !*stored) return;
    std::vector<bus::decoded_grant> grants;
    if (!bus::decode_grants((*stored)->payload, grants).empty()) continue;
    for (const auto& grant : grants)
      if (grant.recall.value != 0) plan_recall(grant);
      else plan_grant(grant);
  }
}

void payer_model::check(const bus::decoded_grant& grant, const account& a) {
  const auto who = "target " + std::to_string(grant.id.value);
  if (grant.attempt != a.attempts + 1)
    problem_ = who + ": attempt " + std::to_string(grant.attempt) + " after attempt " +
               std::to_string(a.attempts);
  if (!customers_.emplace(grant.customer.value, grant.id.value).second &&
      customers_[grant.customer.value] != grant.id.value)
    problem_ = "customer " + std::to_string(grant.customer.value) + " was granted twice";
  if (grant.amount_minor.value != 500) problem_ = who + " was granted another amount";
}

void payer_model::plan_grant(const bus::decoded_grant& grant) {
  auto& a = accounts_[grant.id.value];
  check(grant, a);
  a.attempts = grant.attempt;
  a.refused = false;
  auto r = answer_to(grant);
  if (!habits_.names_attempts && random_.next() % 4 == 0) r.attempt = 0;
  answers line;
  const auto fate = random_.next() % 100;
  const auto key = "tx-" + std::to_string(grant.id.value);
  if (fate < 10) line.push_back(with(r, process_status::retrying, "", "busy"));
  const bool silent = habits_.may_drop && random_.next() % 8 == 0;
  // Who was paid once is paid: the idempotent answer to any later attempt.
  const bool fails = !a.paid && fate >= 90 && fate < 97;
  if (!silent && fails) {
    line.push_back(with(r, process_status::failed, "", "account closed"));
    a.refused = true;
  }
  if (!silent && (!fails || fate >= 95)) {  // From 95 on, a late SUCCESS after FAILED.
    line.push_back(with(r, process_status::success, key, ""));
    if (fate % 10 == 3) line.push_back(with(r, process_status::success, key, ""));
    if (fate % 10 == 4) line.push_back(with(r, process_status::failed, "", "too late"));
    if (fate == 50) {
      line.push_back(with(r, process_status::success, key + "-again", ""));
      a.paid_twice = true;
    }
    a.paid = true;
  }
  if (!line.empty()) planned_.push_back(std::move(line));
}

void payer_model::plan_recall(const bus::decoded_grant& grant) {
  auto& a = accounts_[grant.id.value];
  const auto who = "target " + std::to_string(grant.id.value);
  if (!a.paid) problem_ = who + " was recalled and never paid";
  if (a.taken_back) problem_ = who + " was recalled again";
  if (grant.recall.value <= a.recall) problem_ = who + ": a recall came out of order";
  a.recall = grant.recall.value;
  auto r = answer_to(grant);
  r.recall = grant.recall;
  const bool refuses = random_.next() % 4 == 0;
  r.recalled = refuses ? recall_status::failed : recall_status::recalled;
  a.recall_refused = refuses;
  a.taken_back = !refuses;
  planned_.push_back(answers(1 + random_.next() % 2, r));
}

void payer_model::send(const bus::decoded_result& r, timestamp now) {
  const std::string topic = "prepay.campaign.point.result";
  std::string json;
  bus::append_result_json(json, r, topic, now);
  const std::vector<bus::message_bus::simple_message> one = {
      {topic + "." + std::to_string(r.partition.value), std::move(json)}};
  static_cast<void>(link_.publish_all(one));
  link_.deliver_all();
}

void payer_model::work(timestamp now) {
  take_new_grants();
  for (auto n = random_.next() % 16; n > 0 && !planned_.empty(); --n) {
    auto& line = planned_[random_.next() % planned_.size()];
    send(line.front(), now);
    line.pop_front();
    if (!line.empty()) continue;
    std::swap(line, planned_.back());
    planned_.pop_back();
  }
}

void payer_model::flush(timestamp now) {
  take_new_grants();
  for (auto& line : planned_)
    for (const auto& r : line) send(r, now);
  planned_.clear();
}

}  // namespace bestow::tests
