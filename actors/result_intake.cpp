#include "actors/result_intake.hpp"

#include <algorithm>

#include "actors/results_again.hpp"
#include "bus/dead_letter.hpp"
#include "events/limits.hpp"

namespace bestow::actors {

namespace {

using intake = caf::stateful_actor<result_intake_state>;
using open_batch = result_intake_state::open_batch;

auto find_open(result_intake_state& s, std::uint64_t token) -> open_batch* {
  const auto it = std::find_if(s.batches.begin(), s.batches.end(),
                               [&](const auto& b) { return b.batch->token == token; });
  return it == s.batches.end() ? nullptr : &*it;
}

void acknowledge_done(result_intake_state& s) {
  while (!s.batches.empty() && s.batches.front().done) {
    s.consumer->ack(s.batches.front().batch->token);
    s.consumer->grant_credit(1);
    s.batches.pop_front();
  }
}

void retry_later(intake* self, open_batch& b) {
  if (b.retry_scheduled) return;
  b.retry_scheduled = true;
  self->delayed_send(self, limits::results_retry_after, intake_retry{b.batch->token});
}

/// Once every group is durable: the dead letters, then the acknowledgement.
void finish(intake* self, open_batch& b) {
  auto& s = self->state;
  if (!b.groups.empty() || b.asked > 0 || b.done) return;
  if (!b.dead.empty()) {
    auto& messages = *s.context->parts.messages;
    std::vector<bus::message_bus::simple_message> letters;
    for (const auto& [row, reason] : b.dead) {
      const auto& m = b.batch->messages[row];
      bus::dead_letter letter;
      letter.reason = reason;
      letter.subject = m.subject;
      letter.stream_seq = m.stream_seq;
      letter.at = s.context->parts.time->wall();
      letter.headers = m.headers;
      letter.payload = m.payload;
      letters.push_back({std::string{bus::dead_letter_subject},
                         bus::encode_dead_letter(letter, messages.max_payload())});
    }
    if (!messages.publish_all(letters)) return retry_later(self, b);
    s.context->counters.results_dead += b.dead.size();
    b.dead.clear();
  }
  b.done = true;
  acknowledge_done(s);
}

void settle_group(intake* self, std::uint64_t token, result_intake_state::group_key key,
                  const results_reply& reply) {
  auto* b = find_open(self->state, token);
  if (b == nullptr) return;
  --b->asked;
  if (reply.durable) {
    b->dead.insert(b->dead.end(), reply.dead.begin(), reply.dead.end());
    b->groups.erase(key);
  } else {
    retry_later(self, *b);
  }
  finish(self, *b);
}

void group_failed(intake* self, std::uint64_t token) {
  auto* b = find_open(self->state, token);
  if (b == nullptr) return;
  --b->asked;
  retry_later(self, *b);
}

void bury_group(intake* self, std::uint64_t token, result_intake_state::group_key key) {
  auto* b = find_open(self->state, token);
  if (b == nullptr) return;
  results_reply dead;
  dead.durable = position{};
  for (const auto row : b->groups[key])
    dead.dead.emplace_back(row, std::string{no_such_partition});
  settle_group(self, token, key, dead);
}

void ask_partition(intake* self, const caf::actor& host, std::uint64_t token,
                   result_intake_state::group_key key) {
  auto* b = find_open(self->state, token);
  if (b == nullptr) return;
  self->request(host, limits::request_timeout, results_request{b->results, b->groups[key]})
      .then([self, token, key](const results_reply& r) { settle_group(self, token, key, r); },
            [self, token](const caf::error&) { group_failed(self, token); });
}

/// Results of a partition that cannot be read must not hold back those of all others for ever:
/// they are kept as dead letters, to be sent again when it is mended.
void park(intake* self, open_batch& b) {
  const auto& context = *self->state.context;
  std::erase_if(b.groups, [&](const auto& group) {
    const auto host =
        stream_of(promotion_id{group.first.first}, partition_no{group.first.second});
    const auto noted = context.faults.find(host);
    if (!noted || context.parts.time->steady() - noted->since < limits::result_park_after)
      return false;
    for (const auto row : group.second)
      b.dead.emplace_back(row, to_string(host) + " cannot be read (" + to_string(noted->why) +
                                   "); mend it, then send this result again");
    return true;
  });
}

void send_groups(intake* self, open_batch& b) {
  park(self, b);
  const auto token = b.batch->token;
  for (const auto& [key, rows] : b.groups) {
    ++b.asked;
    self->request(self->state.context->book.directory(), limits::request_timeout,
                  find_partition{promotion_id{key.first}, partition_no{key.second}})
        .then(
            [self, token, key = key](const found& f) {
              if (f.host) return ask_partition(self, f.host, token, key);
              if (f.why) return group_failed(self, token);
              bury_group(self, token, key);
            },
            [self, token](const caf::error&) { group_failed(self, token); });
  }
}

void take_in(intake* self, const results_arrived& r) {
  auto& s = self->state;
  open_batch b;
  b.batch = r.batch;
  const auto& messages = b.batch->messages;
  b.results = std::make_shared<std::vector<bus::decoded_result>>(messages.size());
  for (std::uint32_t i = 0; i < messages.size(); ++i) {
    auto& decoded = (*b.results)[i];
    auto problem = messages[i].payload.size() > limits::result_bytes_max
                       ? std::string{"larger than 64 KiB"}
                       : bus::decode_result(messages[i].subject, messages[i].payload, decoded);
    if (problem.empty())
      b.groups[{decoded.promotion.value, decoded.partition.value}].push_back(i);
    else
      b.dead.emplace_back(i, std::move(problem));
  }
  s.context->counters.results_received += messages.size();
  s.batches.push_back(std::move(b));
  send_groups(self, s.batches.back());
  finish(self, s.batches.back());
}

auto result_stream(const grant_settings& g) -> bus::stream_config {
  bus::stream_config c;
  c.name = g.result_stream;
  c.subjects = {g.voucher_result_topic, g.voucher_result_topic + ".*", g.point_result_topic,
                g.point_result_topic + ".*"};
  c.deny_delete_and_purge = false;
  return c;
}

auto dead_stream(const grant_settings& g) -> bus::stream_config {
  bus::stream_config c;
  c.name = g.dead_stream;
  c.subjects = {std::string{bus::dead_letter_subject}};
  c.deny_delete_and_purge = false;
  return c;
}

void connect(intake* self) {
  auto& s = self->state;
  auto& messages = *s.context->parts.messages;
  const auto& grants = s.context->options.grants;
  const auto again = [&] { self->delayed_send(self, limits::results_retry_after, intake_connect{}); };
  if (s.consumer) return;
  if (!messages.connected() || !messages.ensure_stream(result_stream(grants)) ||
      !messages.ensure_stream(dead_stream(grants)))
    return again();
  bus::consumer_config config;
  config.stream = grants.result_stream;
  config.durable = results_consumer;
  config.batch_max = limits::result_batch_max;
  const auto address = caf::actor_cast<caf::actor_addr>(self);
  auto opened = messages.consume(config, [address](bus::incoming_batch batch) {
    // The bus's thread only hands over.
    if (auto host = caf::actor_cast<caf::actor>(address))
      caf::anon_send(host, results_arrived{std::make_shared<bus::incoming_batch>(std::move(batch))});
  });
  if (!opened) return again();
  s.consumer = std::move(*opened);
  s.consumer->grant_credit(limits::result_batches_in_flight);
}

/// What was acknowledged once comes again; what the log knows already is counted as a repeat.
void read_again(intake* self) {
  auto& s = self->state;
  const bool busy = std::any_of(s.batches.begin(), s.batches.end(),
                                [](const open_batch& b) { return b.asked > 0; });
  if (!busy) {
    s.consumer.reset();
    s.batches.clear();
    if (read_results_from_start(*s.context->parts.messages, s.context->options.grants))
      return self->send(self, intake_connect{});
  }
  self->delayed_send(self, limits::results_retry_after, read_results_again{});
}

}  // namespace

auto read_results_from_start(bus::message_bus& messages, const grant_settings& grants)
    -> result<void> {
  return messages.remove_consumer(grants.result_stream, results_consumer);
}

auto run_result_intake(intake* self, context_ptr context) -> caf::behavior {
  use_host_defaults(self);
  self->state.context = std::move(context);
  self->send(self, intake_connect{});
  return {
      [=](const results_arrived& r) { take_in(self, r); },
      [=](const intake_retry& r) {
        auto* b = find_open(self->state, r.token);
        if (b == nullptr) return;
        b->retry_scheduled = false;
        if (b->asked > 0) return retry_later(self, *b);
        send_groups(self, *b);
        finish(self, *b);
      },
      [=](const intake_connect&) { connect(self); },
      [=](const read_results_again&) { read_again(self); },
      [=](const shutdown&) {
        self->state.consumer.reset();
        self->quit();
      },
  };
}

}  // namespace bestow::actors
