#include "apps/cli/sqlite_export.hpp"

#include <charconv>
#include <exception>
#include <optional>
#include <stdexcept>

#include <SQLiteCpp/SQLiteCpp.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "events/limits.hpp"

namespace bestow::cli {
namespace {

using nlohmann::ordered_json;

auto sql_name(std::string_view name) -> std::string {
  return fmt::format("\"{}\"", name);
}

auto type_of(const http::schema_field& field) -> std::string_view {
  if (field.name == "customer_uid") return "";
  switch (field.type) {
    case http::shape::id:
    case http::shape::money:
    case http::shape::count:
    case http::shape::flag:
      return " INTEGER";
    case http::shape::text:
    case http::shape::time:
    case http::shape::date:
    case http::shape::object:
    case http::shape::list:
    case http::shape::ids:
      break;
  }
  return " TEXT";
}

/// The digits as a signed 64-bit number; nullopt: they are none, or too large.
auto whole_number(std::string_view text) -> std::optional<std::int64_t> {
  std::int64_t value = 0;
  const auto* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (text.empty() || error != std::errc{} || stop != end) return std::nullopt;
  return value;
}

}  // namespace

struct sqlite_export::parts {
  std::string path;
  std::string table;
  std::vector<http::schema_field> fields;
  std::optional<SQLite::Database> file{};
  std::optional<SQLite::Statement> insert{};
  std::string rest{};
  std::uint64_t rows{0};
  std::string problem{};

  void open() {
    file.emplace(path, SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
    // The file has no name yet: what a crash leaves of it is thrown away.
    file->exec("PRAGMA journal_mode=OFF");
    file->exec("PRAGMA synchronous=OFF");
    std::string columns;
    std::string marks;
    for (const auto& f : fields) {
      columns += fmt::format("{}{}{}", columns.empty() ? "" : ", ", sql_name(f.name), type_of(f));
      marks += marks.empty() ? "?" : ", ?";
    }
    file->exec(fmt::format("CREATE TABLE {} ({})", sql_name(table), columns));
    file->exec("BEGIN");
    insert.emplace(*file, fmt::format("INSERT INTO {} VALUES ({})", sql_name(table), marks));
  }

  void bind(int at, const http::schema_field& field, const ordered_json& value) {
    if (value.is_null()) return;  // Unbound is NULL.
    if (value.is_boolean()) return insert->bind(at, value.get<bool>() ? 1 : 0);
    if (value.is_number_unsigned()) {
      const auto digits = fmt::to_string(value.get<std::uint64_t>());
      if (const auto number = whole_number(digits)) return insert->bind(at, *number);
      return insert->bind(at, digits);
    }
    const auto& text = value.get_ref<const std::string&>();
    const bool digits = field.type == http::shape::id || field.type == http::shape::money;
    if (const auto number = digits ? whole_number(text) : std::nullopt)
      insert->bind(at, *number);
    else
      insert->bind(at, text);
  }

  void add(std::string_view line) {
    const auto row = ordered_json::parse(line);
    if (row.size() != fields.size()) throw std::runtime_error{"a row has other columns"};
    insert->reset();
    insert->clearBindings();
    auto field = fields.begin();
    int at = 0;
    for (const auto& [name, value] : row.items()) {
      if (name != field->name) throw std::runtime_error{"a row has the column " + name};
      bind(++at, *field++, value);
    }
    insert->exec();
    if (++rows % limits::export_rows_per_commit != 0) return;
    file->exec("COMMIT");
    file->exec("BEGIN");
  }

  /// Runs `work`; an exception ends the export with its text.
  template <class Work>
  auto guarded(Work&& work) -> std::string {
    if (!problem.empty()) return problem;
    try {
      work();
    } catch (const std::exception& e) {
      problem = e.what();
    }
    return problem;
  }
};

sqlite_export::sqlite_export(const std::string& path, const std::string& table,
                             const std::vector<http::schema_field>& fields)
    : parts_{new parts{path, table, fields}} {
  static_cast<void>(parts_->guarded([&] { parts_->open(); }));
}
sqlite_export::~sqlite_export() = default;

auto sqlite_export::take(std::string_view piece) -> std::string {
  return parts_->guarded([&] {
    auto& rest = parts_->rest;
    rest += piece;
    std::size_t from = 0;
    for (auto end = rest.find('\n'); end != std::string::npos; end = rest.find('\n', from)) {
      parts_->add(std::string_view{rest}.substr(from, end - from));
      from = end + 1;
    }
    rest.erase(0, from);
    if (rest.size() > limits::export_row_bytes_max) throw std::runtime_error{"a row is too long"};
  });
}

auto sqlite_export::finish(export_facts facts) -> std::string {
  return parts_->guarded([&] {
    if (!parts_->rest.empty()) throw std::runtime_error{"the last row is cut off"};
    facts.emplace_back("row_count", fmt::to_string(parts_->rows));
    std::string columns;
    std::string marks;
    for (const auto& [name, value] : facts) {
      const auto type = whole_number(value) ? " INTEGER" : " TEXT";
      columns += fmt::format("{}{}{}", columns.empty() ? "" : ", ", sql_name(name), type);
      marks += marks.empty() ? "?" : ", ?";
    }
    parts_->file->exec(fmt::format("CREATE TABLE bestow_export ({})", columns));
    SQLite::Statement insert{*parts_->file,
                             fmt::format("INSERT INTO bestow_export VALUES ({})", marks)};
    int at = 0;
    for (const auto& [name, value] : facts) {
      ++at;
      if (const auto number = whole_number(value))
        insert.bind(at, *number);
      else if (!value.empty())
        insert.bind(at, value);
    }
    insert.exec();
    parts_->insert.reset();
    parts_->file->exec("COMMIT");
  });
}

auto sqlite_export::rows() const -> std::uint64_t {
  return parts_->rows;
}

}  // namespace bestow::cli
