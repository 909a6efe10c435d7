#include "bench/raw_parse.hpp"

#include "apps/import/import_session.hpp"
#include "bench/harness.hpp"

namespace bestow::bench {
namespace {

constexpr std::uint32_t partitions = 16;
constexpr std::size_t piece_bytes = 1U << 20U;

}  // namespace

auto parse_alone(std::string_view csv, promotion_type type, timestamp now) -> std::uint64_t {
  importing::import_session session{{"bench", type, import_format::csv}};
  const domain::row_rules rules{promotion_id{1}, type, partitions, 0, now};
  std::uint64_t good = 0;
  bool begun = false;
  const auto drain = [&] {
    if (!begun) {
      const auto checked = session.check_begin();
      if (!checked) return;
      require(checked->has_value(), "the header was refused");
      session.start(rules, {});
      begun = true;
    }
    while (auto chunk = session.next()) {
      require(chunk->has_value(), "the input was refused");
      good += (*chunk)->chunk.facts.customer_uids.size();
    }
  };
  for (std::size_t at = 0; at < csv.size(); at += piece_bytes) {
    session.push(csv.substr(at, piece_bytes));
    drain();
  }
  session.end();
  drain();
  return good;
}

}  // namespace bestow::bench
