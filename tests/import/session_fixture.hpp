// Runs a session over a whole text, cut as the test wishes, and gathers what came out.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "apps/import/import_session.hpp"
#include "events/clock.hpp"
#include "tests/catch.hpp"

namespace bestow::testing {

/// 2026-01-21T10:30:00+09:00.
inline constexpr timestamp import_time{1'768'959'000'000};

inline auto point_rules() -> domain::row_rules {
  return {promotion_id{7}, promotion_type::point, 16, 0, import_time};
}
inline auto voucher_rules() -> domain::row_rules {
  return {promotion_id{7}, promotion_type::voucher, 16, 0, import_time};
}

/// Lengths of the pieces an input comes in; the last one repeats.
using cut = std::function<std::size_t()>;
inline auto whole() -> cut {
  return [] { return ~std::size_t{0}; };
}
inline auto random_cut(std::uint64_t seed) -> cut {
  return [random = std::make_shared<seeded_randomness>(seed)]() -> std::size_t {
    const auto kind = random->next() % 4;
    if (kind == 0) return 1;
    if (kind == 1) return 1 + random->next() % 7;
    if (kind == 2) return 1 + random->next() % 500;
    return 1 + random->next() % 100'000;
  };
}

struct session_outcome {
  std::optional<domain::refusal> refused;
  std::vector<importing::judged_chunk> chunks;
  std::uint64_t rows{0};
  std::uint64_t bytes{0};
  sha256_digest sha256{};

  struct bad {
    std::uint64_t line{0};
    std::string field;
    std::string code;
    std::string detail;
    std::string original;
  };
  std::vector<bad> bad_rows;
  std::vector<std::uint64_t> customers;
  std::vector<std::string> reasons;
};

inline auto run_session(std::string_view text, const domain::row_rules& rules,
                        import_format format = import_format::csv, const cut& next = whole(),
                        const importing::durable_prefix& durable = {},
                        std::unique_ptr<importing::text_converter> converter = nullptr)
    -> session_outcome {
  importing::import_session session{{"b", rules.type, format, std::move(converter)}};
  session_outcome out;
  bool begun = false;
  const auto drain = [&]() -> bool {
    if (!begun) {
      const auto checked = session.check_begin();
      if (!checked) return true;
      if (!*checked) {
        out.refused = checked->error();
        return false;
      }
      session.start(rules, durable);
      begun = true;
    }
    while (auto chunk = session.next()) {
      if (!*chunk) {
        out.refused = chunk->error();
        return false;
      }
      out.chunks.push_back(*std::move(*chunk));
    }
    return true;
  };
  bool going = true;
  while (going && !text.empty()) {
    const auto bytes = std::min(text.size(), next());
    session.push(text.substr(0, bytes));
    text.remove_prefix(bytes);
    going = drain();
  }
  if (!going) return out;
  session.end();
  if (!drain()) return out;
  REQUIRE(begun);
  out.rows = session.rows();
  out.bytes = session.bytes();
  out.sha256 = session.sha256();
  const bool voucher = rules.type == promotion_type::voucher;
  for (const auto& c : out.chunks) {
    for (const auto& b : c.bad_rows)
      out.bad_rows.push_back({c.line_of(b.row), std::string{name_of(b.field, voucher)},
                              std::string{name_of(b.code)}, b.detail,
                              std::string{c.original_of(b.row)}});
    for (std::size_t i = 0; i < c.chunk.facts.customer_uids.size(); ++i)
      out.customers.push_back(c.chunk.facts.customer_uids[i]);
    for (std::size_t i = 0; i < c.chunk.facts.reasons.size(); ++i)
      out.reasons.emplace_back(c.chunk.facts.reasons[i]);
  }
  return out;
}

}  // namespace bestow::testing
