// bestow customer ...
#include <limits>

#include <fmt/format.h>

#include "apps/cli/commands.hpp"
#include "events/limits.hpp"

namespace bestow::cli {

void add_customer(CLI::App& app, context& ctx) {
  auto* noun = app.add_subcommand("customer", "What is known of single customers");
  noun->require_subcommand(1);
  auto* c = noun->add_subcommand(
      "trace", "Every fact that touched a customer, over all promotions, in log order");
  auto customer = std::make_shared<std::string>();
  auto query = std::make_shared<std::vector<std::string>>(3);
  c->add_option("customer", *customer, "Customer (customer_uid)")
      ->required()
      ->check(number_check(1, std::numeric_limits<std::uint64_t>::max()));
  c->add_option("--after", (*query)[0], "Behind this position; as the page before names it");
  c->add_option("--limit", (*query)[1], "Rows of a page (100; at most 1000)")
      ->check(number_check(1, limits::page_limit_max));
  add_as_of(*c, (*query)[2]);
  c->callback([&ctx, customer, query] {
    ctx.action = [&ctx, customer, query] {
      static const std::vector<column> columns{
          {"position", "POSITION", true},   {"recorded_at", "AT", false},
          {"promotion_id", "PROMOTION", false}, {"target_id", "TARGET", false},
          {"amount", "AMOUNT", true, true}, {"event", "EVENT", false},
          {"detail", "DETAIL", false}};
      const auto path = with_query(fmt::format("/api/v1/customers/{}/history", *customer),
                                   {"after", "limit", "as_of"}, *query);
      api_client api{ctx};
      return show_page(ctx, api.get(path), "facts", columns, fields_of("CustomerFact"));
    };
  });
}

}  // namespace bestow::cli
