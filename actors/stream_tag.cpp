#include "actors/stream_tag.hpp"

#include <charconv>

#include <fmt/format.h>

namespace bestow::actors {
namespace {

/// `<before><log id><between><generation><after>`, exactly.
auto parse(std::string_view text, std::string_view before, std::string_view between,
           std::string_view after) -> std::optional<stream_tag> {
  constexpr std::size_t log_id_chars = 32;
  if (!text.starts_with(before)) return std::nullopt;
  text.remove_prefix(before.size());
  if (text.size() < log_id_chars) return std::nullopt;
  stream_tag tag{std::string{text.substr(0, log_id_chars)}, 0};
  text.remove_prefix(log_id_chars);
  if (!text.starts_with(between)) return std::nullopt;
  text.remove_prefix(between.size());
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), tag.generation);
  if (error != std::errc{} || tag.generation == 0) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return text == after ? std::optional{tag} : std::nullopt;
}

}  // namespace

auto identity_message(const stream_tag& tag) -> std::string {
  return fmt::format(R"({{"log_id":"{}","generation":{}}})", tag.log_id, tag.generation);
}

auto parse_identity(std::string_view payload) -> std::optional<stream_tag> {
  return parse(payload, R"({"log_id":")", R"(","generation":)", "}");
}

auto stream_description(const stream_tag& tag) -> std::string {
  return fmt::format("bestow log {} generation {}", tag.log_id, tag.generation);
}

auto parse_description(std::string_view text) -> std::optional<stream_tag> {
  return parse(text, "bestow log ", " generation ", "");
}

}  // namespace bestow::actors
