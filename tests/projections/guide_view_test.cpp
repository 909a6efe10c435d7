// The view of docs/guides/add-a-projection.md, as the guide builds it.
#include "projections/row_bytes.hpp"
#include "tests/projections/stage.hpp"
#include "tests/catch.hpp"

namespace bestow::projections::testing {
namespace {

/// One row for each approver: how many promotions they approved, and when last.
struct approvals {
  static constexpr std::string_view name = "approvals";
  static constexpr std::uint32_t version = 1;
  using handles = event_list<promotion_approved>;

  struct row {
    std::uint64_t count{0};
    timestamp last_at{};
  };

  class fold {
   public:
    fold(store::view_writer& rows, const view_context&) : rows_{&rows} {}

    [[nodiscard]] auto apply(const fact_head& head, const promotion_approved& e) -> result<void> {
      auto r = read(*rows_, e.approved_by);
      if (!r) return tl::unexpected{r.error()};
      ++r->count;
      r->last_at = head.recorded_at;
      byte_writer out;
      out.number(r->count);
      out.number(r->last_at);
      return put_row(*rows_, key_of(e.approved_by), out.take());
    }
    [[nodiscard]] auto finish() -> result<void> { return {}; }
    [[nodiscard]] auto load() const -> batch_load { return {}; }

   private:
    store::view_writer* rows_;
  };

  [[nodiscard]] static auto read(const store::view_reader& rows, std::string_view approver)
      -> result<row> {
    const auto found = get_row(rows, name, key_of(approver));
    if (!found) return tl::unexpected{found.error()};
    row r;
    if (!*found) return r;
    byte_reader in{**found};
    r.count = in.number<std::uint64_t>();
    r.last_at = in.strong_number<timestamp>();
    if (!in.complete()) return damaged_row(name, key_of(approver));
    return r;
  }

 private:
  static auto key_of(std::string_view approver) -> std::string {
    return key_writer{table::row}.take() + std::string{approver};
  }
};

TEST_CASE("the guide's view counts approvals", "[unit][guide]") {
  stage s;
  for (std::uint64_t id = 1; id <= 3; ++id) s.begin(promotion_id{id}, 1, some_targets(2, 1));
  const auto stores = store::make_memory_view_stores();
  const auto views = open_view_set({define<approvals>()}, s.context(), *stores, {});
  REQUIRE(views);
  follow(**views, approvals::name);
  const auto rows = (*views)->read(approvals::name);
  CHECK(approvals::read(**rows, "approver")->count == 3);
  CHECK(approvals::read(**rows, "nobody")->count == 0);
}

}  // namespace
}  // namespace bestow::projections::testing
