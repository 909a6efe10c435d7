#include "tools/docgen/event_schema.hpp"

#include <sstream>

namespace bestow::docgen {
namespace {

auto trimmed(std::string_view text) -> std::string {
  const auto from = text.find_first_not_of(' ');
  if (from == std::string_view::npos) return "";
  return std::string{text.substr(from, text.find_last_not_of(' ') - from + 1)};
}

void append_sentence(std::string& text, std::string_view more) {
  if (!text.empty() && !more.empty()) text += ' ';
  text += more;
}

/// `money_minor amount{};  ///< In minor units.` as a field; empty name when it is none.
auto read_field(std::string_view line) -> event_field {
  const auto semicolon = line.find(';');
  if (semicolon == std::string_view::npos) return {};
  const auto comment = line.find("///<", semicolon);
  auto declaration = line.substr(0, semicolon);
  declaration = declaration.substr(0, declaration.find('{'));
  const auto text = trimmed(declaration);
  const auto space = text.rfind(' ');
  if (space == std::string::npos) return {};
  return {text.substr(space + 1), text.substr(0, space),
          comment == std::string_view::npos ? "" : trimmed(line.substr(comment + 4))};
}

/// One pass over the header; `schema_` is the struct being read.
class reader {
 public:
  void take(const std::string& raw) {
    const auto line = trimmed(raw);
    if (schema_.name.empty() && !inside_) {
      outside(line);
    } else {
      inside(line);
    }
  }
  [[nodiscard]] auto found() const -> const std::vector<event_schema>& { return found_; }

 private:
  void outside(const std::string& line) {
    if (line.starts_with("/// ")) {
      append_sentence(comment_, line.substr(4));
    } else if (line.starts_with("struct ") && line.ends_with('{')) {
      inside_ = true;
      schema_.meaning = comment_;
      comment_.clear();
    } else {
      comment_.clear();
    }
  }

  void inside(const std::string& line) {
    if (line == "};") {
      if (!schema_.name.empty()) found_.push_back(schema_);
      schema_ = {};
      inside_ = false;
    } else if (line.find("string_view name = \"") != std::string::npos) {
      const auto open = line.find('"');
      schema_.name = line.substr(open + 1, line.rfind('"') - open - 1);
    } else if (line.starts_with("static constexpr auto fields")) {
      listing_ = line.back() != ';';
    } else if (listing_) {
      listing_ = line.empty() || line.back() != ';';
    } else if (line.starts_with("///< ") && !schema_.fields.empty()) {
      append_sentence(schema_.fields.back().meaning, line.substr(5));
    } else if (line.starts_with("/// ")) {
      append_sentence(comment_, line.substr(4));
    } else if (!line.empty() && !line.starts_with("//") && !line.starts_with("bool operator")) {
      auto field = read_field(line);
      if (field.meaning.empty()) field.meaning = comment_;
      comment_.clear();
      if (!field.name.empty()) schema_.fields.push_back(std::move(field));
    }
  }

  std::vector<event_schema> found_;
  event_schema schema_;
  std::string comment_;
  bool inside_ = false;
  bool listing_ = false;
};

}  // namespace

auto read_schemas(std::string_view header) -> std::vector<event_schema> {
  std::istringstream in{std::string{header}};
  reader r;
  for (std::string line; std::getline(in, line);) r.take(line);
  return r.found();
}

}  // namespace bestow::docgen
