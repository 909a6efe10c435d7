#include "apps/evidence/proof_check.hpp"

#include <algorithm>
#include <charconv>
#include <deque>
#include <map>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "apps/evidence/digest.hpp"
#include "apps/evidence/json_fields.hpp"
#include "apps/evidence/log_export.hpp"
#include "events/limits.hpp"
#include "store/frame.hpp"

namespace bestow::evidence {
namespace {

using json = nlohmann::json;

/// A claim holds a message in base64 where a frame's line holds a frame.
constexpr std::size_t line_bytes_max =
    limits::proof_line_bytes_max + limits::grant_message_bytes_max / 3 * 4;

auto id_in(const json& of, const char* name) -> std::uint64_t {
  const auto text = text_in(of, name).value_or("");
  std::uint64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

/// The title as the line says it; writing it again must give the line.
auto read_title(const std::string& line) -> std::optional<proof_title> {
  const auto j = json::parse(line, nullptr, false);
  if (!j.is_object()) return std::nullopt;
  const auto partition = number_in(j, "partition_key");
  const auto ordinal = number_in(j, "ordinal");
  const auto from = number_in(j, "from");
  const auto head = number_in(j, "head_position");
  const auto chain = parse_proof_chain(text_in(j, "chain").value_or(""));
  proof_title t;
  if (!partition || *partition >= limits::partition_count_max || !ordinal || *ordinal > ~0U ||
      !from || !head || !chain || !from_hex(text_in(j, "head_hash").value_or(""), t.head_hash))
    return std::nullopt;
  t.log_id = text_in(j, "log_id").value_or("");
  t.subject = {promotion_id{id_in(j, "promotion_id")}, target_id{id_in(j, "target_id")},
               partition_no{static_cast<std::uint16_t>(*partition)},
               target_ordinal{static_cast<std::uint32_t>(*ordinal)}};
  t.type = text_in(j, "promotion_type") == "VOUCHER" ? promotion_type::voucher
                                                    : promotion_type::point;
  t.chain = *chain;
  t.from = {*from};
  t.head = {*head};
  if (title_line(t) != line + "\n") return std::nullopt;
  return t;
}

/// Counts, from all rows of the promotion, how many targets come before this one in its partition.
class rank_counter {
 public:
  explicit rank_counter(const story_subject& subject) : subject_{subject} {}
  void take(const any_event& fact) {
    if (const auto* rows = std::get_if<targets_imported>(&fact)) {
      auto& before = before_[rows->batch];
      for (std::size_t i = 0; i < rows->target_ids.size() && i < rows->partitions.size(); ++i)
        if (rows->partitions[i] == subject_.partition.value &&
            rows->target_ids[i] < subject_.target.value)
          ++before;
    } else if (const auto* closed = std::get_if<batch_closed>(&fact)) {
      closed_.insert(closed->batch);
    } else if (const auto* gone = std::get_if<batch_abandoned>(&fact)) {
      closed_.erase(gone->batch);
    } else if (std::holds_alternative<list_sealed>(fact)) {
      rank_ = 0;
      for (const auto& [batch, before] : before_)
        if (closed_.contains(batch)) *rank_ += before;
    }
  }
  [[nodiscard]] auto rank() const -> const std::optional<std::uint64_t>& { return rank_; }
  [[nodiscard]] auto counts(const std::string& batch) const -> bool {
    return closed_.contains(batch);
  }

 private:
  story_subject subject_;
  std::map<std::string, std::uint64_t> before_;
  std::set<std::string> closed_;
  std::optional<std::uint64_t> rank_;
};

class checker {
 public:
  checker(std::istream& in, const trusted_hashes& trusted) : in_{in}, trusted_{trusted} {}

  auto run() -> proof_verdict {
    if (read_begin() && read_claims()) {
      while (out_.problem.empty() && !ended_) take_line();
      conclude();
    }
    out_.sound = out_.problem.empty();
    return std::move(out_);
  }

 private:
  void wrong(std::string what) {
    if (out_.problem.empty()) out_.problem = fmt::format("line {}: {}", number_, what);
  }

  auto next_line() -> bool {
    line_.clear();
    ++number_;
    for (char c = 0; in_.get(c);) {
      if (c == '\n') return true;
      line_ += c;
      if (line_.size() > line_bytes_max) return wrong("is too long"), false;
    }
    return wrong("the document ends in the middle"), false;
  }

  auto read_begin() -> bool {
    if (!next_line()) return false;
    const auto title = read_title(line_);
    if (!title) return wrong("is not the first line of a proof"), false;
    out_.title = *title;
    story_.emplace(title->subject, [this](const targets_released& release, std::uint32_t) {
      return message_of_claim(release);
    });
    ranks_.emplace(title->subject);
    return true;
  }

  auto read_claims() -> bool {
    while (next_line()) {
      if (!line_.starts_with(R"({"kind":"claim",)")) return !claims_.empty() || no_claims();
      const auto at = number_in(json::parse(line_, nullptr, false), "position");
      if (!at || (!claims_.empty() && *at <= claims_.back().at.value))
        return wrong("is not a claim in its order"), false;
      claims_.push_back({{*at}, line_, number_});
      if (claims_.size() > limits::proof_facts_max) return wrong("has too many claims"), false;
    }
    return false;
  }
  auto no_claims() -> bool { return wrong("claims nothing"), false; }

  /// `line_` is the first behind the claims, or the next one.
  void take_line() {
    if (line_.starts_with(R"({"kind":"end",)")) {
      ended_ = true;
      if (line_ + "\n" != end_line(out_.claims, out_.frames)) wrong("the counts are wrong");
      if (in_.peek() != std::istream::traits_type::eof()) wrong("something follows the end");
      return;
    }
    take_frame();
    if (out_.problem.empty()) static_cast<void>(next_line());
  }

  void take_frame() {
    const auto j = json::parse(line_, nullptr, false);
    const auto first = j.is_object() ? number_in(j, "first") : std::nullopt;
    const auto bytes = j.is_object() ? from_base64(text_in(j, "bytes").value_or("")) : std::nullopt;
    if (!first || !bytes) return wrong("is not a frame");
    const auto frame = store::decode_frame(*bytes, {*first});
    if (!frame) return wrong(frame.error().detail);
    if (!store::records_complete(*frame)) return wrong("the records do not fill the frame");
    std::string again;
    append_frame_line(again, *frame, *bytes, true);
    if (again != line_ + "\n") return wrong("says something else than its frame");
    if (store::log_id_text(frame->header.identity.log_id) != out_.title.log_id)
      return wrong("the frame belongs to another log");
    const auto hash = store::hash_of_frame(*bytes);
    check_link(frame->header);
    if (!out_.problem.empty()) return;
    ++out_.frames;
    last_ = frame->header.last();
    last_hash_ = hash;
    if (trusted_.log_export != nullptr) hashes_.emplace(frame->header.first, hash);
    take_records(*frame);
  }

  void check_link(const store::frame_header& header) {
    const bool begins = last_.value == 0;
    if (begins && (header.first > out_.title.from || header.last() < out_.title.from))
      return wrong("the first frame does not hold the promotion's first fact");
    if (!begins && header.first.value <= last_.value) return wrong("the frame is out of order");
    const bool next = !begins && header.first.value == last_.value + 1;
    if (next && header.previous != last_hash_)
      return wrong("the chain is broken: the previous frame's hash differs");
    if (out_.title.chain == proof_chain::whole && !begins && !next)
      wrong(fmt::format("frames are missing after position {}", last_.value));
  }

  void take_records(const store::frame_view& frame) {
    store::record_cursor records{frame.records};
    for (auto at = frame.header.first; const auto record = records.next(); ++at.value) {
      const bool promotion = record->stream == stream_of(out_.title.subject.promotion);
      const bool claimed = !claims_.empty() && claims_.front().at == at;
      if (!claimed && !promotion && !tells_all(record->stream)) continue;
      const auto fact = decode_any(record->type, record->payload);
      if (!fact) return wrong(fmt::format("position {}: {}", at.value, to_string(fact.error())));
      if (promotion) ranks_->take(*fact);
      const fact_at where{at, record->stream, record->version, frame.header.recorded_at, {}};
      if (claimed)
        judge(where, *fact);
      else if (tells_all(record->stream))
        expect_silence(where, *fact);
      if (!out_.problem.empty()) return;
    }
  }

  /// The whole chain holds every fact of these streams: the claims must, too.
  [[nodiscard]] auto tells_all(const stream_id& stream) const -> bool {
    const auto& subject = out_.title.subject;
    return out_.title.chain == proof_chain::whole &&
           (stream == stream_of(subject.promotion) ||
            stream == stream_of(subject.promotion, subject.partition));
  }

  /// A fact that no claim stands for must say nothing of the target.
  void expect_silence(const fact_at& where, const any_event& fact) {
    if (const auto* rows = std::get_if<targets_imported>(&fact)) {
      // Rows of a batch that was given up say nothing; which ones were is known at the end.
      for (std::size_t i = 0; i < rows->target_ids.size(); ++i)
        if (rows->target_ids[i] == out_.title.subject.target.value)
          unclaimed_rows_.emplace(rows->batch, where.at);
      return;
    }
    unclaimed_ = true;
    const auto told = story_->tell(where, fact);
    unclaimed_ = false;
    if (!told) return wrong(told.error().detail);
    if (!told->empty())
      not_claimed(where.at, text_in(json::parse(*told, nullptr, false), "what").value_or(""));
  }
  void not_claimed(position at, std::string_view what) {
    wrong(fmt::format("position {}: \"{}\" is a fact of this target that no claim tells", at.value,
                      what));
  }

  void judge(const fact_at& where, const any_event& fact) {
    const auto told = story_->tell(where, fact);
    if (!told) return wrong(told.error().detail);
    const auto claim = std::move(claims_.front());
    if (*told != claim.line + "\n") {
      number_ = claim.number;
      return wrong(fmt::format("position {} does not say this", where.at.value));
    }
    claims_.pop_front();
    ++out_.claims;
  }

  /// Made again from the row on the single wire; else read and compared with the row.
  auto message_of_claim(const targets_released& release) -> result<std::string> {
    if (unclaimed_) return std::string{};
    const auto row = story_->row();
    if (!row) return fail(fault_code::log_corrupt, "proof", "released before it was imported");
    const bus::grant_encoder encoder{release};
    if (release.wire == grant_wire::single) {
      std::string out;
      encoder.append(out, *row);
      ++out_.messages_remade;
      return out;
    }
    const auto bytes = from_base64(
        text_in(json::parse(claims_.front().line, nullptr, false), "message").value_or(""));
    if (!bytes) return fail(fault_code::log_corrupt, "proof", "the message is not base64");
    std::string message{reinterpret_cast<const char*>(bytes->data()), bytes->size()};
    std::vector<bus::decoded_grant> grants;
    if (const auto why = bus::decode_grants(message, grants); !why.empty())
      return fail(fault_code::log_corrupt, "proof", "the message: " + why);
    const auto& subject = out_.title.subject;
    const bool there = std::ranges::any_of(grants, [&](const bus::decoded_grant& g) {
      return g.promotion == subject.promotion && g.id == subject.target &&
             g.partition == subject.partition && g.customer == row->customer &&
             g.attempt == release.attempt.value && g.amount_minor == row->amount;
    });
    if (!there)
      return fail(fault_code::log_corrupt, "proof", "the message does not hold this grant");
    ++out_.messages_read;
    return message;
  }

  void conclude() {
    if (!out_.problem.empty()) return;
    if (!claims_.empty()) {
      number_ = claims_.front().number;
      return wrong("no frame holds this fact");
    }
    const bool at_head = last_ == out_.title.head && last_hash_ == out_.title.head_hash;
    out_.chained = out_.title.chain == proof_chain::whole && at_head;
    if (out_.title.chain == proof_chain::whole && !at_head)
      return wrong("the last frame is not the head that the first line names");
    if (trusted_.head && *trusted_.head != out_.title.head_hash)
      return wrong("the head is not the one you trust");
    if (trusted_.head && !out_.chained && trusted_.log_export == nullptr)
      return wrong(
          "the first line names the head that you trust, but nothing ties its frames to that head: "
          "hold them against an export, or ask for a proof with the whole chain");
    if (out_.chained) check_rank();
    if (trusted_.log_export != nullptr) look_up();
  }

  void check_rank() {
    const auto& rank = ranks_->rank();
    if (!rank || *rank != out_.title.subject.ordinal.value)
      return wrong(fmt::format("the target's ordinal is {}, not {}",
                               rank ? fmt::to_string(*rank) : "unknown",
                               out_.title.subject.ordinal.value));
    for (const auto& batch : story_->batches())
      if (!ranks_->counts(batch)) return wrong(fmt::format("batch {} was given up", batch));
    for (const auto& [batch, at] : unclaimed_rows_)
      if (ranks_->counts(batch)) return not_claimed(at, "imported");
    if (story_->batches().empty()) return wrong("no row of the list is this target's");
    out_.ordinal_proved = true;
  }

  /// Every frame stands in the export with the same hash.
  void look_up() {
    std::string line;
    while (!hashes_.empty() && std::getline(*trusted_.log_export, line)) {
      if (line.starts_with(R"({"kind":"proof",)"))
        return wrong("what it is held against is a proof: take an export of the log that you trust");
      if (!line.starts_with(R"({"kind":"frame",)")) continue;
      const auto j = json::parse(line, nullptr, false);
      const auto first = j.is_object() ? number_in(j, "first") : std::nullopt;
      if (!first) continue;
      const auto it = hashes_.find({*first});
      if (it == hashes_.end()) continue;
      if (text_in(j, "hash") != to_hex(it->second))
        return wrong(fmt::format("the export has another frame at position {}", *first));
      hashes_.erase(it);
    }
    if (!hashes_.empty())
      wrong(fmt::format("the export has no frame at position {}", hashes_.begin()->first.value));
  }

  struct claim {
    position at{};
    std::string line;
    std::uint64_t number{0};
  };

  std::istream& in_;
  const trusted_hashes& trusted_;
  proof_verdict out_;
  std::string line_;
  std::uint64_t number_{0};
  bool ended_{false};
  std::deque<claim> claims_;
  std::optional<target_story> story_;
  std::optional<rank_counter> ranks_;
  bool unclaimed_{false};  ///< The story hears a fact without a claim.
  std::map<std::string, position> unclaimed_rows_;  ///< By batch.
  position last_{};
  sha256_digest last_hash_{};
  std::map<position, sha256_digest> hashes_;
};

}  // namespace

auto check_proof(std::istream& proof, const trusted_hashes& trusted) -> proof_verdict {
  return checker{proof, trusted}.run();
}

}  // namespace bestow::evidence
