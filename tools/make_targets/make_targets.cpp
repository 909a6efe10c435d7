// bestow-make-targets: writes a list of targets to import. The same seed gives the same bytes.
//
// Shapes follow what real lists look like: most rows take the promotion's default amount, some name
// a round one, a few an odd one; one row in ten has its own reason. With --bad, rows that must be
// refused are mixed in, and the summary says how many of which code, so a test has its oracle.
#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace {

constexpr std::size_t flush_bytes = 1U << 20U;
constexpr std::uint64_t uid_mask = (1ULL << 40U) - 1;

constexpr std::string_view usage =
    "usage: bestow-make-targets [--type point|voucher] [--count N] [--seed N] [--format "
    "csv|ndjson]\n"
    "         [--no-ids] [--bad PER_10000] [--partitions N] [--default-amount N] [--bom] [--crlf]\n"
    "         [--out FILE] [--summary FILE]\n"
    "Writes N rows to FILE (default: standard output); the summary (JSON: rows, accepted,\n"
    "rejected, amount with the default filled in, codes) goes to its FILE or standard error.\n";

struct options {
  bool voucher = false;
  bool ndjson = false;
  bool ids = true;
  bool bom = false;
  bool crlf = false;
  std::uint64_t count = 1'000;
  std::uint64_t seed = 1;
  std::uint64_t bad_per_10000 = 0;
  std::uint64_t partitions = 16;
  std::uint64_t default_amount = 10'000;
  std::string out;
  std::string summary;
};

/// What is wrong with a row on purpose. `none` first; voucher_duplicate last: points have none.
enum class flaw : std::uint8_t {
  none,
  customer_duplicate,
  uid_missing,
  uid_too_large,
  amount_zero,
  amount_negative,
  amount_separators,
  amount_fraction,
  amount_overflow,
  expiry_past,
  expiry_30_february,
  reason_too_long,
  partition_negative,
  partition_too_large,
  voucher_duplicate,
};

auto code_of(flaw f) -> std::string_view {
  switch (f) {
    case flaw::none:
      return "";
    case flaw::customer_duplicate:
      return "customer_duplicate";
    case flaw::uid_missing:
      return "field_missing";
    case flaw::uid_too_large:
      return "number_out_of_range";
    case flaw::amount_zero:
      return "number_not_positive";
    case flaw::amount_negative:
    case flaw::amount_separators:
      return "amount_malformed";
    case flaw::amount_fraction:
      return "amount_has_fraction";
    case flaw::amount_overflow:
      return "amount_overflows";
    case flaw::expiry_past:
      return "time_in_past";
    case flaw::expiry_30_february:
      return "time_malformed";
    case flaw::reason_too_long:
      return "text_too_long";
    case flaw::partition_negative:
    case flaw::partition_too_large:
      return "partition_out_of_range";
    case flaw::voucher_duplicate:
      return "voucher_number_duplicate";
  }
  return "";
}

/// SplitMix64 of (seed, row): any row can be made without the ones before it.
auto mixed(std::uint64_t seed, std::uint64_t row) -> std::uint64_t {
  std::uint64_t z = seed * 0xD1342543DE82EF95ULL + (row + 1) * 0x9E3779B97F4A7C15ULL;
  z = (z ^ (z >> 30U)) * 0xBF58476D1CE4E5B9ULL;
  z = (z ^ (z >> 27U)) * 0x94D049BB133111EBULL;
  return z ^ (z >> 31U);
}

/// An odd factor modulo 2^40 never gives two rows one customer, and never customer 0.
auto uid_of(std::uint64_t seed, std::uint64_t row) -> std::uint64_t {
  const std::uint64_t factor = (mixed(seed, ~0ULL) & uid_mask) | 1U;
  return ((row + 1) * factor) & uid_mask;
}

/// One row as text; "" = the field is left empty.
struct row_text {
  std::string id, uid, voucher_number, amount, is_withdrawal, expiry, reason, partition;
};

auto voucher_number(std::uint64_t seed, std::uint64_t row) -> std::string {
  return fmt::format("BV{:08X}{:010}", seed & 0xFFFFFFFFU, row + 1);
}

auto good_row(const options& o, std::uint64_t row) -> row_text {
  static constexpr std::array<std::string_view, 4> round = {"1000", "5000", "10000", "50000"};
  const std::uint64_t r = mixed(o.seed, row);
  row_text t;
  if (o.ids) t.id = fmt::to_string(row + 1);
  t.uid = fmt::to_string(uid_of(o.seed, row));
  if (const auto share = r % 100; share >= 95) {
    t.amount = fmt::to_string(1 + (r >> 32U) % 99'999);
  } else if (share >= 70) {
    t.amount = round[(r >> 8U) % round.size()];
  }
  if ((r >> 16U) % 10 == 0)
    t.reason = o.voucher ? "새해맞이 이벤트 상품권 지급" : "새해맞이 이벤트 포인트 지급";
  if (o.voucher) {
    t.voucher_number = voucher_number(o.seed, row);
    t.is_withdrawal = (r >> 24U) % 4 == 0 ? "true" : "false";
  }
  return t;
}

void spoil(row_text& t, flaw f, const options& o, std::uint64_t row) {
  switch (f) {
    case flaw::none:
      break;
    case flaw::customer_duplicate:
      t.uid = fmt::to_string(uid_of(o.seed, row - 1));
      break;
    case flaw::uid_missing:
      t.uid.clear();
      break;
    case flaw::uid_too_large:
      t.uid = "18446744073709551616";
      break;
    case flaw::amount_zero:
      t.amount = "0";
      break;
    case flaw::amount_negative:
      t.amount = "-5";
      break;
    case flaw::amount_separators:
      t.amount = "10,000";
      break;
    case flaw::amount_fraction:
      t.amount = "10000.50";
      break;
    case flaw::amount_overflow:
      t.amount = "99999999999999999999";
      break;
    case flaw::expiry_past:
      t.expiry = "20200101000000";
      break;
    case flaw::expiry_30_february:
      t.expiry = "2099-02-30 00:00:00";
      break;
    case flaw::reason_too_long:
      t.reason = std::string(101, 'r');
      break;
    case flaw::partition_negative:
      t.partition = "-1";
      break;
    case flaw::partition_too_large:
      t.partition = fmt::to_string(o.partitions);
      break;
    case flaw::voucher_duplicate:
      t.voucher_number = voucher_number(o.seed, row - 1);
      break;
  }
}

/// The flaw of a row, decided by the seed alone. A duplicate needs a good row before it.
auto flaw_of(const options& o, std::uint64_t row) -> flaw {
  const std::uint64_t r = mixed(o.seed ^ 0xBADULL, row);
  if (r % 10'000 >= o.bad_per_10000) return flaw::none;
  const std::uint64_t kinds =
      static_cast<std::uint64_t>(flaw::voucher_duplicate) - (o.voucher ? 0 : 1);
  const auto chosen = static_cast<flaw>(1 + (r >> 20U) % kinds);
  const bool needs_good_before =
      chosen == flaw::customer_duplicate || chosen == flaw::voucher_duplicate;
  if (needs_good_before && (row == 0 || flaw_of(o, row - 1) != flaw::none))
    return flaw::uid_missing;
  return chosen;
}

auto csv_header(const options& o) -> std::string {
  std::string h = o.ids ? (o.voucher ? "voucher_target_id," : "point_target_id,") : "";
  h += o.voucher
           ? "customer_uid,voucher_number,merchant_code,merchant_brand_code,amount,is_withdrawal,"
             "valid_until,reason,partition_key"
           : "customer_uid,amount,expiry_at,reason,partition_key";
  return h + (o.crlf ? "\r\n" : "\n");
}

void append_csv(std::string& out, const row_text& t, const options& o) {
  const auto quoted = t.amount.find(',') == std::string::npos ? t.amount : "\"" + t.amount + "\"";
  if (o.ids) {
    out += t.id;
    out += ',';
  }
  out += t.uid;
  if (o.voucher) {
    for (const std::string_view part : {std::string_view{","}, std::string_view{t.voucher_number},
                                        std::string_view{",MUSINSA,STANDARD"}}) {
      out += part;
    }
  }
  out += ',';
  out += quoted;
  if (o.voucher) {
    out += ',';
    out += t.is_withdrawal;
  }
  for (const auto* field : {&t.expiry, &t.reason, &t.partition}) {
    out += ',';
    out += *field;
  }
  out += o.crlf ? "\r\n" : "\n";
}

void append_json_field(std::string& out, std::string_view name, std::string_view value, bool bare) {
  if (value.empty()) return;
  if (out.back() != '{') out += ',';
  const std::string_view quote = bare ? "" : "\"";
  for (const auto part :
       {std::string_view{"\""}, name, std::string_view{"\":"}, quote, value, quote}) {
    out += part;
  }
}

void append_ndjson(std::string& out, const row_text& t, const options& o) {
  out += '{';
  append_json_field(out, o.voucher ? "voucher_target_id" : "point_target_id", t.id, false);
  append_json_field(out, "customer_uid", t.uid, false);
  if (o.voucher) {
    append_json_field(out, "voucher_number", t.voucher_number, false);
    append_json_field(out, "merchant_code", "MUSINSA", false);
    append_json_field(out, "merchant_brand_code", "STANDARD", false);
  }
  append_json_field(out, "amount", t.amount, false);
  append_json_field(out, "is_withdrawal", t.is_withdrawal, true);
  append_json_field(out, o.voucher ? "valid_until" : "expiry_at", t.expiry, false);
  append_json_field(out, "reason", t.reason, false);
  append_json_field(out, "partition_key", t.partition, false);
  out += o.crlf ? "}\r\n" : "}\n";
}

struct totals {
  std::uint64_t accepted = 0;
  std::uint64_t amount = 0;
  std::map<std::string_view, std::uint64_t> codes;
};

auto write_rows(const options& o, std::FILE* file) -> std::optional<totals> {
  totals sum;
  std::string buffer = o.bom ? "\xEF\xBB\xBF" : "";
  if (!o.ndjson) buffer += csv_header(o);
  for (std::uint64_t row = 0; row < o.count; ++row) {
    auto text = good_row(o, row);
    if (const auto f = flaw_of(o, row); f != flaw::none) {
      spoil(text, f, o, row);
      ++sum.codes[code_of(f)];
    } else {
      ++sum.accepted;
      sum.amount += text.amount.empty() ? o.default_amount : std::stoull(text.amount);
    }
    o.ndjson ? append_ndjson(buffer, text, o) : append_csv(buffer, text, o);
    if (buffer.size() < flush_bytes && row + 1 < o.count) continue;
    if (std::fwrite(buffer.data(), 1, buffer.size(), file) != buffer.size()) return std::nullopt;
    buffer.clear();
  }
  if (std::fwrite(buffer.data(), 1, buffer.size(), file) != buffer.size()) return std::nullopt;
  return std::fflush(file) == 0 ? std::optional{sum} : std::nullopt;
}

auto summary_of(const options& o, const totals& sum) -> std::string {
  std::string codes;
  for (const auto& [code, count] : sum.codes) {
    codes += fmt::format("{}\"{}\":{}", codes.empty() ? "" : ",", code, count);
  }
  return fmt::format(
      "{{\"rows\":{},\"accepted\":{},\"rejected\":{},\"amount\":\"{}\",\"codes\":{{{}}}}}\n",
      o.count, sum.accepted, o.count - sum.accepted, sum.amount, codes);
}

auto read_number(std::string_view text, std::uint64_t& out) -> bool {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc{} && end == text.data() + text.size();
}

/// nullopt: not usable; the usage is shown.
auto read_options(int count, char** arguments) -> std::optional<options> {
  options o;
  const std::map<std::string_view, bool*> switches = {{"--bom", &o.bom}, {"--crlf", &o.crlf}};
  const std::map<std::string_view, std::uint64_t*> numbers = {
      {"--count", &o.count},
      {"--seed", &o.seed},
      {"--bad", &o.bad_per_10000},
      {"--partitions", &o.partitions},
      {"--default-amount", &o.default_amount}};
  const std::map<std::string_view, std::string*> texts = {{"--out", &o.out},
                                                          {"--summary", &o.summary}};
  for (int i = 1; i < count; ++i) {
    const std::string_view name = arguments[i];
    if (const auto it = switches.find(name); it != switches.end()) {
      *it->second = true;
      continue;
    }
    if (name == "--no-ids") {
      o.ids = false;
      continue;
    }
    if (i + 1 == count) return std::nullopt;
    const std::string_view value = arguments[++i];
    if (const auto it = numbers.find(name); it != numbers.end()) {
      if (!read_number(value, *it->second)) return std::nullopt;
    } else if (const auto text = texts.find(name); text != texts.end()) {
      *text->second = value;
    } else if (name == "--type" && (value == "point" || value == "voucher")) {
      o.voucher = value == "voucher";
    } else if (name == "--format" && (value == "csv" || value == "ndjson")) {
      o.ndjson = value == "ndjson";
    } else {
      return std::nullopt;
    }
  }
  return o;
}

auto write_summary(const options& o, const totals& sum) -> bool {
  const auto text = summary_of(o, sum);
  if (o.summary.empty()) return std::fputs(text.c_str(), stderr) >= 0;
  std::FILE* file = std::fopen(o.summary.c_str(), "wb");
  if (file == nullptr) return false;
  const bool written = std::fputs(text.c_str(), file) >= 0;
  return std::fclose(file) == 0 && written;
}

}  // namespace

auto main(int count, char** arguments) -> int {
  const auto o = read_options(count, arguments);
  if (!o) {
    std::fputs(usage.data(), stderr);
    return 2;
  }
  std::FILE* file = o->out.empty() ? stdout : std::fopen(o->out.c_str(), "wb");
  if (file == nullptr) {
    fmt::print(stderr, "bestow-make-targets: {}: {}\n", o->out, std::strerror(errno));
    return 1;
  }
  const auto sum = write_rows(*o, file);
  const bool closed = file == stdout || std::fclose(file) == 0;
  if (!sum || !closed || !write_summary(*o, *sum)) {
    fmt::print(stderr, "bestow-make-targets: cannot write: {}\n", std::strerror(errno));
    return 1;
  }
  return 0;
}
