// bestow view ...
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "apps/cli/commands.hpp"
#include "apps/cli/offline.hpp"

namespace bestow::cli {

void add_view(CLI::App& app, context& ctx) {
  auto* noun = app.add_subcommand("view", "The views that answer questions");
  noun->require_subcommand(1);
  static const std::vector<column> columns{
      {"name", "VIEW", false},        {"version", "VERSION", true}, {"state", "STATE", false},
      {"position", "POSITION", true}, {"lag", "LAG", true},         {"problem", "PROBLEM", false}};
  auto* list = noun->add_subcommand("list", "Every view, its position and its lag");
  auto data = std::make_shared<std::string>();
  list->add_option("--data", *data, "Read a stopped data directory instead of a server");
  list->callback([&ctx, data] {
    ctx.action = [&ctx, data] {
      if (!data->empty()) {
        const auto offline = views_of_directory(ctx, *data);
        return offline.code == exit_code::done
                   ? show_page(ctx, {200, offline.json, ""}, "views", columns, fields_of("View"))
                   : offline.code;
      }
      api_client api{ctx};
      return show_page(ctx, api.get("/api/v1/views"), "views", columns, fields_of("View"));
    };
  });
  auto* rebuild = noun->add_subcommand("rebuild", "Build a view again beside the serving one");
  auto name = std::make_shared<std::string>();
  rebuild->add_option("name", *name, "View")->required();
  rebuild->callback([&ctx, name] {
    ctx.action = [&ctx, name] {
      api_client api{ctx};
      return show_reply(ctx, api.post("/api/v1/views/" + url_escape(*name) + "/rebuild", "{}"));
    };
  });
  add_view_export(*noun, ctx);
}

}  // namespace bestow::cli
