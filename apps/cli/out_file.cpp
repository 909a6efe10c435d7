#include "apps/cli/out_file.hpp"

#include <fmt/format.h>

namespace bestow::cli {

out_file::out_file(const context& ctx, const std::string& path)
    : ctx_{ctx}, to_stdout_{path.empty() || path == "-"} {
  if (!to_stdout_) file_ = whole_file::create(ctx, path);
}

auto out_file::note(std::string problem) -> bool {
  if (problem.empty()) return true;
  failed_ = true;
  ctx_.complain("file_unwritable: " + problem);
  return false;
}

auto out_file::good() const -> bool {
  return to_stdout_ ? ctx_.with.out.good() : file_ != nullptr && !failed_;
}

auto out_file::write(std::string_view piece) -> bool {
  if (!to_stdout_) return file_ != nullptr && note(file_->write(piece));
  ctx_.with.out.write(piece.data(), static_cast<std::streamsize>(piece.size()));
  return ctx_.with.out.good();
}

auto out_file::finish() -> bool {
  if (!to_stdout_) return file_ != nullptr && !failed_ && note(file_->keep());
  ctx_.with.out.flush();
  return ctx_.with.out.good();
}

}  // namespace bestow::cli
