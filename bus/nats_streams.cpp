// The JetStream API: streams created or compared, single messages read back.
#include <fmt/format.h>

#include <algorithm>

#include "bus/broker_errors.hpp"
#include "bus/nats_core.hpp"

namespace bestow::bus {
namespace {

constexpr std::int64_t unlimited = -1;

[[nodiscard]] auto state_from(const jsStreamState& s) -> stream_state {
  return {s.FirstSeq, s.LastSeq, s.Msgs};
}

[[nodiscard]] auto max_bytes_of(const stream_config& config) -> std::int64_t {
  return config.max_bytes == 0 ? unlimited : static_cast<std::int64_t>(config.max_bytes);
}

[[nodiscard]] auto sorted_subjects(const jsStreamConfig& c) -> std::vector<std::string> {
  std::vector<std::string> out;
  for (int i = 0; i < c.SubjectsLen; ++i) out.emplace_back(c.Subjects[i]);
  std::sort(out.begin(), out.end());
  return out;
}

/// "" when the existing stream is what we need, else the settings that differ.
[[nodiscard]] auto differences(const jsStreamConfig& have, const stream_config& want)
    -> std::string {
  std::string out;
  const auto note = [&out](std::string_view setting, bool same) {
    if (!same) out += fmt::format("{}{}", out.empty() ? "" : ", ", setting);
  };
  auto subjects = want.subjects;
  std::sort(subjects.begin(), subjects.end());
  note("subjects", sorted_subjects(have) == subjects);
  note("retention", have.Retention == js_LimitsPolicy);
  note("discard", have.Discard == js_DiscardNew);
  note("storage", have.Storage == js_FileStorage);
  note("max_age", have.MaxAge == 0);
  note("max_msgs", have.MaxMsgs == unlimited);
  note("max_msgs_per_subject", have.MaxMsgsPerSubject <= 0);
  note("max_msg_size", have.MaxMsgSize == unlimited);
  note("replicas", have.Replicas == static_cast<std::int64_t>(want.replicas));
  note("deny_delete", have.DenyDelete == want.deny_delete_and_purge);
  note("deny_purge", have.DenyPurge == want.deny_delete_and_purge);
  note("allow_rollup", !have.AllowRollup);
  note("no_ack", !have.NoAck);
  note("sealed", !have.Sealed);
  note("mirror", have.Mirror == nullptr);
  note("sources", have.SourcesLen == 0);
  if (want.duplicate_window.count() > 0) {
    note("duplicate_window",
         have.Duplicates == std::chrono::nanoseconds{want.duplicate_window}.count());
  }
  return out;
}

[[nodiscard]] auto create_stream(nats_link& link, const stream_config& config)
    -> result<stream_state> {
  std::vector<const char*> subjects;
  for (const auto& s : config.subjects) subjects.push_back(s.c_str());
  jsStreamConfig c;
  jsStreamConfig_Init(&c);
  c.Name = config.name.c_str();
  c.Subjects = subjects.data();
  c.SubjectsLen = static_cast<int>(subjects.size());
  c.Retention = js_LimitsPolicy;
  c.Discard = js_DiscardNew;
  c.Storage = js_FileStorage;
  c.MaxBytes = max_bytes_of(config);
  c.Replicas = config.replicas;
  c.DenyDelete = config.deny_delete_and_purge;
  c.DenyPurge = config.deny_delete_and_purge;
  c.Duplicates = std::chrono::nanoseconds{config.duplicate_window}.count();
  if (!config.description.empty()) c.Description = config.description.c_str();
  jsStreamInfo* raw = nullptr;
  jsErrCode error{};
  const natsStatus s = js_AddStream(&raw, link.js(), &c, nullptr, &error);
  const js_stream_info_ptr info{raw};
  if (s == NATS_OK) return state_from(info->State);
  if (error == 0) return api_fault(link, s, "js_AddStream", config.name);
  return fail(fault_code::broker_stream_misconfigured, "js_AddStream",
              fmt::format("stream {} cannot be created: {} (code {})", config.name,
                          last_error_text(), static_cast<int>(error)));
}

}  // namespace

auto inspect_stream(nats_link& link, const stream_config& config) -> result<stream_inspection> {
  jsStreamInfo* raw = nullptr;
  jsErrCode error{};
  const natsStatus s = js_GetStreamInfo(&raw, link.js(), config.name.c_str(), nullptr, &error);
  const js_stream_info_ptr info{raw};
  if (static_cast<int>(error) == js_stream_not_found) return stream_inspection{};
  if (s != NATS_OK) return api_fault(link, s, "js_GetStreamInfo", config.name);
  const char* const description = info->Config->Description;
  return stream_inspection{true, state_from(info->State), description == nullptr ? "" : description,
                           differences(*info->Config, config)};
}

auto ensure_stream(nats_link& link, const stream_config& config) -> result<stream_state> {
  auto found = inspect_stream(link, config);
  if (!found) return tl::unexpected<fault>{std::move(found.error())};
  if (!found->exists) return create_stream(link, config);
  if (!found->differences.empty()) {
    return fail(
        fault_code::broker_stream_misconfigured, "ensure_stream",
        fmt::format("stream {} exists with other settings: {}", config.name, found->differences));
  }
  return found->state;
}

auto remove_stream(nats_link& link, const std::string& stream) -> result<void> {
  jsErrCode error{};
  const natsStatus s = js_DeleteStream(link.js(), stream.c_str(), nullptr, &error);
  if (s == NATS_OK || static_cast<int>(error) == js_stream_not_found) return {};
  return api_fault(link, s, "js_DeleteStream", stream);
}

auto remove_consumer(nats_link& link, const std::string& stream, const std::string& durable)
    -> result<void> {
  jsErrCode error{};
  const natsStatus s =
      js_DeleteConsumer(link.js(), stream.c_str(), durable.c_str(), nullptr, &error);
  if (s == NATS_OK || static_cast<int>(error) == js_consumer_not_found ||
      static_cast<int>(error) == js_stream_not_found)
    return {};
  return api_fault(link, s, "js_DeleteConsumer", stream);
}

auto stream_state_of(nats_link& link, const std::string& stream) -> result<stream_state> {
  jsStreamInfo* raw = nullptr;
  jsErrCode error{};
  const natsStatus s = js_GetStreamInfo(&raw, link.js(), stream.c_str(), nullptr, &error);
  const js_stream_info_ptr info{raw};
  if (s == NATS_OK) return state_from(info->State);
  if (static_cast<int>(error) == js_stream_not_found) return no_such_stream("state_of", stream);
  return api_fault(link, s, "js_GetStreamInfo", stream);
}

auto read_message(nats_link& link, const std::string& stream, std::uint64_t seq)
    -> result<std::optional<stored_message>> {
  if (seq == 0) return std::nullopt;
  natsMsg* raw = nullptr;
  jsErrCode error{};
  const natsStatus s = js_GetMsg(&raw, link.js(), stream.c_str(), seq, nullptr, &error);
  const nats_message_ptr message{raw};
  if (s == NATS_OK) {
    return stored_message{seq, std::string{subject_of(message.get())},
                          std::string{payload_of(message.get())}};
  }
  if (static_cast<int>(error) == js_message_not_found) return std::nullopt;
  if (static_cast<int>(error) == js_stream_not_found) return no_such_stream("read", stream);
  return api_fault(link, s, "js_GetMsg", stream);
}

}  // namespace bestow::bus
