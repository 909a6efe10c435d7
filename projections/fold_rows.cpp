#include "projections/fold_rows.hpp"

#include <algorithm>

#include "projections/row_bytes.hpp"

namespace bestow::projections {

namespace {

auto release_key(position at) -> std::string {
  return key_writer{table::release}.be(at.value).take();
}

auto encode(const waiting_release& r) -> std::string {
  byte_writer out;
  out.number(r.place.promotion);
  out.number(r.place.number);
  out.number(static_cast<std::uint8_t>(r.kind));
  out.number(r.attempt);
  out.number(r.message_count);
  std::vector<std::byte> ordinals;
  r.ordinals.encode(ordinals);
  out.blob(ordinals);
  return out.take();
}

auto decode(std::string_view bytes) -> std::optional<waiting_release> {
  byte_reader in{bytes};
  waiting_release r;
  r.place.promotion = in.strong_number<promotion_id>();
  r.place.number = in.strong_number<partition_no>();
  r.kind = static_cast<release_kind>(in.number<std::uint8_t>());
  r.attempt = in.strong_number<attempt_no>();
  r.message_count = in.number<std::uint32_t>();
  auto ordinals = in.blob();
  if (!in.complete() || !ordinal_ranges::decode(ordinals, r.ordinals)) return std::nullopt;
  return r;
}

}  // namespace

auto list_sizes::put(promotion_id promotion, const list_sealed& e) -> result<void> {
  byte_writer out;
  auto& sizes = known_[promotion];
  sizes.clear();
  for (std::size_t k = 0; k < e.partition_counts.size(); ++k) {
    sizes.push_back(static_cast<std::uint32_t>(e.partition_counts[k]));
    out.number(sizes.back());
  }
  return put_row(*rows_, promotion_key(table::sizes, promotion), out.take());
}

auto list_sizes::read(const store::view_reader& rows, promotion_id promotion)
    -> result<std::optional<std::vector<std::uint32_t>>> {
  auto found = get_row(rows, "list sizes", promotion_key(table::sizes, promotion));
  if (!found) return tl::unexpected{found.error()};
  if (!*found) return std::nullopt;
  std::vector<std::uint32_t> sizes((*found)->size() / sizeof(std::uint32_t));
  byte_reader in{**found};
  for (auto& size : sizes) size = in.number<std::uint32_t>();
  return sizes;
}

auto list_sizes::size(const partition_place& place) -> result<std::uint32_t> {
  auto it = known_.find(place.promotion);
  if (it == known_.end()) {
    auto sizes = read(*rows_, place.promotion);
    if (!sizes) return tl::unexpected{sizes.error()};
    if (!*sizes) return 0U;
    it = known_.emplace(place.promotion, std::move(**sizes)).first;
  }
  return place.number.value < it->second.size() ? it->second[place.number.value] : 0U;
}

void waiting_releases::open(position at, waiting_release r) {
  opened_.insert_or_assign(at, std::move(r));
}

auto waiting_releases::close(position at) -> result<std::optional<waiting_release>> {
  if (const auto it = opened_.find(at); it != opened_.end()) {
    auto r = std::move(it->second);
    opened_.erase(it);
    return std::optional{std::move(r)};
  }
  if (std::find(closed_.begin(), closed_.end(), at) != closed_.end()) return std::nullopt;
  auto found = get_row(*rows_, "waiting releases", release_key(at));
  if (!found) return tl::unexpected{found.error()};
  if (!*found) return std::nullopt;
  auto r = decode(**found);
  if (!r) return damaged_row("waiting releases", release_key(at));
  closed_.push_back(at);
  return r;
}

auto waiting_releases::write() -> result<void> {
  for (const auto& at : closed_)
    if (auto done = rows_->erase(release_key(at)); !done) return done;
  for (const auto& [at, r] : opened_)
    if (auto done = put_row(*rows_, release_key(at), encode(r)); !done) return done;
  return {};
}

auto list_amounts::of(promotion_id promotion) -> result<const store::target_list*> {
  if (const auto it = open_.find(promotion); it != open_.end()) return it->second.get();
  auto list = context_->lists->open(*context_->log, promotion);
  if (!list) return tl::unexpected{list.error()};
  return open_.emplace(promotion, std::move(*list)).first->second.get();
}

}  // namespace bestow::projections
