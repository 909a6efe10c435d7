// The amounts of one partition of a sealed list, for domain::fold. One thread.
#pragma once

#include "domain/partition.hpp"
#include "store/target_list.hpp"

namespace bestow::measure {

class listed_amounts final : public domain::amount_source {
 public:
  /// `list` must outlive it.
  listed_amounts(const store::target_list& list, partition_no k) : list_{&list}, k_{k} {}
  [[nodiscard]] auto amount_of(target_ordinal ordinal) const -> money_minor override {
    return list_->amount(k_, ordinal);
  }

 private:
  const store::target_list* list_;
  partition_no k_;
};

}  // namespace bestow::measure
