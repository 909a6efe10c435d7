// A CSV to durable rows, beside the parser alone and a bare file that takes the same bytes.
#include <algorithm>

#include "apps/measure/inputs.hpp"
#include "apps/measure/raw_log.hpp"
#include "apps/measure/raw_parse.hpp"
#include "apps/measure/work_parts.hpp"
#include "apps/measure/world.hpp"

namespace bestow::measure {
namespace {

constexpr std::uint32_t partitions = 16;

using payload_list = std::vector<std::vector<std::byte>>;

/// Every target once, in a row, and the sum as it was generated.
auto check_rows(const payload_list& payloads, const target_input& in) -> outcome<void> {
  std::uint64_t next = 1;
  std::uint64_t amount = 0;
  for (const auto& p : payloads) {
    const auto f = decode_event<targets_imported>(p);
    if (!f) return ended(f);
    for (std::size_t i = 0; i < f->target_ids.size(); ++i) {
      if (f->target_ids[i] != next++)
        return void_because("a target is missing or doubled in the log");
      amount += f->amounts[i] != 0 ? f->amounts[i] : default_amount;
    }
  }
  if (next != in.count + 1) return void_because("the log holds another count");
  if (amount != in.amount) return void_because("the log holds another sum");
  return {};
}

struct measured {
  elapsed parse;
  elapsed import;
  elapsed raw;
  std::uint64_t commits{0};
  std::uint64_t payload_bytes{0};
  std::uint64_t anonymous_peak{0};
};

auto to_figures(const measured& m, const target_input& in) -> figures {
  const auto n = static_cast<double>(in.count);
  figures f;
  f.set("rows_per_second", n / m.import.seconds);
  f.set("parse_rows_per_second", n / m.parse.seconds);
  f.set("raw_log_rows_per_second", n / m.raw.seconds);
  f.set("ratio_to_parse", m.parse.seconds / m.import.seconds);
  f.set("ratio_to_parse_and_raw_log", (m.parse.seconds + m.raw.seconds) / m.import.seconds);
  f.set("cpu_us_per_row", m.import.cpu_seconds * 1e6 / n);
  f.set("parse_cpu_us_per_row", m.parse.cpu_seconds * 1e6 / n);
  f.set("raw_log_cpu_us_per_row", m.raw.cpu_seconds * 1e6 / n);
  f.set("csv_mb_per_second", static_cast<double>(in.csv.size()) / 1e6 / m.import.seconds);
  f.set("log_payload_bytes_per_target", static_cast<double>(m.payload_bytes) / n);
  f.set("commits", m.commits);
  f.set("anonymous_peak_mib", static_cast<double>(m.anonymous_peak) / 1048576.0);
  return f;
}

/// The import in an open world. @returns the payloads it left in the log
auto import_all(const work_options& o, world& w, promotion_type type, const target_input& in,
                measured& m) -> outcome<payload_list> {
  const auto made = w.engine->create(make_promotion(type, partitions), {});
  if (!made) return ended(made);
  const auto commits_before = w.engine->status().commits;
  const stopwatch watch;
  const auto imported = [&] {
    const section here{o};
    return w.import(made->promotion, in.csv);
  }();
  m.import = watch.read();
  if (!imported) return ended(imported);
  m.commits = w.engine->status().commits - commits_before;
  m.anonymous_peak = imported->anonymous_peak;
  if (imported->answer.accepted != in.count || imported->answer.rejected != 0)
    return void_because("rows were refused");
  auto payloads = payloads_of(*w.log, event_type::targets_imported);
  if (!payloads) return ended(payloads);
  return std::move(*payloads);
}

auto one(const work_options& o, promotion_type type, const target_input& in,
         const std::string& place, unsigned n) -> outcome<figures> {
  measured m;
  payload_list payloads;
  {
    auto w = world::open({place});
    if (!w) return ended(w);
    tell(o, n, "parsing alone");
    const stopwatch parsing;
    const auto good = parse_alone(in.csv, type, (*w)->time.wall());
    m.parse = parsing.read();
    if (!good) return ended(good);
    if (*good != in.count) return void_because("the parser refused rows");
    tell(o, n, "importing");
    auto left = import_all(o, **w, type, in, m);
    if (!left) return ended(left);
    payloads = std::move(*left);
  }
  tell(o, n, "checking");
  if (auto right = check_rows(payloads, in); !right) return ended(right);
  if (auto whole = check_chain(place); !whole) return ended(whole);
  for (const auto& p : payloads) m.payload_bytes += p.size();
  tell(o, n, "appending the bytes alone");
  const auto per_commit = payloads.size() / std::max<std::uint64_t>(1, m.commits);
  const stopwatch appending;
  auto appended = append_raw(place + "/raw.mdb", payloads, std::max<std::size_t>(1, per_commit));
  m.raw = appending.read();
  if (!appended) return ended(appended);
  return to_figures(m, in);
}

}  // namespace

auto measure_import(const work_options& o, promotion_type type, const figures_sink& each)
    -> outcome<void> {
  tell(o, 0, "making the list");
  const auto in = make_input(type, o.targets, o.seed);
  return repeat(o, "import", each, [&](const std::string& place, unsigned n) {
    return one(o, type, in, place, n);
  });
}

}  // namespace bestow::measure
