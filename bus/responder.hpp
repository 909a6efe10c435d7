// Request and reply over core NATS: no stream, no redelivery. What is lost is asked again.
//
// Threads: see message_bus::respond.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "bus/dead_letter.hpp"
#include "events/result.hpp"

namespace bestow::bus {

struct request_message {
  std::string subject;
  std::string payload;
  message_headers headers;  ///< The first value of each; at most command_headers_max + 1 of them.
  std::string reply_to;     ///< "" = nobody waits for an answer.
};
struct reply_message {
  std::string payload;
  message_headers headers;  ///< Values without line breaks.
};
struct request_subject {
  std::string subject;      ///< Wildcards allowed.
  std::string queue_group;  ///< One of the group gets each request; "" = every listener does.
};
using request_sink = std::function<void(request_message)>;

/// Listens as long as it lives.
class responder {
 public:
  responder() = default;
  responder(const responder&) = delete;
  auto operator=(const responder&) -> responder& = delete;
  /// Stops listening; the sink does not run after it returns. Not from within the sink.
  virtual ~responder() = default;
};

}  // namespace bestow::bus
