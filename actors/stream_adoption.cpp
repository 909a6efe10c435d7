#include "actors/stream_adoption.hpp"

#include <optional>

#include <fmt/format.h>

#include "actors/delivery_plan.hpp"
#include "actors/grant_content.hpp"
#include "actors/stream_tag.hpp"
#include "bus/grant_wire.hpp"
#include "bus/wire_text.hpp"
#include "events/limits.hpp"

namespace bestow::actors {

namespace {

/// The text between `before` and the next quote; "" when `before` does not occur.
auto text_after(std::string_view json, std::string_view before) -> std::string_view {
  const auto at = json.find(before);
  if (at == std::string_view::npos) return {};
  const auto from = at + before.size();
  const auto end = json.find('"', from);
  return end == std::string_view::npos ? std::string_view{} : json.substr(from, end - from);
}

class reader {
 public:
  reader(const engine_parts& parts, promotion_type type, const bus::stream_config& wanted)
      : parts_{parts}, type_{type}, wanted_{wanted} {}

  auto run() -> result<std::variant<adoption, domain::refusal>> {
    auto found = parts_.messages->inspect(wanted_);
    if (!found) return tl::unexpected{found.error()};
    delivery_plan plan{type_, {}};
    auto known = plan.catch_up(*parts_.log, [](const planned_release&) {});
    if (!known) return tl::unexpected{known.error()};
    if (auto checked = check_ours(*found, plan); !checked) return tl::unexpected{checked.error()};
    if (refusal_) return *refusal_;
    out_.first_seq = std::max(plan.last_planned(), plan.base()) + 1;
    out_.last_seq = found->state.last_seq;
    auto seq = out_.first_seq;
    auto read = parts_.messages->scan(
        wanted_.name, out_.first_seq, out_.last_seq, [&](const bus::stored_message& m) {
          if (m.seq != seq) refuse(seq, "is missing");
          if (!refusal_) take(m);
          ++seq;
          return !refusal_;
        });
    if (!read) return tl::unexpected{read.error()};
    if (!refusal_ && seq <= out_.last_seq) refuse(seq, "is missing");
    if (!refusal_) close_group();
    if (refusal_) return *refusal_;
    return std::move(out_);
  }

 private:
  void refuse(std::uint64_t seq, std::string_view why) {
    if (!refusal_)
      refusal_ = domain::refusal{domain::rejection::stream_cannot_be_adopted,
                                 fmt::format("{} sequence {} {}", wanted_.name, seq, why)};
  }

  /// The stream is this log's, and agrees with it up to where the log ends.
  auto check_ours(const bus::stream_inspection& found, delivery_plan& plan) -> result<void> {
    const auto last = std::max(plan.last_planned(), plan.base());
    if (!found.exists || found.state.last_seq <= last) {
      refusal_ = domain::refusal{domain::rejection::stream_is_not_ahead,
                                 fmt::format("{} ends at sequence {}, the log plans up to {}",
                                             wanted_.name, found.state.last_seq, last)};
      return {};
    }
    auto first = parts_.messages->read(wanted_.name, plan.base());
    if (!first) return tl::unexpected{first.error()};
    const auto tag = *first ? parse_identity((*first)->payload) : std::nullopt;
    if (!tag || tag->log_id != parts_.log->log_id()) {
      refusal_ = domain::refusal{domain::rejection::stream_belongs_to_another,
                                 wanted_.name + " does not begin with this log's identity"};
      return {};
    }
    if (tag->generation != plan.generation().number) {
      refuse(plan.base(), fmt::format("begins generation {}, the log knows {}: restore a backup "
                                      "made after that rebuild",
                                      tag->generation, plan.generation().number));
      return {};
    }
    if (plan.open().empty()) return {};
    const auto& r = plan.open().back();
    auto list = parts_.lists->open(*parts_.log, r.facts.promotion);
    if (!list) return tl::unexpected{list.error()};
    const auto planned = encode_release(r.facts, **list, r.facts.message_count - 1, 1);
    auto stored = parts_.messages->read(wanted_.name, last);
    if (!stored) return tl::unexpected{stored.error()};
    if (!*stored || (*stored)->payload != planned.message(0))
      refusal_ = domain::refusal{
          domain::rejection::stream_belongs_to_another,
          fmt::format("{} sequence {} does not hold the message the log plans there", wanted_.name,
                      last)};
    return {};
  }

  void take(const bus::stored_message& m) {
    if (m.subject.find(".recall.") != std::string::npos)
      return refuse(m.seq, "is a recall: which one cannot be read from the stream");
    bus::decoded_grant grant;
    if (const auto wrong = bus::decode_grant(m.payload, grant); !wrong.empty())
      return refuse(m.seq, "is not a grant: " + wrong);
    if (grant.type != type_) return refuse(m.seq, "is a grant of the other type");
    auto shown = release_shown(m, grant);
    if (!open_list(m.seq, grant.promotion)) return;
    const bool inside = grant.partition.value < list_->partition_count();
    const auto ordinal = inside ? list_->find(grant.partition, grant.id) : std::nullopt;
    if (!ordinal)
      return refuse(m.seq, fmt::format("grants target {}, which is not in partition {} of the "
                                       "sealed list of promotion {}",
                                       grant.id.value, grant.partition.value,
                                       grant.promotion.value));
    if (!goes_on(shown, *ordinal)) {
      close_group();
      group_ = std::move(shown);
    }
    group_.ordinals.append(ordinal->value, 1);
    ++group_.message_count;
    payloads_.push_back(m);
  }

  /// The release's facts as far as one message shows them.
  auto release_shown(const bus::stored_message& m, const bus::decoded_grant& grant) const
      -> targets_released {
    targets_released r;
    r.kind = grant.attempt > 1 ? release_kind::retry : release_kind::grant;
    r.promotion = grant.promotion;
    r.type = type_;
    r.attempt = attempt_no{grant.attempt};
    r.partition = grant.partition;
    r.topic = std::string{text_after(m.payload, R"("topic":")")};
    r.partition_token = m.subject != r.topic;
    r.extra_fields = !grant.idempotency_key.empty();
    r.sent_at = bus::wire_text::parse_datetime(text_after(m.payload, R"({"sentAt":")"));
    return r;
  }

  auto open_list(std::uint64_t seq, promotion_id promotion) -> bool {
    if (list_ && promotion == listed_) return true;
    close_group();  // Its list goes with it.
    auto opened = parts_.lists->open(*parts_.log, promotion);
    if (!opened) {
      refuse(seq, fmt::format("grants promotion {}, which is not sealed in this log",
                              promotion.value));
      return false;
    }
    list_ = std::move(*opened);
    listed_ = promotion;
    return !refusal_;
  }

  auto goes_on(const targets_released& shown, target_ordinal ordinal) const -> bool {
    const auto& g = group_;
    return g.message_count > 0 && g.message_count < limits::release_chunk_max &&
           g.promotion == shown.promotion && g.partition == shown.partition &&
           g.attempt == shown.attempt && g.sent_at == shown.sent_at && g.topic == shown.topic &&
           g.partition_token == shown.partition_token && g.extra_fields == shown.extra_fields &&
           ordinal.value > last_ordinal();
  }
  [[nodiscard]] auto last_ordinal() const -> std::uint32_t {
    const auto last = group_.ordinals.ranges().back();
    return last.first + last.count - 1;
  }

  /// The group's messages are exactly those its release makes of the sealed list.
  void close_group() {
    if (group_.message_count == 0) return;
    const auto planned = encode_release(group_, *list_, 0, group_.message_count);
    for (std::size_t i = 0; i < payloads_.size(); ++i) {
      const auto& m = payloads_[i];
      if (m.payload == planned.message(i) && m.subject == planned.subject) continue;
      refuse(m.seq, "differs from what the sealed list makes of that target");
      break;
    }
    out_.releases.push_back(std::move(group_));
    group_ = {};
    payloads_.clear();
  }

  const engine_parts& parts_;
  promotion_type type_;
  const bus::stream_config& wanted_;
  adoption out_;
  std::optional<domain::refusal> refusal_;
  std::shared_ptr<const store::target_list> list_;
  promotion_id listed_{};
  targets_released group_;  ///< Being collected; message_count 0: none.
  std::vector<bus::stored_message> payloads_;  ///< Of the group.
};

}  // namespace

auto read_adoption(const engine_parts& parts, promotion_type type,
                   const bus::stream_config& wanted)
    -> result<std::variant<adoption, domain::refusal>> {
  return reader{parts, type, wanted}.run();
}

}  // namespace bestow::actors
