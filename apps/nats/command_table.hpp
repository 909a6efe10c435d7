// The commands over NATS as data: which subject stands for which route of HTTP. The service, the
// reference pages and the tests read one table.
//
// Every `POST /api/v1/promotions/{id}/WORD` that takes JSON is the command promotion.WORD by
// itself; the other commands are named in command_table.cpp. Thread-safe: constant data.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "apps/http/route.hpp"

namespace bestow::commands {

struct command {
  std::string name;  ///< "promotion.seal": what follows the prefix.
  const http::route* to{nullptr};
};
/// In the order of the route table.
[[nodiscard]] auto command_table() -> std::span<const command>;
/// nullptr: there is no such command.
[[nodiscard]] auto find_command(std::string_view name) -> const command*;

/// The JSON field that stands for a parameter of the path: promotion_id for {id}, else its name.
[[nodiscard]] auto field_of(std::string_view path_parameter) -> std::string_view;
/// The header that says the field where the payload is rows: Bestow-Promotion-Id.
[[nodiscard]] auto header_of(std::string_view field) -> std::string;
/// Fields that go into path and query, in this order; the first `path_count` are required.
struct route_fields {
  std::vector<std::string> names;
  std::size_t path_count{0};
};
[[nodiscard]] auto fields_of(const http::route& to) -> route_fields;
/// Whether the route's body is rows or a ledger: the payload then is that text, or JSON with it.
[[nodiscard]] auto takes_rows(const http::route& to) -> bool;

}  // namespace bestow::commands
