#include <fmt/format.h>

#include "apps/http/export_rows.hpp"
#include "apps/http/json_writer.hpp"
#include "apps/import/rejects_file.hpp"
#include "domain/target_row.hpp"

namespace bestow::http {

export_writer::export_writer(export_format format, const std::vector<schema_field>& fields)
    : format_{format} {
  for (const auto& field : fields) {
    if (format_ == export_format::csv) {
      if (&field != &fields.front()) out_ += ',';
      out_ += field.name;
    }
    names_.push_back(fmt::format("{}\"{}\":", names_.empty() ? "{" : ",", field.name));
  }
  if (format_ == export_format::csv) out_ += '\n';
}

void export_writer::begin_row() {
  cell_ = 0;
}

void export_writer::end_row() {
  out_ += format_ == export_format::csv ? "\n" : "}\n";
  ++rows_;
}

void export_writer::next() {
  if (format_ == export_format::ndjson)
    out_ += names_[cell_];
  else if (cell_ > 0)
    out_ += ',';
  ++cell_;
}

void export_writer::bare(std::string_view value) {
  next();
  out_ += value;
}

void export_writer::null() {
  bare(format_ == export_format::ndjson ? "null" : "");
}

void export_writer::text(std::string_view value) {
  next();
  if (format_ == export_format::ndjson)
    append_json_string(out_, value);
  else
    importing::append_cell(out_, value);
}

void export_writer::text_or_null(std::string_view value) {
  if (value.empty())
    null();
  else
    text(value);
}

void export_writer::digits(std::string_view value) {
  next();
  if (format_ == export_format::ndjson) out_ += '"';
  out_ += value;
  if (format_ == export_format::ndjson) out_ += '"';
}

void export_writer::id(std::uint64_t value) {
  const fmt::format_int text{value};
  digits({text.data(), text.size()});
}

void export_writer::money(money_minor value) {
  const fmt::format_int text{value.value};
  digits({text.data(), text.size()});
}

void export_writer::count(std::uint64_t value) {
  const fmt::format_int text{value};
  bare({text.data(), text.size()});
}

void export_writer::flag(bool value) {
  bare(value ? "true" : "false");
}

void export_writer::time(timestamp value) {
  if (value.value == 0)
    null();
  else
    text(domain::to_rfc3339(value));
}

}  // namespace bestow::http
