// The view of docs/guides/add-a-projection.md, as the guide builds it.
#include <algorithm>
#include <array>

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

struct texts_unsaid {
  auto apply(const fact_head&, const results_recorded&) -> result<void> { return {}; }
};
struct texts_unread : texts_unsaid {
  static constexpr bool reads_texts = false;
};
struct texts_read : texts_unsaid {
  static constexpr bool reads_texts = true;
};

TEST_CASE("a fold reads texts when it says yes, and not when it says no", "[unit][view]") {
  constexpr std::size_t count = 400;
  results_recorded e;
  e.ordinals = u64_column::constant(0, count);
  e.statuses = u64_column::constant(1, count);
  e.attempts = u64_column::constant(1, count);
  e.at = u64_column::constant(0, count);
  e.transaction_keys = string_column::constant("a", count);
  for (std::size_t i = 0; i < count; ++i)
    e.error_messages.push_back("the account is closed since " + std::to_string(i));
  auto bytes = encode_event(e).payload;
  // Only who unpacks the texts notices that they are damaged.
  const std::array magic{std::byte{0x28}, std::byte{0xb5}, std::byte{0x2f}, std::byte{0xfd}};
  const auto packed = std::search(bytes.begin(), bytes.end(), magic.begin(), magic.end());
  REQUIRE(packed != bytes.end());
  *packed = std::byte{0};
  store::stored_event fact;
  fact.type = event_type::results_recorded;
  fact.payload = bytes;
  const auto applied = [&](auto fold) {
    return event_list<results_recorded>::apply(fold, fact).has_value();
  };
  CHECK_FALSE(applied(texts_read{}));
  CHECK(applied(texts_unread{}));
  CHECK(applied(texts_unsaid{}));
}

}  // namespace
}  // namespace bestow::projections::testing
