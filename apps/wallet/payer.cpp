#include "apps/wallet/payer.hpp"

#include <fmt/format.h>

#include "events/assert.hpp"

namespace bestow::wallet {
namespace {

constexpr std::size_t complaints_max = 5;
constexpr std::string_view grant_token = ".publish";
constexpr std::string_view recall_token = ".recall";
constexpr std::string_view not_paid = "there is no such payment to take back";
constexpr std::string_view closed_account = "해지된 계정: account is closed";
constexpr std::string_view busy_account = "일시적 오류: account is busy, will be tried again";
constexpr std::string_view other_content = "idempotency key was paid with other content";

[[nodiscard]] auto make_message(const bus::decoded_result& r, std::string_view subject,
                                timestamp now) -> bus::message_bus::simple_message {
  // The subject is the topic and the partition.
  const std::string_view topic = subject.substr(0, subject.rfind('.'));
  bus::message_bus::simple_message out;
  out.subject = subject;
  out.payload.reserve(400);
  bus::append_result_json(out.payload, r, topic, now);
  return out;
}

/// Digits after the point of an amount as sent.
[[nodiscard]] auto exponent_of(std::string_view amount) -> unsigned {
  const std::size_t point = amount.find('.');
  return point == std::string_view::npos ? 0 : static_cast<unsigned>(amount.size() - point - 1);
}

[[nodiscard]] auto answer_to(const bus::decoded_grant& g) -> bus::decoded_result {
  bus::decoded_result r;
  r.type = g.type;
  r.promotion = g.promotion;
  r.id = g.id;
  r.customer = g.customer;
  r.partition = g.partition;
  r.attempt = g.attempt;
  return r;
}

void decide_one(const bus::decoded_grant& g, const std::string& subject, const behaviour& b,
                timestamp now, decided_batch& out, payer_counts& counts) {
  const conduct c = conduct_of(b, g.idempotency_key, g.attempt);
  bus::decoded_result r = answer_to(g);
  std::size_t entry = decided_batch::no_entry;
  if (c.fail) {
    ++counts.failed;
    r.status = process_status::failed;
    r.error_message = closed_account;
  } else {
    r.transaction_key = transaction_key_of(g.idempotency_key);
    entry = out.entries.size();
    out.entries.push_back(
        {g.promotion, g.id, g.customer, g.amount_minor, exponent_of(g.amount), r.transaction_key});
    r.status = process_status::success;
  }
  if (c.drop) {
    ++counts.dropped;
    return;
  }
  if (c.transient) {
    ++counts.retried;
    bus::decoded_result first = answer_to(g);
    first.status = process_status::retrying;
    first.error_message = busy_account;
    if (c.early) {
      out.early.push_back(make_message(first, subject, now));
    } else {
      out.answers.push_back({decided_batch::no_entry, std::move(first), subject, 1});
    }
  }
  const unsigned copies = c.duplicate ? 2 : 1;
  if (c.early) {
    out.early.insert(out.early.end(), copies, make_message(r, subject, now));
  } else if (c.delay) {
    counts.held += copies;
    auto message = make_message(r, subject, now);
    const held_result h{0,
                        {now.value + b.delay_by.count()},
                        std::move(message.subject),
                        std::move(message.payload)};
    out.held.insert(out.held.end(), copies, h);
  } else {
    out.answers.push_back({entry, std::move(r), subject, copies});
  }
}

void take_one(const bus::decoded_grant& g, const std::string& subject, decided_batch& out) {
  out.recalls.push_back({g.promotion, g.id, g.recall, g.amount_minor});
  auto r = answer_to(g);
  r.attempt = 0;
  r.recall = g.recall;
  out.recall_answers.push_back({std::move(r), subject});
}

/// What stands before the token and at most a partition; nullopt: the token is not there.
[[nodiscard]] auto stem_before(std::string_view subject, std::string_view token)
    -> std::optional<std::string_view> {
  const std::size_t at = subject.rfind(token);
  if (at == std::string_view::npos) return std::nullopt;
  const std::string_view after = subject.substr(at + token.size());
  if (!after.empty() && after.front() != '.') return std::nullopt;
  return subject.substr(0, at);
}

}  // namespace

auto result_topic_of(std::string_view subject) -> std::string {
  auto stem = stem_before(subject, grant_token);
  if (!stem) stem = stem_before(subject, recall_token);
  return stem ? std::string{*stem} + ".result" : std::string{};
}

auto decide_batch(std::span<const bus::incoming_message> messages, const behaviour& b,
                  timestamp now, payer_counts& counts) -> decided_batch {
  decided_batch out;
  out.entries.reserve(messages.size());
  out.answers.reserve(messages.size());
  std::vector<bus::decoded_grant> grants;
  for (const auto& m : messages) {
    const std::string topic = result_topic_of(m.subject);
    if (topic.empty()) continue;  // The stream's identity message.
    const bool recall = !stem_before(m.subject, grant_token);
    auto& count = recall ? counts.recalls : counts.grants;
    if (const std::string why = bus::decode_grants(m.payload, grants); !why.empty()) {
      ++count;
      ++counts.unreadable;
      if (out.complaints.size() < complaints_max) {
        out.complaints.push_back(fmt::format("message {}: {}", m.stream_seq, why));
      }
      continue;
    }
    count += grants.size();
    for (const auto& g : grants) {
      const auto subject = fmt::format("{}.{}", topic, g.partition.value);
      if (recall)
        take_one(g, subject, out);
      else
        decide_one(g, subject, b, now, out, counts);
    }
  }
  return out;
}

auto results_of(const decided_batch& batch, std::span<const credit> outcomes, timestamp now,
                payer_counts& counts) -> outgoing_results {
  BESTOW_ASSERT(outcomes.size() == batch.entries.size());
  for (const credit c : outcomes) {
    switch (c) {
      case credit::credited:
        ++counts.credited;
        break;
      case credit::repeated:
        ++counts.repeated;
        break;
      case credit::contradicted:
        ++counts.contradicted;
        break;
    }
  }
  outgoing_results out;
  out.reserve(batch.answers.size() + 16);
  for (const auto& a : batch.answers) {
    const bool refused =
        a.entry != decided_batch::no_entry && outcomes[a.entry] == credit::contradicted;
    if (refused) {
      bus::decoded_result r = a.result;
      r.status = process_status::failed;
      r.transaction_key.clear();
      r.error_message = other_content;
      out.push_back(make_message(r, a.subject, now));
    } else {
      out.insert(out.end(), a.copies, make_message(a.result, a.subject, now));
    }
  }
  return out;
}

auto recall_results_of(const decided_batch& batch, std::span<const take_back> outcomes,
                       timestamp now, payer_counts& counts) -> outgoing_results {
  BESTOW_ASSERT(outcomes.size() == batch.recall_answers.size());
  outgoing_results out;
  out.reserve(outcomes.size());
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    auto r = batch.recall_answers[i].result;
    const bool refused = outcomes[i] == take_back::refused;
    r.recalled = refused ? recall_status::failed : recall_status::recalled;
    if (refused)
      r.error_message = not_paid;
    else
      r.transaction_key = fmt::format("recall-{}-{}", r.promotion.value, r.id.value);
    counts.taken_back += outcomes[i] == take_back::taken ? 1 : 0;
    out.push_back(make_message(r, batch.recall_answers[i].subject, now));
  }
  return out;
}

}  // namespace bestow::wallet
