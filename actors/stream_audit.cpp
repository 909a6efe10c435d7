#include "actors/stream_audit.hpp"

#include <algorithm>
#include <deque>

#include <fmt/format.h>

#include "actors/grant_content.hpp"
#include "actors/stream_tag.hpp"
#include "bus/grant_wire.hpp"
#include "events/limits.hpp"

namespace bestow::actors {

namespace {

/// Messages encoded at once.
constexpr std::uint32_t encoded_messages = 1'000;

/// What is stored in [1, last], in order, fetched slice by slice: what waits between broker and
/// comparison is bounded.
class stored_messages {
 public:
  stored_messages(bus::message_bus& messages, std::string stream, std::uint64_t last)
      : bus_{messages}, stream_{std::move(stream)}, last_{last} {}

  /// The next stored message; nullptr at the end. It stays until pop().
  [[nodiscard]] auto peek() -> result<const bus::stored_message*> {
    while (waiting_.empty()) {
      if (next_ > last_) return nullptr;
      const auto to = std::min(last_, next_ + limits::reconcile_slice_messages - 1);
      auto read = bus_.scan(stream_, next_, to, [this](const bus::stored_message& m) {
        waiting_.push_back(m);
        return true;
      });
      if (!read) return tl::unexpected{read.error()};
      next_ = to + 1;
    }
    return &waiting_.front();
  }
  void pop() { waiting_.pop_front(); }

 private:
  bus::message_bus& bus_;
  std::string stream_;
  std::uint64_t last_;
  std::uint64_t next_{1};
  std::deque<bus::stored_message> waiting_;
};

class auditor {
 public:
  auditor(const engine_parts& parts, promotion_type type, const bus::stream_config& wanted,
          bus::stream_inspection found)
      : parts_{parts},
        type_{type},
        wanted_{wanted},
        found_{std::move(found)},
        stored_{*parts.messages, wanted.name, found_.state.last_seq} {}

  auto run() -> result<stream_audit> {
    delivery_plan plan{type_, {}};
    // Read behind the look at the stream: whatever is stored was planned before.
    auto read = plan.catch_up(*parts_.log, [](const planned_release&) {});
    if (!read) return tl::unexpected{read.error()};
    out_.generation = plan.generation();
    out_.last_planned = plan.last_planned();
    if (auto begun = begin(); !begun) return tl::unexpected{begun.error()};
    for (const auto& r : plan.open()) {
      if (out_.refusal || r.first_seq > found_.state.last_seq) break;
      if (auto compared = compare(r); !compared) return tl::unexpected{compared.error()};
    }
    conclude(plan);
    return std::move(out_);
  }

 private:
  void refuse(domain::rejection why, std::string detail) {
    if (!out_.refusal) out_.refusal = domain::refusal{why, std::move(detail)};
  }
  void differs(std::uint64_t seq, std::string_view how) {
    refuse(domain::rejection::stream_belongs_to_another,
           fmt::format("{} sequence {} {}", wanted_.name, seq, how));
  }

  /// The identity message, or the description in its stead.
  auto begin() -> result<void> {
    if (!found_.exists) return {};
    auto tag = parse_description(found_.description);
    auto first = stored_.peek();
    if (!first) return tl::unexpected{first.error()};
    if (*first != nullptr && (*first)->seq == out_.generation.base_seq) {
      tag = parse_identity((*first)->payload);
      if (!tag) differs((*first)->seq, "names no log");
      stored_.pop();
    } else if (found_.state.last_seq >= out_.generation.base_seq) {
      ++missing_;
    }
    if (!tag) return {};
    if (tag->log_id != parts_.log->log_id())
      refuse(domain::rejection::stream_belongs_to_another,
             fmt::format("{} belongs to log {}", wanted_.name, tag->log_id));
    if (tag->generation > out_.generation.number)
      refuse(domain::rejection::stream_must_be_adopted,
             fmt::format("{} is generation {}, the log knows {}", wanted_.name, tag->generation,
                         out_.generation.number));
    out_.replacing = tag->generation < out_.generation.number;
    return {};
  }

  auto compare(const planned_release& r) -> result<void> {
    if (!list_ || r.facts.promotion != listed_) {
      auto opened = parts_.lists->open(*parts_.log, r.facts.promotion);
      if (!opened) return tl::unexpected{opened.error()};
      list_ = std::move(*opened);
      listed_ = r.facts.promotion;
    }
    for (std::uint32_t from = 0; from < r.facts.message_count; from += encoded_messages) {
      const auto count = std::min(encoded_messages, r.facts.message_count - from);
      const auto planned = encode_release(r.facts, *list_, from, count);
      for (std::uint32_t i = 0; i < count; ++i) {
        const auto seq = r.first_seq + from + i;
        if (seq > found_.state.last_seq || out_.refusal) return {};
        if (auto one = compare_one(seq, planned.subject, planned.message(i)); !one) return one;
      }
    }
    return {};
  }

  auto compare_one(std::uint64_t seq, const std::string& subject, std::string_view payload)
      -> result<void> {
    auto m = stored_.peek();
    if (!m) return tl::unexpected{m.error()};
    if (*m == nullptr || (*m)->seq > seq) {
      if (missing_++ == 0) first_missing_ = seq;
      return {};
    }
    if ((*m)->payload != payload || (*m)->subject != subject)
      differs(seq, "does not hold the message the log plans there");
    stored_.pop();
    return {};
  }

  void conclude(const delivery_plan& plan) {
    const auto& state = found_.state;
    if (state.last_seq > plan.last_planned() && state.messages > 0 && !out_.refusal)
      refuse(domain::rejection::stream_must_be_adopted,
             fmt::format("{} ends at sequence {}, the log plans up to {}", wanted_.name,
                         state.last_seq, plan.last_planned()));
    if (out_.refusal) return;
    const auto wrong = [this](fault_code code, std::string detail) {
      out_.wrong = fault{code, action_for(code), "rebuild", std::move(detail)};
    };
    const bool planned = plan.last_planned() > plan.base();
    if (planned && (!found_.exists || state.last_seq == 0))
      return wrong(fault_code::broker_stream_missing,
                   fmt::format("{} {}, the log has planned up to sequence {}", wanted_.name,
                               found_.exists ? "is empty" : "does not exist",
                               plan.last_planned()));
    if (state.last_seq > 0 && state.first_seq != 1)
      return wrong(fault_code::broker_stream_purged,
                   fmt::format("{} begins at sequence {}", wanted_.name, state.first_seq));
    if (missing_ > 0)
      return wrong(fault_code::broker_stream_damaged,
                   fmt::format("{} lacks {} messages, the first at sequence {}", wanted_.name,
                               missing_, first_missing_));
    if (!found_.differences.empty())
      wrong(fault_code::broker_stream_misconfigured,
            fmt::format("{} has other settings: {}", wanted_.name, found_.differences));
  }

  const engine_parts& parts_;
  promotion_type type_;
  const bus::stream_config& wanted_;
  bus::stream_inspection found_;
  stored_messages stored_;
  stream_audit out_;
  std::shared_ptr<const store::target_list> list_;
  promotion_id listed_{};
  std::uint64_t missing_{0};
  std::uint64_t first_missing_{1};
};

auto topic_of(const engine_options& options, promotion_type type) -> const std::string& {
  return type == promotion_type::voucher ? options.grants.voucher_topic
                                         : options.grants.point_topic;
}

}  // namespace

auto audit_stream(const engine_parts& parts, promotion_type type, const bus::stream_config& wanted)
    -> result<stream_audit> {
  auto found = parts.messages->inspect(wanted);
  if (!found) return tl::unexpected{found.error()};
  return auditor{parts, type, wanted, std::move(*found)}.run();
}

auto identity_subject(const engine_options& options, promotion_type type) -> std::string {
  return bus::stem_of(topic_of(options, type)) + ".log";
}

auto grant_stream_config(const engine_options& options, promotion_type type,
                         const std::string& log_id, std::uint32_t generation)
    -> bus::stream_config {
  const auto& topic = topic_of(options, type);
  bus::stream_config c;
  c.name = type == promotion_type::voucher ? options.grants.voucher_stream
                                           : options.grants.point_stream;
  c.subjects = {topic, topic + ".*", bus::stem_of(topic) + ".recall.*", identity_subject(options, type)};
  c.max_bytes = options.delivery.stream_max_bytes;
  c.replicas = options.delivery.replicas;
  c.description = stream_description({log_id, generation});
  // Without ids it is of no account, and a stream that exists keeps what it has.
  if (options.delivery.fence) c.duplicate_window = limits::nats_duplicate_window;
  return c;
}

}  // namespace bestow::actors
