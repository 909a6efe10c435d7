// The schema table as JSON Schema: for OpenAPI and AsyncAPI. Pure; thread-agnostic.
#pragma once

#include <string_view>

#include "apps/http/json_writer.hpp"

namespace bestow::http {

/// {"$ref":"#/components/schemas/NAME"}
void write_ref(json_writer& w, std::string_view name);
/// The member "schemas" with every schema of the table.
void write_schemas(json_writer& w);

}  // namespace bestow::http
