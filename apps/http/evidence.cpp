// Exports of the log and proofs of targets over HTTP: documents made while they are sent.
#include <memory>
#include <utility>

#include <fmt/format.h>

#include "apps/evidence/log_export.hpp"
#include "apps/evidence/target_proof.hpp"
#include "apps/http/export_place.hpp"
#include "apps/http/handlers.hpp"
#include "apps/http/input.hpp"

namespace bestow::http {
namespace {

/// Small frames are sent together.
constexpr std::size_t piece_bytes = 256 * 1024;

/// A document that is made line by line while it is sent. A fault ends it before its last line,
/// which is how its reader sees that it is not whole. It keeps its place until it is sent.
template <class Document>
auto stream_of_lines(std::shared_ptr<Document> document, std::shared_ptr<export_place> place)
    -> response {
  response out;
  out.content_type = "application/x-ndjson";
  out.stream = [document, place = std::move(place)](const body_sink& put) {
    std::string piece;
    bool more = true;
    while (more && piece.size() < piece_bytes) {
      const auto step = document->step(piece);
      if (!step) {
        static_cast<void>(problem_of(step.error()));  // Tells the program's log.
        return false;
      }
      more = *step;
    }
    return put(piece) && more;
  };
  return out;
}

auto word_problem(const request& in, std::string_view name, std::string_view allowed) -> problem {
  return problem_of(request_error::query_invalid,
                    fmt::format("{} is '{}'; allowed are {}", name, shown(in.query_value(name)),
                                allowed),
                    std::string{name});
}

}  // namespace

auto export_log(const http_parts& parts, const request& in) -> answer {
  auto from = query_number(in, "from", 1, {1, ~0ULL});
  if (!from) return tl::unexpected(std::move(from.error()));
  auto to = query_number(in, "to", 0, {1, ~0ULL});
  if (!to) return tl::unexpected(std::move(to.error()));
  evidence::export_request wanted{{*from}, {*to}, evidence::export_format::ndjson};
  if (in.has_query("format")) {
    const auto format = evidence::parse_export_format(in.query_value("format"));
    if (!format) return tl::unexpected(word_problem(in, "format", evidence::export_formats));
    wanted.format = *format;
  }
  auto place = std::make_shared<export_place>(*parts.state);
  if (!place->taken()) return tl::unexpected(no_export_place());
  return stream_of_lines(std::make_shared<evidence::log_export>(*parts.log, wanted),
                         std::move(place));
}

auto prove_target(const http_parts& parts, const request& in) -> answer {
  const auto promotion = path_id(in, 0);
  if (!promotion) return tl::unexpected(promotion.error());
  const auto target = path_id(in, 1);
  if (!target) return tl::unexpected(target.error());
  auto chain = evidence::proof_chain::whole;
  if (in.has_query("chain")) {
    const auto wanted = evidence::parse_proof_chain(in.query_value("chain"));
    if (!wanted) return tl::unexpected(word_problem(in, "chain", "whole, facts"));
    chain = *wanted;
  }
  auto place = std::make_shared<export_place>(*parts.state);
  if (!place->taken()) return tl::unexpected(no_export_place());
  auto proof =
      evidence::target_proof::gather(*parts.log, *parts.lists, {*promotion}, {*target}, chain);
  if (!proof) return tl::unexpected(problem_of(proof.error()));
  if (!*proof)
    return tl::unexpected(problem_of(request_error::target_not_found,
                                     fmt::format("promotion {} has no target {}, or its list is "
                                                 "not sealed",
                                                 *promotion, *target)));
  return stream_of_lines(std::make_shared<evidence::target_proof>(std::move(**proof)),
                         std::move(place));
}

}  // namespace bestow::http
