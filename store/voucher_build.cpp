#include "store/voucher_build.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "events/codec.hpp"
#include "events/limits.hpp"
#include "store/files.hpp"

namespace bestow::store {
namespace {

/// What became of a promotion's batches, by now.
struct batch_book {
  struct closed {
    position at{};
    std::uint64_t accepted{0};
  };
  std::map<std::string, closed, std::less<>> counted;
  std::set<std::string, std::less<>> abandoned;
  bool cancelled{false};  ///< Before its first run: every number is free again.
  stream_version last{};  ///< How far the stream was read.
};

auto read_batches(const event_log& log, promotion_id promotion) -> result<batch_book> {
  batch_book book;
  result<void> outcome{};
  read_options options;
  options.types = {event_type::batch_closed, event_type::batch_abandoned,
                   event_type::promotion_cancelled};
  const auto note = [&](const stored_event& e) -> result<void> {
    if (e.type == event_type::promotion_cancelled) {
      book.cancelled = true;
      return {};
    }
    if (e.type == event_type::batch_closed) {
      auto fact = decode_event<batch_closed>(e.payload);
      if (!fact) return tl::unexpected{std::move(fact).error()};
      book.counted[fact->batch] = {e.at, fact->accepted};
      return {};
    }
    auto fact = decode_event<batch_abandoned>(e.payload);
    if (!fact) return tl::unexpected{std::move(fact).error()};
    book.abandoned.insert(std::move(fact->batch));
    return {};
  };
  const auto seen = log.read_stream(stream_of(promotion), {}, options, [&](const stored_event& e) {
    outcome = note(e);
    return outcome.has_value();
  });
  if (!outcome) return tl::unexpected{outcome.error()};
  if (!seen) return tl::unexpected{seen.error()};
  book.last = *seen;
  return book;
}

using fact_visitor = std::function<result<void>(const targets_imported&, const stored_event&)>;

/// Every targets_imported behind `after`, in small reads. @returns how far the stream goes
auto visit_facts(const event_log& log, promotion_id promotion, stream_version after,
                 const fact_visitor& visit) -> result<stream_version> {
  read_options options;
  options.types = {event_type::targets_imported};
  options.events_max = limits::list_facts_per_read;
  result<void> outcome{};
  for (;;) {
    const auto seen =
        log.read_stream(stream_of(promotion), after, options, [&](const stored_event& e) {
          auto fact = decode_event<targets_imported>(e.payload);
          outcome = fact ? visit(*fact, e) : result<void>{tl::unexpected{fact.error()}};
          return outcome.has_value();
        });
    if (!outcome) return tl::unexpected{outcome.error()};
    if (!seen || *seen == after) return seen;
    after = *seen;
  }
}

}  // namespace

auto build_voucher_file(const event_log& log, const voucher_build& wanted)
    -> result<std::shared_ptr<const voucher_file>> {
  const auto book = read_batches(log, wanted.promotion);
  if (!book) return tl::unexpected{book.error()};
  if (book->cancelled) return std::shared_ptr<const voucher_file>{};
  const auto* const older = wanted.older.get();
  voucher_cover cover;
  if (older != nullptr) cover = older->cover();
  const auto covered = cover.covers;
  const auto resume = cover.resume;
  cover.promotion = wanted.promotion.value;
  cover.seed = wanted.seed;
  std::uint64_t added = 0;
  for (const auto& [name, batch] : book->counted) {
    if (batch.at <= covered) continue;
    added += batch.accepted;
    cover.covers = std::max(cover.covers, batch.at);
  }
  if (cover.covers == covered) return wanted.older;
  const auto hash = log.frame_hash_at(cover.covers);
  if (!hash) return tl::unexpected{hash.error()};
  cover.frame_hash = *hash;
  auto writer = voucher_file_writer::create(wanted.path, older, added,
                                            book->last.value - std::min(resume, book->last).value);
  if (!writer) return tl::unexpected{std::move(writer).error()};
  std::optional<stream_version> first_open;
  const auto end = visit_facts(
      log, wanted.promotion, resume,
      [&](const targets_imported& fact, const stored_event& e) -> result<void> {
        if (!wanted.go_on()) return fail(fault_code::shutting_down, "build voucher file", "");
        const auto batch = book->counted.find(fact.batch);
        if (batch == book->counted.end()) {
          if (!book->abandoned.contains(fact.batch) && !first_open)
            first_open = stream_version{e.version.value - 1};
          return {};
        }
        if (batch->second.at <= covered) return {};
        writer->begin_fact(e.at);
        for (std::size_t i = 0; i < fact.voucher_numbers.size(); ++i)
          if (!writer->add(voucher_tag(fact.voucher_numbers[i], wanted.seed)))
            return fail(fault_code::log_corrupt, "build voucher file",
                        "batch " + fact.batch + " holds more numbers than it says");
        return {};
      });
  if (!end) return tl::unexpected{end.error()};
  cover.resume = first_open.value_or(*end);
  auto file = writer->finish(cover, wanted.go_on);
  if (!file) return tl::unexpected{std::move(file).error()};
  return std::make_shared<const voucher_file>(*std::move(file));
}

auto open_voucher_file(const event_log& log, const voucher_build& wanted)
    -> std::shared_ptr<const voucher_file> {
  if (wanted.path.empty()) return nullptr;
  auto file = voucher_file::open(wanted.path, wanted.promotion.value, wanted.seed);
  if (!file) return nullptr;
  const auto hash = log.frame_hash_at(file->cover().covers);
  if (!hash || *hash != file->cover().frame_hash) return nullptr;
  return std::make_shared<const voucher_file>(*std::move(file));
}

auto visit_uncovered(const event_log& log, promotion_id promotion, const voucher_file* file,
                     const std::function<result<void>(const targets_imported&, position)>& visit)
    -> result<void> {
  const auto book = read_batches(log, promotion);
  if (!book) return tl::unexpected{book.error()};
  if (book->cancelled) return {};
  const auto covered = file != nullptr ? file->cover().covers : position{};
  const auto from = file != nullptr ? file->cover().resume : stream_version{};
  const auto end = visit_facts(
      log, promotion, from,
      [&](const targets_imported& fact, const stored_event& e) -> result<void> {
        if (book->abandoned.contains(fact.batch)) return {};
        const auto batch = book->counted.find(fact.batch);
        if (batch != book->counted.end() && batch->second.at <= covered) return {};
        return visit(fact, e.at);
      });
  if (!end) return tl::unexpected{end.error()};
  return {};
}

auto voucher_seed(const std::string& path, std::uint64_t fresh) -> result<std::uint64_t> {
  constexpr std::size_t digits = 16;
  auto text = read_file(path, limits::anchor_bytes_max);
  if (!text) return tl::unexpected{std::move(text).error()};
  if (*text && (*text)->size() == digits) {
    std::uint64_t seed = 0;
    const auto* const end = (*text)->data() + digits;
    if (std::from_chars((*text)->data(), end, seed, 16).ptr == end) return seed;
  }
  if (auto made = replace_file(path, fmt::format("{:016x}", fresh), durability::process_loss);
      !made)
    return tl::unexpected{std::move(made).error()};
  return fresh;
}

}  // namespace bestow::store
