// The event structs as documentation: read from the headers in events/, where each field carries
// its comment. Reads the shape those headers have, not C++ in general; a field it cannot read is
// an error, never a gap in the page.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace bestow::docgen {

struct event_field {
  std::string name;
  std::string type;
  std::string meaning;  ///< "" = the name says it.
};
struct event_schema {
  std::string name;
  std::string meaning;
  std::vector<event_field> fields;
};

/// Every struct of `header` that has a stored name, in the header's order.
[[nodiscard]] auto read_schemas(std::string_view header) -> std::vector<event_schema>;

}  // namespace bestow::docgen
