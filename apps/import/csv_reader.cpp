#include "apps/import/csv_reader.hpp"

#include <csv.h>

#include <cstddef>
#include <string>

#include "events/assert.hpp"

namespace bestow::importing {
namespace {

constexpr unsigned char strict_options = CSV_STRICT | CSV_STRICT_FINI;

/// libcsv trims spaces by default; RFC 4180 says they are data.
auto no_space(unsigned char) -> int {
  return 0;
}
/// Records come without their line end; a CR or LF inside is data.
auto no_terminator(unsigned char) -> int {
  return 0;
}

}  // namespace

struct csv_reader::quoted_parser {
  csv_parser csv{};
  std::string text;               ///< Unquoted fields end to end.
  std::vector<std::size_t> ends;  ///< Exclusive end of each in `text`.

  quoted_parser() { start(); }
  quoted_parser(const quoted_parser&) = delete;
  auto operator=(const quoted_parser&) -> quoted_parser& = delete;
  ~quoted_parser() { csv_free(&csv); }

  void start() {
    BESTOW_ASSERT(csv_init(&csv, strict_options) == 0);
    csv_set_space_func(&csv, no_space);
    csv_set_term_func(&csv, no_terminator);
  }
  auto parse(std::string_view record) -> bool {
    text.clear();
    ends.clear();
    const bool good =
        csv_parse(&csv, record.data(), record.size(), on_field, on_record, this) == record.size() &&
        csv_fini(&csv, on_field, on_record, this) == 0;
    if (good) return true;
    csv_free(&csv);  // A parser that met an error keeps its place in the record; begin anew.
    start();
    return false;
  }
  static void on_field(void* data, std::size_t bytes, void* self) {
    auto& p = *static_cast<quoted_parser*>(self);
    p.text.append(static_cast<const char*>(data), bytes);
    p.ends.push_back(p.text.size());
  }
  static void on_record(int, void*) {}
};

csv_reader::csv_reader() : quoted_{std::make_unique<quoted_parser>()} {}
csv_reader::~csv_reader() = default;

auto csv_reader::split(std::string_view record)
    -> std::optional<std::span<const std::string_view>> {
  fields_.clear();
  if (record.find('"') == std::string_view::npos) {
    for (;;) {
      const auto comma = record.find(',');
      fields_.push_back(record.substr(0, comma));
      if (comma == std::string_view::npos) return fields_;
      record.remove_prefix(comma + 1);
    }
  }
  if (!quoted_->parse(record)) return std::nullopt;
  std::size_t begin = 0;
  for (const auto end : quoted_->ends) {
    fields_.push_back(std::string_view{quoted_->text}.substr(begin, end - begin));
    begin = end;
  }
  return fields_;
}

}  // namespace bestow::importing
