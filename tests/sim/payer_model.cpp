#include "tests/sim/payer_model.hpp"

namespace bestow::tests {

payer_model::payer_model(std::shared_ptr<bus::memory_broker> broker, seeded_randomness& random)
    : link_{std::move(broker)}, random_{random} {}

void payer_model::take_new_grants() {
  const auto state = link_.state_of("GRANTS_POINT");
  if (!state) return;
  for (; seen_ < state->last_seq; ++seen_) {
    const auto stored = link_.read("GRANTS_POINT", seen_ + 1);
    if (!stored || !*stored) return;
    std::vector<bus::decoded_grant> grants;
    if (!bus::decode_grants((*stored)->payload, grants).empty()) continue;
    for (const auto& grant : grants) plan(grant);
  }
}

void payer_model::plan(const bus::decoded_grant& grant) {
  bus::decoded_result r;
  r.type = grant.type;
  r.promotion = grant.promotion;
  r.id = grant.id;
  r.customer = grant.customer;
  r.partition = grant.partition;
  r.attempt = random_.next() % 4 == 0 ? 0 : grant.attempt;
  const auto say = [&](process_status status, std::string key, std::string error) {
    auto one = r;
    one.status = status;
    one.transaction_key = std::move(key);
    one.error_message = std::move(error);
    return one;
  };
  std::deque<bus::decoded_result> answers;
  const auto fate = random_.next() % 100;
  const auto key = "tx-" + std::to_string(grant.id.value);
  bool pays = true;
  if (fate < 10) answers.push_back(say(process_status::retrying, "", "busy"));
  if (fate >= 90 && fate < 97) {
    answers.push_back(say(process_status::failed, "", "account closed"));
    pays = fate >= 95;  // A late SUCCESS after FAILED.
  }
  if (pays) answers.push_back(say(process_status::success, key, ""));
  if (pays && fate % 10 == 3) answers.push_back(say(process_status::success, key, ""));
  if (pays && fate % 10 == 4) answers.push_back(say(process_status::failed, "", "too late"));
  if (pays && fate == 50) {
    answers.push_back(say(process_status::success, key + "-again", ""));
    ++double_grants_;
  }
  if (!answered_.insert(grant.id.value).second)
    problem_ = "target " + std::to_string(grant.id.value) + " was granted twice";
  if (!customers_.insert(grant.customer.value).second)
    problem_ = "customer " + std::to_string(grant.customer.value) + " was granted twice";
  if (grant.amount_minor.value != 500)
    problem_ = "target " + std::to_string(grant.id.value) + " was granted another amount";
  if (pays) paid_.insert(grant.id.value);
  planned_.push_back(std::move(answers));
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
