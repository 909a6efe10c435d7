#include "apps/bestow/logging.hpp"

#include <memory>

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/ringbuffer_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include "apps/http/json_writer.hpp"
#include "events/limits.hpp"

namespace bestow::apps {
namespace {

/// The message as a JSON string; spdlog does not escape it.
class json_message final : public spdlog::custom_flag_formatter {
 public:
  void format(const spdlog::details::log_msg& message, const std::tm&,
              spdlog::memory_buf_t& to) override {
    std::string text;
    http::append_json_string(text, {message.payload.data(), message.payload.size()});
    to.append(text.data(), text.data() + text.size());
  }
  [[nodiscard]] auto clone() const -> std::unique_ptr<custom_flag_formatter> override {
    return std::make_unique<json_message>();
  }
};

using ring = spdlog::sinks::ringbuffer_sink_mt;

}  // namespace

auto recent_log_lines() -> std::vector<std::string> {
  for (const auto& sink : spdlog::default_logger()->sinks())
    if (auto* lines = dynamic_cast<ring*>(sink.get())) return lines->last_formatted();
  return {};
}

void start_logging(const config::log_settings& settings) {
  auto formatter = std::make_unique<spdlog::pattern_formatter>(spdlog::pattern_time_type::utc);
  if (settings.format == config::log_format::json)
    formatter->add_flag<json_message>('*').set_pattern(
        R"({"at":"%Y-%m-%dT%H:%M:%S.%eZ","level":"%l","message":%*})");
  else
    formatter->set_pattern("%Y-%m-%dT%H:%M:%S.%eZ %-5l %v");
  auto logger = std::make_shared<spdlog::logger>(
      "bestow", spdlog::sinks_init_list{std::make_shared<spdlog::sinks::stderr_sink_mt>(),
                                        std::make_shared<ring>(limits::bundle_log_lines)});
  logger->set_formatter(std::move(formatter));
  logger->set_level(spdlog::level::from_str(settings.level));
  spdlog::set_default_logger(std::move(logger));
}

}  // namespace bestow::apps
