// The voucher registry: the one place through which every voucher number passes before its fact is
// appended, so that a number is granted by one promotion only. Claims in flight count.
//
// Numbers of closed batches stand in one sorted file of tags per promotion, those of open batches
// in one table, those of chunks in flight in another. A tag that is found is refused only after the
// exact number was read back. Everything is filled from the log when the first claim arrives.
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
#include "store/voucher_build.hpp"

namespace bestow::actors {

/// Chunks whose facts are not durable yet. Outlives a registry that fails: the next one goes on
/// with them. Only the registry that lives touches it.
struct voucher_claims {
  /// Its i-th number that was not refused is numbers[i].
  struct claim {
    promotion_id promotion{};
    std::string batch;
    std::uint64_t first_row{0};
    caf::actor_addr holder;
    std::uint64_t fill{0};  ///< voucher_registry_state::fills when it was made.
    string_column numbers;
    std::vector<std::uint64_t> tags;
  };
  std::map<std::uint64_t, claim> open;
  std::uint64_t next{1};  ///< Never used twice: an old answer must not meet a new claim.
};

struct voucher_registry_state {
  static constexpr const char* name = "voucher_registry";
  using file_ptr = std::shared_ptr<const store::voucher_file>;
  /// Numbers that a new file holds, on their way out of the open table.
  struct move_out {
    file_ptr file;
    std::uint64_t older{0};  ///< Ordinals below this were in the file before.
    std::uint64_t next{0};
  };
  context_ptr context;
  bool filled{false};
  std::uint64_t seed{0};
  std::map<std::uint64_t, file_ptr> files;         ///< By promotion.
  std::unique_ptr<store::voucher_table> open;      ///< Of facts outside the files.
  std::unique_ptr<store::voucher_table> in_flight; ///< fact = the claim's number.
  std::shared_ptr<voucher_claims> claims;
  std::uint64_t fills{0};
  std::set<caf::actor_addr> watched;  ///< Hosts whose end is reported to us.
  std::set<std::uint64_t> to_build;   ///< Promotions with a batch closed since their file.
  bool building{false};
  std::set<std::uint64_t> forgotten;  ///< Cancelled promotions: a file that comes late is void.
  std::optional<move_out> moving;
  /// The fact last read back to compare a number, decoded.
  position cached_at{};
  std::optional<targets_imported> cached;
};

/// Blocks while it fills its tables: spawned detached outside the simulator.
[[nodiscard]] auto run_voucher_registry(caf::stateful_actor<voucher_registry_state>* self,
                                        context_ptr context,
                                        std::shared_ptr<voucher_claims> claims) -> caf::behavior;

// --- voucher_fill.cpp -----------------------------------------------------------------------------------
using voucher_registry_host = caf::stateful_actor<voucher_registry_state>;
/// Opens or builds every promotion's file and fills the open table from the log.
[[nodiscard]] auto fill_registry(voucher_registry_state& s) -> result<void>;
/// Builds the next waiting promotion's file beside the registry; one at a time.
void build_next(voucher_registry_host* self);
/// One step of taking a new file's numbers out of the open table.
void move_some_out(voucher_registry_host* self);
/// The promotion grants nothing: its numbers are free again.
[[nodiscard]] auto forget_promotion(voucher_registry_state& s, promotion_id promotion)
    -> result<void>;
/// INTERNAL: build a file; runs on its own thread.
struct build_vouchers {
  store::voucher_build wanted;
};
struct vouchers_built {
  result<voucher_registry_state::file_ptr> file;
};

}  // namespace bestow::actors
BESTOW_LOCAL_MESSAGE(build_vouchers)
BESTOW_LOCAL_MESSAGE(vouchers_built)
