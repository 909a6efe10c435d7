// Facts of a promotion's list put into a memory log by hand, as an import would have.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "events/codec.hpp"
#include "events/promotion.hpp"
#include "store/memory_log.hpp"
#include "store/target_list.hpp"
#include "tests/catch.hpp"

namespace bestow::testing {

/// A target as a test writes it down. 0 and "" ask for the promotion's default.
struct target_line {
  std::uint64_t id{0};
  std::uint64_t customer{0};
  std::uint64_t partition{0};
  std::int64_t amount{0};
  std::int64_t expiry{0};
  std::string reason;
  std::string voucher;
  std::string merchant;
  std::string brand;
  bool withdrawal{false};
};

class promotion_log {
 public:
  explicit promotion_log(promotion_created created) : created_{std::move(created)}, log_{1} {
    append(created_);
  }
  void import(const std::string& batch, const std::vector<target_line>& lines) {
    targets_imported f;
    f.batch = batch;
    f.row_count = static_cast<std::uint32_t>(lines.size());
    std::vector<std::uint64_t> ids, customers, partitions, amounts, expiries, withdrawals;
    const bool voucher = created_.type == promotion_type::voucher;
    for (const auto& l : lines) {
      ids.push_back(l.id);
      customers.push_back(l.customer);
      partitions.push_back(l.partition);
      amounts.push_back(static_cast<std::uint64_t>(l.amount));
      expiries.push_back(static_cast<std::uint64_t>(l.expiry));
      f.reasons.push_back(l.reason);
      if (!voucher) continue;
      withdrawals.push_back(l.withdrawal ? 1 : 0);
      f.voucher_numbers.push_back(l.voucher);
      f.merchant_codes.push_back(l.merchant);
      f.merchant_brand_codes.push_back(l.brand);
    }
    f.target_ids = u64_column::of(std::move(ids));
    f.customer_uids = u64_column::of(std::move(customers));
    f.partitions = u64_column::of(std::move(partitions));
    f.amounts = u64_column::of(std::move(amounts));
    f.expiries = u64_column::of(std::move(expiries));
    f.withdrawals = u64_column::of(std::move(withdrawals));
    append(f);
  }
  void close(const std::string& batch) {
    batch_closed f;
    f.batch = batch;
    append(f);
  }
  void abandon(const std::string& batch) { append(batch_abandoned{batch, "test"}); }
  void seal(const list_sealed& totals) { append(totals); }

  [[nodiscard]] auto log() -> store::memory_log& { return log_; }
  [[nodiscard]] auto id() const -> promotion_id { return created_.promotion; }

  template <class Event>
  void append(const Event& e) {
    store::append_batch batch{stream_of(created_.promotion), stream_version{version_}, {}};
    batch.events.push_back(encode_event(e));
    const auto answers = log_.append_group({&batch, 1}, timestamp{1});
    REQUIRE(answers);
    REQUIRE(answers->front());
    ++version_;
  }

 private:
  promotion_created created_;
  store::memory_log log_;
  std::uint64_t version_{0};
};

inline auto a_promotion(promotion_type type, std::uint32_t partitions) -> promotion_created {
  promotion_created c;
  c.promotion = promotion_id{7};
  c.type = type;
  c.currency = "KRW";
  c.partition_count = partitions;
  c.default_reason = "new year";
  c.default_amount = money_minor{10'000};
  c.default_expiry_at = timestamp{1'798'729'199'000};
  return c;
}

}  // namespace bestow::testing
