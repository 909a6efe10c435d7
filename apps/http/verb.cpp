#include "apps/http/verb.hpp"

#include <fmt/format.h>

#include "apps/http/input.hpp"
#include "apps/http/render.hpp"
#include "domain/target_row.hpp"
#include "events/limits.hpp"

namespace bestow::http {

auto receipt(const actors::outcome<actors::command_receipt>& done, std::uint16_t status)
    -> answer {
  if (!done) return tl::unexpected(problem_of(done.error()));
  auto out = json_response(receipt_json(*done), status);
  if (status == 201)
    out.headers.emplace_back("Location",
                             fmt::format("/api/v1/promotions/{}", done->promotion.value));
  return out;
}

auto read_verb(const request& in) -> checked_value<verb> {
  auto id = path_id(in, 0);
  if (!id) return tl::unexpected(std::move(id.error()));
  auto by = caller_of(in);
  if (!by) return tl::unexpected(std::move(by.error()));
  auto fields = body_fields(in);
  if (!fields) return tl::unexpected(std::move(fields.error()));
  return verb{{*id}, std::move(*by), std::move(*fields)};
}

auto check_reason(std::string_view reason) -> std::optional<problem> {
  const auto chars = domain::utf8_length(reason);
  if (chars && *chars <= limits::reason_chars_max) return std::nullopt;
  return problem_of(
      request_error::field_out_of_range,
      chars ? fmt::format("reason is longer than {} characters", limits::reason_chars_max)
            : std::string{"reason is not UTF-8"},
      "reason");
}

}  // namespace bestow::http
