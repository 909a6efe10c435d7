#include "apps/nats/command_table.hpp"

#include <algorithm>
#include <array>
#include <cctype>

namespace bestow::commands {
namespace {

using http::body_kind;

struct named_route {
  std::string_view name;
  std::string_view method;
  std::string_view pattern;
};
constexpr auto named = std::to_array<named_route>({
    {"promotion.create", "POST", "/api/v1/promotions"},
    {"promotion.list", "GET", "/api/v1/promotions"},
    {"promotion.show", "GET", "/api/v1/promotions/{id}"},
    {"promotion.import", "POST", "/api/v1/promotions/{id}/targets"},
    {"promotion.rejects", "GET", "/api/v1/promotions/{id}/batches/{batch}/rejects"},
    {"promotion.abandon", "DELETE", "/api/v1/promotions/{id}/batches/{batch}"},
    {"promotion.partitions", "GET", "/api/v1/promotions/{id}/partitions"},
    {"promotion.reconcile", "GET", "/api/v1/promotions/{id}/reconciliation"},
    {"promotion.reconcile_ledger", "POST", "/api/v1/promotions/{id}/reconciliation"},
    {"target.list", "GET", "/api/v1/promotions/{id}/targets"},
    {"target.show", "GET", "/api/v1/promotions/{id}/targets/{target_id}"},
    {"result.import", "POST", "/api/v1/promotions/{id}/results"},
    {"result.dead_list", "GET", "/api/v1/results/dead"},
    {"result.dead_show", "GET", "/api/v1/results/dead/{number}"},
    {"result.dead_retry", "POST", "/api/v1/results/dead/{number}/retry"},
    {"customer.trace", "GET", "/api/v1/customers/{uid}/history"},
    {"log.cat", "GET", "/api/v1/log"},
    {"log.stat", "GET", "/api/v1/log/stat"},
    {"log.verify", "GET", "/api/v1/log/verify"},
    {"view.list", "GET", "/api/v1/views"},
    {"view.rebuild", "POST", "/api/v1/views/{name}/rebuild"},
    {"nats.list", "GET", "/api/v1/streams"},
    {"nats.rebuild", "POST", "/api/v1/streams/{name}/rebuild"},
    {"nats.adopt", "POST", "/api/v1/streams/{name}/adopt"},
});

/// The verb of a promotion's route; "" when it is none.
auto verb_of(const http::route& r) -> std::string_view {
  constexpr std::string_view one = "/api/v1/promotions/{id}/";
  if (r.method != "POST" || r.body != body_kind::json || !r.pattern.starts_with(one)) return "";
  const auto word = r.pattern.substr(one.size());
  return word.find('/') == std::string_view::npos ? word : "";
}

auto make_table() -> std::vector<command> {
  std::vector<command> table;
  for (const auto& r : http::route_table()) {
    if (const auto verb = verb_of(r); !verb.empty()) {
      table.push_back({"promotion." + std::string{verb}, &r});
      continue;
    }
    const auto* row = std::find_if(named.begin(), named.end(), [&](const named_route& n) {
      return n.method == r.method && n.pattern == r.pattern;
    });
    if (row != named.end()) table.push_back({std::string{row->name}, &r});
  }
  return table;
}

}  // namespace

auto command_table() -> std::span<const command> {
  static const std::vector<command> table = make_table();
  return table;
}

auto find_command(std::string_view name) -> const command* {
  for (const auto& c : command_table())
    if (c.name == name) return &c;
  return nullptr;
}

auto field_of(std::string_view path_parameter) -> std::string_view {
  if (path_parameter == "id") return "promotion_id";
  return path_parameter == "uid" ? "customer_uid" : path_parameter;
}

auto header_of(std::string_view field) -> std::string {
  std::string out = "Bestow-";
  bool first = true;
  for (const char c : field) {
    out += c == '_' ? '-'
           : first  ? static_cast<char>(std::toupper(static_cast<unsigned char>(c)))
                    : c;
    first = c == '_';
  }
  return out;
}

auto fields_of(const http::route& to) -> route_fields {
  route_fields out;
  for (const auto& name : http::param_names(to.pattern)) out.names.emplace_back(field_of(name));
  out.path_count = out.names.size();
  auto rest = to.query;
  while (!rest.empty()) {
    const auto space = rest.find(' ');
    out.names.emplace_back(rest.substr(0, space));
    rest = space == std::string_view::npos ? "" : rest.substr(space + 1);
  }
  return out;
}

auto takes_rows(const http::route& to) -> bool {
  return to.body == body_kind::rows || to.body == body_kind::ledger;
}

}  // namespace bestow::commands
