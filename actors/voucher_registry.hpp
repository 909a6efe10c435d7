// The voucher registry: the one place through which every voucher number passes before its fact is
// appended, so that a number is granted by one promotion only. Claims in flight count.
//
// The table holds 64-bit hashes and where the text stands in the log; a hash hit is refused only
// after the exact number was read back. It is filled from the log when the first claim arrives.
#pragma once

#include <caf/all.hpp>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "actors/host.hpp"
#include "store/uniqueness.hpp"

namespace bestow::actors {

struct voucher_registry_state {
  static constexpr const char* name = "voucher_registry";
  /// A chunk whose fact is not durable yet. Row i's number is numbers[i]; refused rows are "".
  struct claim {
    promotion_id promotion{};
    std::string batch;
    std::uint64_t first_row{0};
    caf::actor_addr holder;
    std::vector<std::string> numbers;
  };
  context_ptr context;
  std::unique_ptr<store::voucher_table> table;  ///< Null until filled.
  std::map<std::uint64_t, claim> claims;
  std::uint64_t next_claim{1};
  std::set<caf::actor_addr> watched;  ///< Hosts whose end is reported to us.
  /// The fact last read back to compare a number, decoded.
  position cached_at{};
  std::optional<targets_imported> cached;
};

/// Blocks while it fills the table: spawned detached outside the simulator.
[[nodiscard]] auto run_voucher_registry(caf::stateful_actor<voucher_registry_state>* self,
                                        context_ptr context) -> caf::behavior;

}  // namespace bestow::actors
