#include "actors/direct_results.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "events/limits.hpp"

namespace bestow::actors {

namespace {

using group_key = std::pair<std::uint64_t, std::uint16_t>;  // promotion, partition
using group_rows = std::vector<std::uint32_t>;

struct addressed_group {
  caf::actor host;
  group_rows rows;
};

auto find_hosts(caf::scoped_actor& self, const engine_context& context,
                std::map<group_key, group_rows> groups, results_receipt& receipt)
    -> tl::expected<std::vector<addressed_group>, fault> {
  std::vector<addressed_group> out;
  for (auto& [key, rows] : groups) {
    std::optional<fault> why;
    caf::actor host;
    self->request(context.book.directory(), limits::request_timeout,
                  find_partition{promotion_id{key.first}, partition_no{key.second}})
        .receive(
            [&](const found& f) {
              host = f.host;
              why = f.why;
            },
            [&](const caf::error& e) { why = unknown_outcome(e, "find_partition"); });
    if (why) return tl::unexpected{*why};
    if (host) {
      out.push_back({std::move(host), std::move(rows)});
      continue;
    }
    for (const auto row : rows) receipt.refused.push_back({row, std::string{no_such_partition}});
  }
  return out;
}

}  // namespace

auto record_directly(caf::actor_system& system, const engine_context& context,
                     const std::shared_ptr<const std::vector<bus::decoded_result>>& results)
    -> outcome<results_receipt> {
  std::map<group_key, group_rows> groups;
  for (std::uint32_t i = 0; i < results->size(); ++i) {
    const auto& r = (*results)[i];
    groups[{r.promotion.value, r.partition.value}].push_back(i);
  }
  caf::scoped_actor self{system};
  results_receipt receipt;
  auto hosts = find_hosts(self, context, std::move(groups), receipt);
  if (!hosts) return tl::unexpected<trouble>{hosts.error()};

  const auto ask = [&](const addressed_group& g) {
    return self->request(g.host, limits::request_timeout, results_request{results, g.rows});
  };
  using handle = decltype(ask(std::declval<const addressed_group&>()));
  std::vector<handle> asked;  // All at once: their appends share commits.
  asked.reserve(hosts->size());
  for (const auto& g : *hosts) asked.push_back(ask(g));
  std::optional<fault> failed;
  for (auto& one : asked) {
    one.receive(
        [&](const results_reply& r) {
          if (!r.durable) {
            failed = r.durable.error();
            return;
          }
          receipt.at = std::max(receipt.at, *r.durable);
          receipt.duplicates += r.duplicates;
          for (const auto& [row, reason] : r.dead) receipt.refused.push_back({row, reason});
        },
        [&](const caf::error& e) { failed = unknown_outcome(e, "record_results"); });
  }
  if (failed) return tl::unexpected<trouble>{*failed};
  std::sort(receipt.refused.begin(), receipt.refused.end(),
            [](const auto& a, const auto& b) { return a.row < b.row; });
  return receipt;
}

}  // namespace bestow::actors
