// How the registry's tables come out of the log: at its first claim, and when a batch is closed.
#include <algorithm>
#include <cstdio>

#include "actors/promotion_host.hpp"
#include "actors/voucher_registry.hpp"
#include "events/limits.hpp"

namespace bestow::actors {

namespace {

using state = voucher_registry_state;

auto build_of(const state& s, promotion_id promotion, state::file_ptr older)
    -> store::voucher_build {
  const auto file = "promotion-" + std::to_string(promotion.value) + ".vouchers";
  return {promotion, table_path(*s.context, file), s.seed, std::move(older),
          [context = s.context] { return !context->stopping; }};
}

/// Every promotion that grants vouchers.
auto voucher_promotions(const store::event_log& log) -> result<std::vector<promotion_id>> {
  std::vector<promotion_id> found;
  store::read_options first;
  first.events_max = 1;
  for (std::uint64_t from = 0;;) {
    const auto streams = log.streams(aggregate::promotion, from, limits::catalog_page);
    if (!streams) return tl::unexpected{streams.error()};
    for (const auto& stream : *streams) {
      result<void> outcome{};
      const auto seen = log.read_stream(
          stream, stream_version{}, first, [&](const store::stored_event& stored) {
            const auto facts = decode_event<promotion_created>(stored.payload);
            if (!facts)
              outcome = tl::unexpected{facts.error()};
            else if (facts->type == promotion_type::voucher)
              found.push_back(facts->promotion);
            return false;
          });
      if (!seen) return tl::unexpected{seen.error()};
      if (!outcome) return tl::unexpected{outcome.error()};
      from = stream.id + 1;
    }
    if (streams->size() < limits::catalog_page) return found;
  }
}

auto fill_promotion(state& s, promotion_id promotion) -> result<void> {
  const auto& log = *s.context->parts.log;
  auto build = build_of(s, promotion, nullptr);
  build.older = store::open_voucher_file(log, build);
  auto file = store::build_voucher_file(log, build);
  if (!file) return tl::unexpected{file.error()};
  if (*file)
    s.files[promotion.value] = *file;
  else if (!build.path.empty())
    std::remove(build.path.c_str());  // Of a promotion that was cancelled.
  return store::visit_uncovered(
      log, promotion, file->get(),
      [&](const targets_imported& facts, position at) -> result<void> {
        for (std::uint32_t i = 0; i < facts.voucher_numbers.size(); ++i) {
          const auto tag = store::voucher_tag(facts.voucher_numbers[i], s.seed);
          if (auto in = s.open->insert(tag, {at, i}); !in) return in;
        }
        return {};
      });
}

auto renew_open_table(state& s) -> result<void> {
  s.open.reset();  // Its file's name is used again.
  auto made = store::make_voucher_table(table_path(*s.context, "vouchers.open"));
  if (!made) return tl::unexpected{made.error()};
  s.open = std::move(*made);
  return {};
}

auto fill_all(state& s) -> result<void> {
  const auto seed_file = table_path(*s.context, "vouchers.seed");
  s.seed = 1;  // In memory nothing outlives the process.
  if (!seed_file.empty()) {
    if (auto made = store::make_parent_directories(seed_file); !made)
      return tl::unexpected{made.error()};
    const auto seed = store::voucher_seed(seed_file, s.context->parts.random->next());
    if (!seed) return tl::unexpected{seed.error()};
    s.seed = *seed;
  }
  ++s.fills;
  s.files.clear();
  s.moving.reset();
  if (auto made = renew_open_table(s); !made) return made;
  if (!s.in_flight) {
    auto table = store::make_voucher_table("");
    if (!table) return tl::unexpected{table.error()};
    s.in_flight = std::move(*table);
    for (const auto& [id, claim] : s.claims->open)
      for (std::uint32_t i = 0; i < claim.tags.size(); ++i)
        if (auto in = s.in_flight->insert(claim.tags[i], {position{id}, i}); !in) return in;
  }
  const auto promotions = voucher_promotions(*s.context->parts.log);
  if (!promotions) return tl::unexpected{promotions.error()};
  for (const auto id : *promotions)
    if (auto one = fill_promotion(s, id); !one) return one;
  return {};
}

auto run_file_builder(caf::event_based_actor* self, context_ptr context) -> caf::behavior {
  use_host_defaults(self);
  return {[self, context](const build_vouchers& b) {
    self->quit();
    return vouchers_built{store::build_voucher_file(*context->parts.log, b.wanted)};
  }};
}

void take_over(voucher_registry_host* self, promotion_id promotion, const state::file_ptr& file) {
  auto& s = self->state;
  if (s.forgotten.contains(promotion.value)) return;
  auto& current = s.files[promotion.value];
  const auto older = current ? current->size() : 0;
  const bool newer = file && (!current || file->cover().covers > current->cover().covers);
  if (!newer) return;
  current = file;
  if (s.open->size() == file->size() - older) {
    // Nothing else is open: no need to take the numbers out one by one.
    if (!renew_open_table(s)) s.filled = false;
    return;
  }
  s.moving = {file, older, 0};
  self->send(self, move_vouchers{});
}

}  // namespace

auto fill_registry(voucher_registry_state& s) -> result<void> {
  if (s.filled) return {};
  if (s.building)
    return fail(fault_code::overloaded, "claim_vouchers", "a file of numbers is being written");
  auto filled = fill_all(s);
  s.filled = filled.has_value();
  return filled;
}

void build_next(voucher_registry_host* self) {
  auto& s = self->state;
  if (!s.filled || s.building || s.moving || s.to_build.empty()) return;
  const promotion_id promotion{*s.to_build.begin()};
  s.to_build.erase(s.to_build.begin());
  s.building = true;
  const auto at = s.files.find(promotion.value);
  auto wanted = build_of(s, promotion, at == s.files.end() ? nullptr : at->second);
  auto builder = s.context->detach ? self->spawn<caf::detached>(run_file_builder, s.context)
                                   : self->spawn(run_file_builder, s.context);
  self->request(builder, limits::claim_timeout, build_vouchers{std::move(wanted)})
      .then(
          [self, promotion](const vouchers_built& b) {
            self->state.building = false;
            // Without the file the numbers stay in the open table: slower, and as good.
            if (b.file && self->state.filled) take_over(self, promotion, *b.file);
            build_next(self);
          },
          [self](const caf::error&) { self->state.building = false; });
}

void move_some_out(voucher_registry_host* self) {
  auto& s = self->state;
  if (!s.moving) return;
  auto& m = *s.moving;
  const auto end = std::min(m.file->size(), m.next + limits::voucher_move_step);
  for (; m.next < end; ++m.next) {
    const auto ordinal = m.file->ordinal(m.next);
    if (ordinal >= m.older) s.open->erase(m.file->tag(m.next), m.file->claim_of(ordinal));
  }
  if (m.next < m.file->size()) return self->send(self, move_vouchers{});
  s.moving.reset();
  build_next(self);
}

auto forget_promotion(voucher_registry_state& s, promotion_id promotion) -> result<void> {
  store::read_options options;
  options.types = {event_type::targets_imported};
  result<void> outcome{};
  const auto seen = s.context->parts.log->read_stream(
      stream_of(promotion), stream_version{}, options, [&](const store::stored_event& stored) {
        const auto facts = decode_event<targets_imported>(stored.payload);
        if (!facts) {
          outcome = tl::unexpected{facts.error()};
          return false;
        }
        for (std::uint32_t i = 0; i < facts->voucher_numbers.size(); ++i)
          s.open->erase(store::voucher_tag(facts->voucher_numbers[i], s.seed), {stored.at, i});
        return true;
      });
  if (!seen) outcome = tl::unexpected{seen.error()};
  s.files.erase(promotion.value);
  s.to_build.erase(promotion.value);
  s.forgotten.insert(promotion.value);
  if (s.moving && s.moving->file->cover().promotion == promotion.value) s.moving.reset();
  const auto path = build_of(s, promotion, nullptr).path;
  if (!path.empty()) std::remove(path.c_str());
  return outcome;
}

}  // namespace bestow::actors
