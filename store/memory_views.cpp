#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "store/view_names.hpp"
#include "store/view_store.hpp"

namespace bestow::store {
namespace {

using rows = std::map<std::string, std::string, std::less<>>;
/// Rows a transaction changed; nullopt: erased.
using changes = std::map<std::string, std::optional<std::string>, std::less<>>;

/// A committed state. Immutable while anyone reads it.
struct version {
  rows table;
  view_checkpoint checkpoint;
};

/// What a view keeps over open and close of its store: the memory's "file".
struct view_memory {
  std::mutex mutex;
  std::shared_ptr<version> current = std::make_shared<version>();
  std::size_t readers{0};  ///< Of `current`; older versions belong to their readers alone.
};

class memory_reader final : public view_reader {
 public:
  explicit memory_reader(std::shared_ptr<view_memory> memory) : memory_{std::move(memory)} {
    const std::lock_guard lock{memory_->mutex};
    seen_ = memory_->current;
    ++memory_->readers;
  }
  ~memory_reader() override {
    const std::lock_guard lock{memory_->mutex};
    if (memory_->current == seen_) --memory_->readers;
  }

  auto get(std::string_view key) const -> result<std::optional<std::string_view>> override {
    const auto it = seen_->table.find(key);
    if (it == seen_->table.end()) return std::optional<std::string_view>{};
    return std::optional<std::string_view>{it->second};
  }

  auto scan(std::string_view from,
            const std::function<bool(std::string_view, std::string_view)>& visit) const
      -> result<void> override {
    for (auto it = seen_->table.lower_bound(from); it != seen_->table.end(); ++it)
      if (!visit(it->first, it->second)) break;
    return {};
  }

  auto checkpoint() const -> result<view_checkpoint> override { return seen_->checkpoint; }

 private:
  std::shared_ptr<view_memory> memory_;
  std::shared_ptr<const version> seen_;
};

/// One writer at a time, so the committed state under it does not move.
class memory_writer final : public view_writer {
 public:
  explicit memory_writer(std::shared_ptr<view_memory> memory) : memory_{std::move(memory)} {
    const std::lock_guard lock{memory_->mutex};
    base_ = memory_->current;
    checkpoint_ = base_->checkpoint;
  }

  auto get(std::string_view key) const -> result<std::optional<std::string_view>> override {
    if (over_) return ended();
    if (const auto it = changes_.find(key); it != changes_.end()) {
      if (!it->second) return std::optional<std::string_view>{};
      return std::optional<std::string_view>{*it->second};
    }
    const auto it = base_->table.find(key);
    if (it == base_->table.end()) return std::optional<std::string_view>{};
    return std::optional<std::string_view>{it->second};
  }

  auto scan(std::string_view from,
            const std::function<bool(std::string_view, std::string_view)>& visit) const
      -> result<void> override {
    if (over_) return ended();
    auto old_row = base_->table.lower_bound(from);
    auto change = changes_.lower_bound(from);
    while (old_row != base_->table.end() || change != changes_.end()) {
      const bool changed = change != changes_.end() &&
                           (old_row == base_->table.end() || change->first <= old_row->first);
      if (!changed) {
        if (!visit(old_row->first, old_row->second)) break;
        ++old_row;
        continue;
      }
      if (old_row != base_->table.end() && old_row->first == change->first) ++old_row;
      if (change->second && !visit(change->first, *change->second)) break;
      ++change;
    }
    return {};
  }

  auto checkpoint() const -> result<view_checkpoint> override {
    if (over_) return ended();
    return checkpoint_;
  }

  auto put(std::string_view key, std::string_view value) -> result<void> override {
    if (auto fits = check_view_key(key); !fits) return fits;
    if (over_) return ended();
    changes_.insert_or_assign(std::string{key}, std::string{value});
    return {};
  }
  auto erase(std::string_view key) -> result<void> override {
    if (auto fits = check_view_key(key); !fits) return fits;
    if (over_) return ended();
    changes_.insert_or_assign(std::string{key}, std::nullopt);
    return {};
  }
  auto set_checkpoint(const view_checkpoint& c) -> result<void> override {
    if (over_) return ended();
    checkpoint_ = c;
    return {};
  }

  auto commit() -> result<void> override {
    if (std::exchange(over_, true)) return ended();
    const std::lock_guard lock{memory_->mutex};
    // Copied only when someone still reads the old version.
    if (memory_->readers > 0) {
      memory_->current = std::make_shared<version>(*memory_->current);
      memory_->readers = 0;
    }
    auto& now = *memory_->current;
    for (auto& [key, value] : changes_) {
      if (value) now.table.insert_or_assign(key, std::move(*value));
      else now.table.erase(key);
    }
    now.checkpoint = checkpoint_;
    return {};
  }

 private:
  [[nodiscard]] static auto ended() -> tl::unexpected<fault> {
    return fail(fault_code::internal, "view_writer", "the transaction was committed");
  }
  std::shared_ptr<view_memory> memory_;
  std::shared_ptr<const version> base_;
  changes changes_;
  view_checkpoint checkpoint_;
  bool over_{false};
};

class memory_view final : public view_store {
 public:
  explicit memory_view(std::shared_ptr<view_memory> memory) : memory_{std::move(memory)} {}
  auto begin_read() const -> result<std::unique_ptr<view_reader>> override {
    return std::make_unique<memory_reader>(memory_);
  }
  auto begin_write() -> result<std::unique_ptr<view_writer>> override {
    return std::make_unique<memory_writer>(memory_);
  }

 private:
  std::shared_ptr<view_memory> memory_;
};

class memory_views final : public view_store_factory {
 public:
  auto open(std::string_view name, std::uint32_t version, std::uint32_t generation)
      -> result<std::unique_ptr<view_store>> override {
    if (auto fits = check_view_name(name); !fits)
      return tl::unexpected<fault>{std::move(fits.error())};
    const std::lock_guard lock{mutex_};
    auto& memory = generations_[{std::string{name}, version}][generation];
    if (!memory) memory = std::make_shared<view_memory>();
    return std::make_unique<memory_view>(memory);
  }

  auto serving(std::string_view name, std::uint32_t version) const
      -> result<std::uint32_t> override {
    const std::lock_guard lock{mutex_};
    const auto it = serving_.find({std::string{name}, version});
    return it == serving_.end() ? 1U : it->second;
  }

  auto flip(std::string_view name, std::uint32_t version, std::uint32_t generation)
      -> result<void> override {
    const std::lock_guard lock{mutex_};
    const view_key key{std::string{name}, version};
    serving_[key] = generation;
    std::erase_if(generations_[key], [&](const auto& g) { return g.first != generation; });
    return {};
  }

 private:
  using view_key = std::pair<std::string, std::uint32_t>;
  mutable std::mutex mutex_;
  std::map<view_key, std::map<std::uint32_t, std::shared_ptr<view_memory>>> generations_;
  std::map<view_key, std::uint32_t> serving_;
};

}  // namespace

auto make_memory_view_stores() -> std::unique_ptr<view_store_factory> {
  return std::make_unique<memory_views>();
}

}  // namespace bestow::store
