#include "apps/measure/raw_parse.hpp"

#include "apps/import/import_session.hpp"

namespace bestow::measure {
namespace {

constexpr std::uint32_t partitions = 16;
constexpr std::size_t piece_bytes = 1U << 20U;

class parser {
 public:
  parser(promotion_type type, timestamp now)
      : session_{{"bench", type, import_format::csv}},
        rules_{promotion_id{1}, type, partitions, 0, now} {}

  auto take(std::string_view piece) -> outcome<void> {
    session_.push(piece);
    return drain();
  }
  auto finish() -> outcome<std::uint64_t> {
    session_.end();
    if (auto done = drain(); !done) return ended(done);
    return good_;
  }

 private:
  auto drain() -> outcome<void> {
    if (!begun_) {
      const auto checked = session_.check_begin();
      if (!checked) return {};
      if (!checked->has_value()) return void_because("the header was refused");
      session_.start(rules_, {});
      begun_ = true;
    }
    while (auto chunk = session_.next()) {
      if (!chunk->has_value()) return void_because("the input was refused");
      good_ += (*chunk)->chunk.facts.customer_uids.size();
    }
    return {};
  }

  importing::import_session session_;
  domain::row_rules rules_;
  bool begun_{false};
  std::uint64_t good_{0};
};

}  // namespace

auto parse_alone(std::string_view csv, promotion_type type, timestamp now)
    -> outcome<std::uint64_t> {
  parser p{type, now};
  for (std::size_t at = 0; at < csv.size(); at += piece_bytes)
    if (auto done = p.take(csv.substr(at, piece_bytes)); !done) return ended(done);
  return p.finish();
}

}  // namespace bestow::measure
