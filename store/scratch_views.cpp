#include "store/scratch_views.hpp"

#include <atomic>
#include <filesystem>
#include <utility>

namespace bestow::store {
namespace {

class scratch_views final : public view_store_factory {
 public:
  scratch_views(std::string folder, std::unique_ptr<view_store_factory> real)
      : folder_{std::move(folder)}, real_{std::move(real)} {}
  ~scratch_views() override {
    real_.reset();
    std::error_code ignored;  // What stays behind takes room until the next start.
    std::filesystem::remove_all(folder_, ignored);
  }
  scratch_views(const scratch_views&) = delete;
  auto operator=(const scratch_views&) -> scratch_views& = delete;

  auto open(std::string_view name, std::uint32_t version, std::uint32_t generation)
      -> result<std::unique_ptr<view_store>> override {
    return real_->open(name, version, generation);
  }
  auto serving(std::string_view name, std::uint32_t version) const
      -> result<std::uint32_t> override {
    return real_->serving(name, version);
  }
  auto flip(std::string_view name, std::uint32_t version, std::uint32_t generation)
      -> result<void> override {
    return real_->flip(name, version, generation);
  }

 private:
  std::string folder_;
  std::unique_ptr<view_store_factory> real_;
};

}  // namespace

auto make_scratch_view_stores(const std::string& directory, std::uint64_t map_bytes)
    -> result<std::unique_ptr<view_store_factory>> {
  static std::atomic<std::uint64_t> made{0};
  const auto folder = directory + "/" + std::to_string(++made);
  auto real = make_lmdb_view_stores(folder, map_bytes);
  if (!real) return tl::unexpected{std::move(real).error()};
  return std::make_unique<scratch_views>(folder, std::move(*real));
}

}  // namespace bestow::store
