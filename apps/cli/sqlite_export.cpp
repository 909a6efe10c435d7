#include "apps/cli/sqlite_export.hpp"

#include <charconv>
#include <exception>
#include <optional>
#include <stdexcept>
#include <utility>

#include <SQLiteCpp/SQLiteCpp.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "events/limits.hpp"

namespace bestow::cli {
namespace {

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

  void bind(int at, const http::schema_field& field, const std::string& text) {
    const bool digits = field.type == http::shape::id || field.type == http::shape::money;
    if (const auto number = digits ? whole_number(text) : std::nullopt)
      insert->bind(at, *number);
    else
      insert->bind(at, text);
  }

  /// Binds a row's values as they are read: no document is built of it.
  struct row_reader final : nlohmann::json_sax<nlohmann::json> {
    explicit row_reader(parts& of) : to{of} {}
    parts& to;
    std::size_t at{0};  ///< Of the value that comes; its column in SQLite is one more.
    bool named{false};
    int depth{0};

    auto field() -> const http::schema_field& {
      if (depth != 1 || !std::exchange(named, false)) throw std::runtime_error{"a row is no object"};
      return to.fields[at++];
    }
    auto null() -> bool override {
      static_cast<void>(field());  // Unbound is NULL.
      return true;
    }
    auto boolean(bool value) -> bool override {
      static_cast<void>(field());
      to.insert->bind(static_cast<int>(at), value ? 1 : 0);
      return true;
    }
    auto number_unsigned(number_unsigned_t value) -> bool override {
      static_cast<void>(field());
      const auto digits = fmt::to_string(value);
      if (const auto number = whole_number(digits))
        to.insert->bind(static_cast<int>(at), *number);
      else
        to.insert->bind(static_cast<int>(at), digits);
      return true;
    }
    auto string(string_t& value) -> bool override {
      const auto& of = field();
      to.bind(static_cast<int>(at), of, value);
      return true;
    }
    auto key(string_t& name) -> bool override {
      if (at >= to.fields.size() || name != to.fields[at].name)
        throw std::runtime_error{"a row has the column " + name};
      named = true;
      return true;
    }
    auto start_object(std::size_t) -> bool override {
      if (++depth != 1) throw std::runtime_error{"a value is an object"};
      return true;
    }
    auto end_object() -> bool override { return true; }
    auto number_integer(number_integer_t) -> bool override { return refused(); }
    auto number_float(number_float_t, const string_t&) -> bool override { return refused(); }
    auto binary(binary_t&) -> bool override { return refused(); }
    auto start_array(std::size_t) -> bool override { return refused(); }
    auto end_array() -> bool override { return refused(); }
    auto parse_error(std::size_t, const std::string&, const nlohmann::detail::exception& e)
        -> bool override {
      throw std::runtime_error{e.what()};
    }
    [[noreturn]] static auto refused() -> bool {
      throw std::runtime_error{"a value is of no kind that an export has"};
    }
  };

  void add(std::string_view line) {
    insert->reset();
    insert->clearBindings();
    row_reader row{*this};
    nlohmann::json::sax_parse(line, &row);
    if (row.at != fields.size()) throw std::runtime_error{"a row has other columns"};
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
