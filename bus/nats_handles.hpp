// nats.c's handles with owners. Private to bus/: the only folder that knows nats.h.
#pragma once

#include <nats/nats.h>

#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace bestow::bus {

template <auto Destroy>
struct nats_deleter {
  template <class T>
  void operator()(T* handle) const {
    (void)Destroy(handle);
  }
};

using nats_connection_ptr = std::unique_ptr<natsConnection, nats_deleter<&natsConnection_Destroy>>;
using nats_options_ptr = std::unique_ptr<natsOptions, nats_deleter<&natsOptions_Destroy>>;
using nats_subscription_ptr =
    std::unique_ptr<natsSubscription, nats_deleter<&natsSubscription_Destroy>>;
using nats_message_ptr = std::unique_ptr<natsMsg, nats_deleter<&natsMsg_Destroy>>;
using nats_inbox_ptr = std::unique_ptr<natsInbox, nats_deleter<&natsInbox_Destroy>>;
using js_context_ptr = std::unique_ptr<jsCtx, nats_deleter<&jsCtx_Destroy>>;
using js_stream_info_ptr = std::unique_ptr<jsStreamInfo, nats_deleter<&jsStreamInfo_Destroy>>;
using js_consumer_info_ptr = std::unique_ptr<jsConsumerInfo, nats_deleter<&jsConsumerInfo_Destroy>>;

[[nodiscard]] inline auto payload_of(const natsMsg* m) -> std::string_view {
  const char* const data = natsMsg_GetData(m);
  return data == nullptr
             ? std::string_view{}
             : std::string_view{data, static_cast<std::size_t>(natsMsg_GetDataLength(m))};
}
[[nodiscard]] inline auto subject_of(const natsMsg* m) -> std::string_view {
  const char* const subject = natsMsg_GetSubject(m);
  return subject == nullptr ? std::string_view{} : std::string_view{subject};
}
/// "" when the message asks for no reply.
[[nodiscard]] inline auto reply_of(const natsMsg* m) -> std::string_view {
  const char* const reply = natsMsg_GetReply(m);
  return reply == nullptr ? std::string_view{} : std::string_view{reply};
}

/// The first `count_max` headers, the first value of each. Cheap when there are none.
[[nodiscard]] inline auto headers_of(natsMsg* m, std::size_t count_max)
    -> std::vector<std::pair<std::string, std::string>> {
  std::vector<std::pair<std::string, std::string>> out;
  const char** keys = nullptr;
  int count = 0;
  if (natsMsgHeader_Keys(m, &keys, &count) != NATS_OK) return out;
  for (int i = 0; i < count && out.size() < count_max; ++i) {
    const char* value = nullptr;
    if (natsMsgHeader_Get(m, keys[i], &value) == NATS_OK && value != nullptr)
      out.emplace_back(keys[i], value);
  }
  std::free(static_cast<void*>(keys));  // NOLINT: nats.c hands out a malloc'd list.
  return out;
}

}  // namespace bestow::bus
