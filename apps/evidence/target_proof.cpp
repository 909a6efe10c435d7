#include "apps/evidence/target_proof.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "actors/grant_content.hpp"
#include "apps/evidence/digest.hpp"
#include "apps/evidence/log_export.hpp"
#include "events/limits.hpp"
#include "store/find_target.hpp"
#include "store/log_frames.hpp"

namespace bestow::evidence {
namespace {

auto promotion_exists(const store::event_log& log, promotion_id promotion) -> result<bool> {
  const auto version = log.version_of(stream_of(promotion));
  if (!version) return tl::unexpected<fault>{version.error()};
  return version->value > 0;
}

/// Where the target stands in the sealed list.
auto place_of(const store::target_list& list, promotion_id promotion, target_id target)
    -> std::optional<story_subject> {
  const auto found = store::find_target(list, target);
  if (!found) return std::nullopt;
  return story_subject{promotion, target, found->partition, found->ordinal};
}

}  // namespace

auto parse_proof_chain(std::string_view word) -> std::optional<proof_chain> {
  if (word == "whole") return proof_chain::whole;
  if (word == "facts") return proof_chain::facts;
  return std::nullopt;
}

auto name_of(proof_chain chain) -> std::string_view {
  return chain == proof_chain::whole ? "whole" : "facts";
}

auto title_line(const proof_title& t) -> std::string {
  return fmt::format(
      R"({{"kind":"proof","format":"bestow-proof 1","log_id":"{}","promotion_id":"{}",)"
      R"("target_id":"{}","promotion_type":"{}","partition_key":{},"ordinal":{},"chain":"{}",)"
      R"("from":{},"head_position":{},"head_hash":"{}"}})"
      "\n",
      t.log_id, t.subject.promotion.value, t.subject.target.value, bestow::name_of(t.type),
      t.subject.partition.value, t.subject.ordinal.value, name_of(t.chain), t.from.value,
      t.head.value, to_hex(t.head_hash));
}

auto end_line(std::uint64_t claims, std::uint64_t frames) -> std::string {
  return fmt::format(R"({{"kind":"end","claims":{},"frames":{}}})"
                     "\n",
                     claims, frames);
}

auto target_proof::gather(const store::event_log& log, store::target_lists& lists,
                          promotion_id promotion, target_id target, proof_chain chain)
    -> result<std::optional<target_proof>> {
  const auto head = log.head();
  const auto exists = promotion_exists(log, promotion);
  if (!exists) return tl::unexpected<fault>{exists.error()};
  if (!*exists) return std::nullopt;
  const auto scope = store::read_scope(log, promotion);
  if (!scope) return tl::unexpected<fault>{scope.error()};
  if (!scope->sealed) return std::nullopt;
  const auto list = lists.open(log, promotion);
  if (!list) return tl::unexpected<fault>{list.error()};
  const auto subject = place_of(**list, promotion, target);
  if (!subject) return std::nullopt;
  target_proof out{log};
  out.title_ = {log.log_id(), *subject, scope->created.type, chain, {}, head.last,
                head.frame_hash};
  if (auto told = out.tell_all(**list, *scope); !told) return tl::unexpected<fault>{told.error()};
  return out;
}

auto target_proof::tell_all(const store::target_list& list, const store::list_scope& scope)
    -> result<void> {
  target_story story{title_.subject, [&](const targets_released& release, std::uint32_t index) {
                       const auto chunk = actors::encode_release(release, list, index, 1);
                       return result<std::string>{std::string{chunk.message(0)}};
                     }};
  result<void> outcome;
  const auto visit = [&](const store::stored_event& e) {
    if (e.at > title_.head) return false;
    const auto fact = decode_any(e.type, e.payload);
    const auto metadata = decode_metadata(e.metadata);
    if (!fact || !metadata) {
      outcome = tl::unexpected<fault>{fact ? metadata.error() : fact.error()};
      return false;
    }
    // Rows of a batch that was given up are no part of the list.
    const auto* rows = std::get_if<targets_imported>(&*fact);
    if (rows != nullptr && !scope.closed.contains(rows->batch)) return true;
    auto line = story.tell({e.at, e.stream, e.version, e.recorded_at, metadata->principal}, *fact);
    if (!line) {
      outcome = tl::unexpected<fault>{line.error()};
      return false;
    }
    if (line->empty()) return true;
    claims_.push_back({e.at, std::move(*line)});
    if (claims_.size() > limits::proof_facts_max)
      outcome = fail(fault_code::overloaded, "proof",
                     fmt::format("the target has more than {} facts", limits::proof_facts_max));
    return outcome.has_value();
  };
  for (const auto& stream : {stream_of(title_.subject.promotion),
                             stream_of(title_.subject.promotion, title_.subject.partition)}) {
    const auto seen = log_->read_stream(stream, {}, {}, visit);
    if (!seen) return tl::unexpected<fault>{seen.error()};
    if (!outcome) return outcome;
  }
  // Both streams in one order, as the frames have them. A partition's facts rest on the rows only,
  // which come before all of them, so telling them stream by stream gave the same lines.
  std::ranges::sort(claims_, {}, &told::at);
  title_.from = claims_.front().at;
  return {};
}

/// Of the frame after the one that ends before `next_`; 0: none.
auto target_proof::next_position() const -> position {
  if (title_.chain == proof_chain::whole) return next_ > title_.head ? position{} : next_;
  const auto it = std::ranges::lower_bound(claims_, next_, {}, &told::at);
  return it == claims_.end() ? position{} : it->at;
}

auto target_proof::step(std::string& out) -> result<bool> {
  if (next_.value == 0) {
    out += title_line(title_);
    for (const auto& c : claims_) out += c.line;
    next_ = title_.from;
    return true;
  }
  const auto at = next_position();
  if (at.value == 0) {
    out += end_line(claims_.size(), frames_);
    return false;
  }
  const auto found = store::frame_holding(*log_, at);
  if (!found) return tl::unexpected<fault>{found.error()};
  if (!*found)
    return fail(fault_code::log_corrupt, "proof",
                fmt::format("position {}: not in the log", at.value));
  const auto& frame = **found;
  const auto view = store::decode_frame(frame.bytes, frame.first);
  if (!view) return tl::unexpected<fault>{view.error()};
  if (view->header.last() < at)
    return fail(fault_code::log_corrupt, "proof",
                fmt::format("position {}: not in the log", at.value));
  append_frame_line(out, *view, frame.bytes, true);
  ++frames_;
  next_ = {view->header.last().value + 1};
  return true;
}

}  // namespace bestow::evidence
