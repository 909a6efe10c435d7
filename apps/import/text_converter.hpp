// CP949 (EUC-KR and its extension, what Korean spreadsheets save) to UTF-8, record by record.
//
// Threads: one object belongs to one thread.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "events/result.hpp"

namespace bestow::importing {

class text_converter {
  struct key {};  // Only open_cp949() makes one.

 public:
  text_converter(key, void* conversion) : conversion_{conversion} {}
  /// @fault bad_config  this machine's C library has no CP949.
  [[nodiscard]] static auto open_cp949() -> result<std::unique_ptr<text_converter>>;
  text_converter(const text_converter&) = delete;
  auto operator=(const text_converter&) -> text_converter& = delete;
  ~text_converter();
  /// `text` in UTF-8; ASCII is handed back as it is. The view lives until the next call and no
  /// longer than `text`. nullopt: it is not CP949.
  [[nodiscard]] auto to_utf8(std::string_view text) -> std::optional<std::string_view>;

 private:
  void* conversion_;
  std::string converted_;
};

}  // namespace bestow::importing
