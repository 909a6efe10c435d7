#include "tests/events/samples.hpp"

#include <cstdint>

#include "events/assert.hpp"
#include "events/clock.hpp"

namespace bestow::test {
namespace {

constexpr timestamp noon{1'768'959'000'000};  // 2026-01-21T01:30:00Z

auto digest(unsigned first) -> sha256_digest {
  sha256_digest d{};
  for (std::size_t i = 0; i < d.size(); ++i) d[i] = static_cast<std::byte>(first + i);
  return d;
}

auto texts(std::initializer_list<std::string_view> values) -> string_column {
  string_column column;
  for (const auto value : values) column.push_back(value);
  return column;
}

auto ranges(std::initializer_list<ordinal_ranges::range> list) -> ordinal_ranges {
  ordinal_ranges set;
  for (const auto& r : list) set.append(r.first, r.count);
  return set;
}

auto sample_created() -> promotion_created {
  promotion_created e;
  e.promotion = {9'007'199'254'740'993};
  e.campaign_issued_seq = 7;
  e.external_id = "5f0c2f2e-1d5c-4a43-8a5e-0d6f2c1b9a01";
  e.type = promotion_type::voucher;
  e.total_count = 1'000'000;
  e.total_amount = {10'000'000'000'000};
  e.currency = "KRW";
  e.budget_amount = {20'000'000'000'000};
  e.partition_count = 16;
  e.reservation_at = noon;
  e.default_reason = "새해맞이 이벤트";
  e.default_amount = {10'000};
  e.default_expiry_at = {noon.value + 86'400'000};
  e.allow_multiple_per_customer = true;
  e.approval = approval_policy::four_eyes;
  e.created_by = "marketing";
  return e;
}

auto sample_imported() -> targets_imported {
  targets_imported e;
  e.batch = "january";
  e.first_row = 4'097;
  e.row_count = 5;
  e.byte_end = 123'456;
  e.prefix_sha256 = digest(1);
  e.target_ids = u64_column::of({10, 11, 20});
  e.ids_given = true;
  e.customer_uids = u64_column::of({9'223'372'036'854'775'807ULL, 5, 70'000});
  e.partitions = u64_column::of({3, 0, 15});
  e.amounts = u64_column::constant(10'000, 3);
  e.expiries = u64_column::arithmetic(1'798'729'199'000, 1'000, 3);
  e.reasons = texts({"", "생일", ""});
  e.voucher_numbers = texts({"V-1", "V-2", "V-3"});
  e.merchant_codes = texts({"MUSINSA", "MUSINSA", "MUSINSA"});
  e.merchant_brand_codes = texts({"STANDARD", "STANDARD", "KIDS"});
  e.withdrawals = u64_column::of({0, 1, 1});
  e.rejected_rows = u64_column::of({4'098, 4'100});
  e.rejected_fields = u64_column::of({8, 4});
  e.rejected_codes = u64_column::of({6, 3});
  return e;
}

auto sample_run_started() -> run_started {
  run_started e;
  e.run = {2};
  e.resumed = true;
  e.run_date = 20'260'121;
  e.wire = grant_wire::batch;
  e.chunk = 500;
  e.topic = "prepay.campaign.voucher.publish";
  e.partition_token = false;
  e.extra_fields = false;
  e.encoder_version = 3;
  e.complete_when_published = true;
  e.started_by = "cron";
  e.retry = retry_scope::unknown;
  e.retry_run = {1};
  e.retry_targets = u64_column::of({7, 9'007'199'254'740'993});
  e.result_deadline_ms = 86'400'000;
  e.format = grant_format::msgpack;
  e.batch_size = 500;
  return e;
}

auto sample_released() -> targets_released {
  targets_released e;
  e.kind = release_kind::retry;
  e.promotion = {12};
  e.type = promotion_type::voucher;
  e.run = {2};
  e.attempt = {3};
  e.partition = {1'023};
  e.ordinals = ranges({{5, 1'000}, {70'000, 1}, {4'000'000'000U, 7}});
  e.message_count = 3;
  e.wire = grant_wire::batch;
  e.encoder_version = 2;
  e.extra_fields = false;
  e.partition_token = false;
  e.topic = "prepay.campaign.voucher.publish";
  e.sent_at = noon;
  e.retry_run = {2};
  e.recall = {4};
  e.recall_reason = "오지급 회수";
  e.format = grant_format::msgpack;
  e.message_grants = u64_column::of({500, 500, 8});
  return e;
}

auto sample_recalls() -> recalls_recorded {
  recalls_recorded e;
  e.ordinals = u64_column::of({5, 6});
  e.recall_statuses = u64_column::of({1, 2});
  e.recalls = u64_column::of({1, 0});
  e.at = u64_column::of({1'768'959'000'000, 1'768'959'000'250});
  e.transaction_keys = texts({"rx-1", ""});
  e.error_messages = texts({"", "이미 사용됨"});
  e.duplicate_count = 2;
  return e;
}

auto sample_results() -> results_recorded {
  results_recorded e;
  e.ordinals = u64_column::of({5, 900, 6});
  e.statuses = u64_column::of({1, 3, 2});
  e.attempts = u64_column::of({1, 0, 2});
  e.at = u64_column::of({1'768'959'000'000, 1'768'959'000'250, 1'768'958'999'000});
  e.transaction_keys = texts({"tx-1", "", "tx-3"});
  e.error_messages = texts({"", "잔액 부족", ""});
  e.duplicate_count = 4;
  return e;
}

auto large_imported(std::size_t rows) -> targets_imported {
  seeded_randomness random{20'260'121};
  std::vector<std::uint64_t> ids;
  std::vector<std::uint64_t> uids;
  std::vector<std::uint64_t> partitions;
  std::vector<std::uint64_t> amounts;
  targets_imported e;
  for (std::size_t i = 0; i < rows; ++i) {
    ids.push_back(ids.empty() ? 1 : ids.back() + 1 + random.next() % 200);
    uids.push_back(random.next() >> 1U);
    partitions.push_back(random.next() % 16);
    amounts.push_back(1'000 + random.next() % 60'000);
    e.voucher_numbers.push_back("VOUCHER-" + std::to_string(random.next()));
    e.merchant_codes.push_back(i % 3 == 0 ? "MUSINSA" : "OTHER");
  }
  e.batch = "large";
  e.first_row = 1;
  e.row_count = static_cast<std::uint32_t>(rows);
  e.target_ids = u64_column::of(std::move(ids));
  e.customer_uids = u64_column::of(std::move(uids));
  e.partitions = u64_column::of(std::move(partitions));
  e.amounts = u64_column::of(std::move(amounts));
  e.expiries = u64_column::constant(1'798'729'199'000, rows);
  e.reasons = string_column::constant("", rows);
  e.merchant_brand_codes = string_column::constant("STANDARD", rows);
  e.withdrawals = u64_column::constant(1, rows);
  return e;
}

auto large_results(std::size_t rows) -> results_recorded {
  seeded_randomness random{11};
  std::vector<std::uint64_t> ordinals;
  std::vector<std::uint64_t> statuses;
  std::vector<std::uint64_t> at;
  results_recorded e;
  for (std::size_t i = 0; i < rows; ++i) {
    ordinals.push_back(i * 3 + random.next() % 3);
    statuses.push_back(1 + random.next() % 3);
    at.push_back(1'768'959'000'000 + random.next() % 5'000);
    e.transaction_keys.push_back("payment-" + std::to_string(random.next()));
    e.error_messages.push_back(i % 10 == 0 ? "timeout" : "");
  }
  e.ordinals = u64_column::of(std::move(ordinals));
  e.statuses = u64_column::of(std::move(statuses));
  e.attempts = u64_column::constant(1, rows);
  e.at = u64_column::of(std::move(at));
  return e;
}

/// Bytes of the msgpack value at the front: its head and what the head announces.
auto element_size(std::span<const std::byte> in) -> std::size_t {
  const auto head = std::to_integer<unsigned>(in[0]);
  const auto announced = [&](std::size_t length_bytes) {
    std::size_t length = 0;
    for (std::size_t i = 1; i <= length_bytes; ++i)
      length = length << 8U | std::to_integer<std::size_t>(in[i]);
    return 1 + length_bytes + length;
  };
  if (head < 0x80 || head >= 0xe0 || head == 0xc2 || head == 0xc3) return 1;
  if (head >= 0xa0 && head < 0xc0) return 1 + (head & 0x1fU);
  switch (head) {
    case 0xc4: case 0xd9: return announced(1);
    case 0xc5: case 0xda: return announced(2);
    case 0xc6: case 0xdb: return announced(4);
    case 0xcc: case 0xd0: return 2;
    case 0xcd: case 0xd1: return 3;
    case 0xce: case 0xd2: return 5;
    case 0xcf: case 0xd3: return 9;
    default: BESTOW_ASSERT(false && "a head that no payload has");
  }
  return 0;
}

}  // namespace

auto sample_events() -> std::vector<any_event> {
  return {
      sample_created(),
      batch_opened{"january", import_format::ndjson, noon},
      sample_imported(),
      batch_closed{"january", 1'000, 990, 10, digest(2)},
      batch_abandoned{"january", "wrong file"},
      list_sealed{990, {9'900'000}, digest(3), u64_column::of({500, 490}),
                  u64_column::of({5'000'000, 4'900'000}), 12},
      promotion_approved{"auditor"},
      sample_run_started(),
      run_stopping{{2}, "budget review", "operator"},
      run_stopped{{2}},
      promotion_completed{{2}, 980, 10, {9'800'000}},
      promotion_scheduled{noon, "operator"},
      promotion_cancelled{"wrong list", "operator"},
      promotion_closed{"campaign is over", "operator"},
      promotion_failed{{2}, "log_corrupt", "the sealed list cannot be read"},
      approval_refused{"marketing", "approver_is_creator"},
      recall_started{{1}, "오지급 회수", u64_column::of({7, 12}), "operator"},
      recall_finished{{1}, 2, {20'000}},
      sample_released(),
      targets_publish_failed{{2}, {2}, ranges({{3, 2}}), "message exceeds max_payload"},
      grants_published{{77'000}, 1'000'001, 1'000, noon},
      sample_results(),
      double_grant_detected{{70'001}, "tx-second", {2}, noon},
      partition_done{{2}, 4, 490, 5, {-4'900'000}},
      targets_abandoned{ranges({{400, 90}})},
      results_overdue{{2}, ranges({{3, 2}, {9, 1}}), noon},
      retry_planned{{2}, 17},
      recall_planned{{1}, 2, {20'000}},
      sample_recalls(),
      stream_generation_started{"GRANTS_VOUCHER", 2, 5'000'000'000, {123}},
      stream_tail_republished{"GRANTS_POINT", 1'001, 2'000},
      stream_halted{"GRANTS_POINT", "broker_stream_damaged", "holes: 17 messages"},
      stream_generation_completed{"GRANTS_VOUCHER", 2, 5'000'000'001},
      stream_paused{"GRANTS_POINT", "broker_stream_full", "maximum bytes exceeded (code 10077)"},
      stream_resumed{"GRANTS_POINT", 2'000},
      stream_adopted{"GRANTS_POINT", 2'001, 5'000, 3, "operator"},
  };
}

auto large_events() -> std::vector<any_event> { return {large_imported(600), large_results(400)}; }

auto bytes_of(std::initializer_list<unsigned> values) -> bytes {
  bytes out;
  for (const auto value : values) out.push_back(static_cast<std::byte>(value));
  return out;
}

auto hex_of(std::span<const std::byte> data) -> std::string {
  static constexpr std::string_view digits = "0123456789abcdef";
  std::string out;
  for (const auto b : data) {
    out.push_back(digits[std::to_integer<unsigned>(b) >> 4U]);
    out.push_back(digits[std::to_integer<unsigned>(b) & 15U]);
  }
  return out;
}

auto bytes_of_hex(std::string_view hex) -> bytes {
  static constexpr std::string_view digits = "0123456789abcdef";
  bytes out;
  bool half = false;
  for (const auto c : hex) {
    if (c == '\n' || c == ' ') continue;
    const auto value = digits.find(c);
    BESTOW_ASSERT(value != std::string_view::npos);
    if (half) out.back() |= static_cast<std::byte>(value);
    else out.push_back(static_cast<std::byte>(value << 4U));
    half = !half;
  }
  BESTOW_ASSERT(!half);
  return out;
}

auto elements_of(std::span<const std::byte> payload) -> std::vector<bytes> {
  const auto head = std::to_integer<unsigned>(payload[0]);
  BESTOW_ASSERT((head & 0xf0U) == 0x90U || head == 0xdcU);
  auto rest = payload.subspan(head == 0xdcU ? 3 : 1);
  std::vector<bytes> elements;
  while (!rest.empty()) {
    const auto size = element_size(rest);
    elements.emplace_back(rest.begin(), rest.begin() + static_cast<std::ptrdiff_t>(size));
    rest = rest.subspan(size);
  }
  return elements;
}

auto payload_of(std::span<const bytes> elements) -> bytes {
  const auto count = static_cast<unsigned>(elements.size());
  auto out = count < 16 ? bytes_of({0x90U | count}) : bytes_of({0xdc, count >> 8U, count & 0xffU});
  for (const auto& element : elements) out.insert(out.end(), element.begin(), element.end());
  return out;
}

}  // namespace bestow::test
