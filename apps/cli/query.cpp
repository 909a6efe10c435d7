// Words of questions that several commands share.
#include <utility>

#include <fmt/format.h>

#include "apps/cli/commands.hpp"
#include "domain/target_row.hpp"
#include "events/limits.hpp"

namespace bestow::cli {

auto moment_check() -> CLI::Validator {
  return CLI::Validator(
      [](std::string& word) -> std::string {
        if (domain::parse_time(word)) return "";
        return fmt::format(
            "'{}' is not a time: RFC 3339 (2026-01-21T10:30:00+09:00) or, meaning Asia/Seoul, "
            "yyyyMMddHHmmss, 'yyyy-MM-dd HH:mm:ss', yyyy-MM-ddTHH:mm:ss",
            word);
      },
      "TIME");
}

void add_as_of(CLI::App& command, std::string& text) {
  command
      .add_option("--as-of", text,
                  "As it stood at this time: RFC 3339, or a local time (Asia/Seoul)")
      ->check(moment_check());
}

auto patient_client(const context& ctx, const std::string& as_of) -> std::unique_ptr<api_client> {
  auto api = std::make_unique<api_client>(ctx);
  if (!as_of.empty())
    api->wait_at_most(std::chrono::duration_cast<std::chrono::seconds>(2 * limits::as_of_within));
  return api;
}

auto with_query(std::string path, const std::vector<std::string>& names,
                const std::vector<std::string>& values) -> std::string {
  char mark = '?';
  for (std::size_t i = 0; i < names.size() && i < values.size(); ++i) {
    if (values[i].empty()) continue;
    path += fmt::format("{}{}={}", std::exchange(mark, '&'), names[i], url_escape(values[i]));
  }
  return path;
}

}  // namespace bestow::cli
