#include "apps/cli/out_file.hpp"

#include <filesystem>

#include <fmt/format.h>

namespace bestow::cli {

out_file::out_file(const context& ctx, std::string path) : ctx_{ctx} {
  if (path.empty() || path == "-") return;
  path_ = std::move(path);
  part_ = path_ + ".part";
  file_.open(part_, std::ios::binary | std::ios::trunc);
  if (!file_) ctx_.complain(fmt::format("{} cannot be written", part_));
}

out_file::~out_file() {
  std::error_code ignored;
  if (!part_.empty()) std::filesystem::remove(part_, ignored);
}

auto out_file::good() const -> bool { return path_.empty() ? ctx_.with.out.good() : file_.good(); }

auto out_file::write(std::string_view piece) -> bool {
  std::ostream& out = path_.empty() ? ctx_.with.out : file_;
  out.write(piece.data(), static_cast<std::streamsize>(piece.size()));
  return out.good();
}

auto out_file::finish() -> bool {
  if (path_.empty()) {
    ctx_.with.out.flush();
    return ctx_.with.out.good();
  }
  file_.close();
  std::error_code error;
  if (file_) std::filesystem::rename(part_, path_, error);
  if (file_ && !error) return true;
  ctx_.complain(fmt::format("{} cannot be written", path_));
  return false;
}

}  // namespace bestow::cli
