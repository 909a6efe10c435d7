#include "projections/view_set.hpp"

#include <fmt/format.h>

#include "projections/registry.hpp"
#include "projections/row_bytes.hpp"
#include "projections/runner.hpp"

namespace bestow::projections {

namespace {

class runner_set final : public view_set {
 public:
  explicit runner_set(std::vector<std::unique_ptr<view_runner>> runners)
      : runners_{std::move(runners)} {}

  [[nodiscard]] auto names() const -> std::vector<std::string> override {
    std::vector<std::string> out;
    for (const auto& r : runners_) out.emplace_back(r->name());
    return out;
  }
  [[nodiscard]] auto step(std::string_view name) -> result<step_report> override {
    auto* runner = find(name);
    if (runner == nullptr) return unknown("view_set::step", name);
    return runner->step();
  }
  [[nodiscard]] auto start_rebuild(std::string_view name) -> result<bool> override {
    auto* runner = find(name);
    if (runner != nullptr) runner->start_rebuild();
    return runner != nullptr;
  }
  [[nodiscard]] auto status() const -> std::vector<view_status> override {
    std::vector<view_status> out;
    for (const auto& r : runners_) out.push_back(r->status());
    return out;
  }
  [[nodiscard]] auto wait_for(std::string_view name, position at,
                              std::chrono::milliseconds within) const -> bool override {
    const auto* runner = find(name);
    return runner != nullptr && runner->wait_for(at, within);
  }
  [[nodiscard]] auto read(std::string_view name) const
      -> result<std::unique_ptr<store::view_reader>> override {
    const auto* runner = find(name);
    if (runner == nullptr) return unknown("view_set::read", name);
    return runner->read();
  }
  [[nodiscard]] auto dump_hash(std::string_view name) const -> result<std::string> override {
    auto rows = read(name);
    if (!rows) return tl::unexpected{rows.error()};
    return hash_rows(**rows);
  }

 private:
  [[nodiscard]] auto find(std::string_view name) const -> view_runner* {
    for (const auto& r : runners_)
      if (r->name() == name) return r.get();
    return nullptr;
  }
  static auto unknown(std::string_view operation, std::string_view name) -> tl::unexpected<fault> {
    return fail(fault_code::internal, operation, fmt::format("there is no view named {}", name));
  }

  std::vector<std::unique_ptr<view_runner>> runners_;
};

}  // namespace

auto open_view_set(const std::vector<view_definition>& definitions, const view_context& context,
                   store::view_store_factory& stores, const batch_bounds& bounds)
    -> result<std::unique_ptr<view_set>> {
  std::vector<std::unique_ptr<view_runner>> runners;
  for (const auto& definition : definitions) {
    auto runner = view_runner::open(definition, context, stores, bounds);
    if (!runner) return tl::unexpected{runner.error()};
    runners.push_back(std::move(*runner));
  }
  return std::make_unique<runner_set>(std::move(runners));
}

auto open_views(store::view_store_factory& stores, const store::event_log& log,
                store::target_lists& lists) -> result<std::unique_ptr<view_set>> {
  const auto registered = registered_views();
  return open_view_set({registered.begin(), registered.end()}, {&log, &lists}, stores,
                       batch_bounds{});
}

}  // namespace bestow::projections
