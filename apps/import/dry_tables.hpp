// What a dry run has seen: customers, ids and voucher numbers of its own rows.
//
// The order of claims is that of a real import: ids and customers of a chunk row by row, then its
// voucher numbers; a row refused for its number gives back its customer and id.
// Memory: up to 32 bytes a voucher, 16 bytes otherwise, in files that go with the object ("" =
// anonymous memory). Threads: one object belongs to one thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "actors/engine.hpp"
#include "domain/rejection.hpp"
#include "events/promotion.hpp"
#include "events/result.hpp"
#include "store/uniqueness.hpp"

namespace bestow::importing {

struct dry_duplicate {
  std::uint32_t index{0};  ///< In the chunk's columns.
  domain::row_field field{};
  domain::row_rejection code{};
};

class dry_tables {
 public:
  /// `stem` begins the files' names. `one_each`: a customer may have one target.
  dry_tables(std::string stem, bool one_each, std::uint32_t partition_count);
  /// Claims the rows of a chunk that neither `known` nor an earlier row has; the others come back,
  /// ascending. @fault file_io_failed.
  [[nodiscard]] auto claim(const targets_imported& facts, const actors::probe_receipt& known)
      -> result<std::vector<dry_duplicate>>;
  [[nodiscard]] auto split_customers() const -> std::uint64_t;

 private:
  using table = std::unique_ptr<store::u64_set>;

  [[nodiscard]] auto open_tables() -> result<void>;
  [[nodiscard]] auto make(std::string_view name) -> result<table>;
  /// True when the number is new. Exact but for two numbers that share 128 bits of hash.
  [[nodiscard]] auto claim_number(std::string_view number) -> result<bool>;
  [[nodiscard]] auto claim_customer(customer_uid customer) -> result<bool>;
  [[nodiscard]] auto note_partition(std::uint64_t customer, std::uint64_t partition)
      -> result<void>;

  std::string stem_;
  bool one_each_;
  table customers_;
  table ids_;
  table number_low_;
  table number_high_;
  table split_;
  std::vector<table> by_partition_;  ///< Customers of each, where they may come twice.
};

}  // namespace bestow::importing
