#include "actors/host.hpp"

namespace bestow::actors {

auto unknown_outcome(const caf::error& why, std::string_view operation) -> fault {
  return {fault_code::outcome_unknown, action_for(fault_code::outcome_unknown), operation,
          caf::to_string(why)};
}

void address_book::set(entry e, caf::actor address) {
  const std::lock_guard lock{mutex_};
  addresses_[static_cast<std::size_t>(e)] = std::move(address);
}

auto address_book::get(entry e) const -> caf::actor {
  const std::lock_guard lock{mutex_};
  return addresses_[static_cast<std::size_t>(e)];
}

void address_book::clear() {
  const std::lock_guard lock{mutex_};
  addresses_ = {};
}

}  // namespace bestow::actors
