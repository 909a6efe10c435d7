// The broker's streams: how they stand, and making one anew.
#include <fmt/format.h>

#include "apps/http/handlers.hpp"
#include "apps/http/input.hpp"
#include "apps/http/json_writer.hpp"
#include "config/suggest.hpp"

namespace bestow::http {
namespace {

void write_stream(json_writer& w, const actors::delivery_status& d) {
  w.begin_object()
      .field("name", d.stream)
      .field("state", d.state.substr(0, d.state.find(':')))
      .text_or_null("code", d.code)
      .field("detail", d.state)
      .count("generation", d.generation)
      .count("base_seq", d.base_seq)
      .count("planned_seq", d.planned_seq)
      .count("acked_seq", d.acked_seq)
      .count("republished_count", d.republished)
      .end_object();
}

/// Whether it is the stream of facts, which is rebuilt but never adopted.
auto is_event_stream(const http_parts& parts, const std::string& name) -> bool {
  const auto& g = parts.settings->grants;
  return g.publish_events && name == g.event_stream;
}

auto stream_type(const http_parts& parts, const std::string& name)
    -> checked_value<promotion_type> {
  const auto& g = parts.settings->grants;
  if (name == g.voucher_stream) return promotion_type::voucher;
  if (name == g.point_stream) return promotion_type::point;
  std::vector<std::string> names{g.voucher_stream, g.point_stream};
  if (g.publish_events) names.push_back(g.event_stream);
  return tl::unexpected(
      problem_of(request_error::stream_not_found,
                 fmt::format("there is no stream '{}'.{} Streams: {}", shown(name),
                             config::did_you_mean(name, names), fmt::join(names, ", "))));
}

struct stream_order {
  promotion_type type{};
  bool events{false};  ///< The stream of facts; only where `with_events` allows it.
  actors::caller by;
};

/// Which stream, and who asks.
auto read_order(const http_parts& parts, const request& in, bool with_events)
    -> checked_value<stream_order> {
  auto fields = body_fields(in);
  if (!fields) return tl::unexpected(std::move(fields.error()));
  if (auto p = fields->finish()) return tl::unexpected(std::move(*p));
  auto by = caller_of(in);
  if (!by) return tl::unexpected(by.error());
  if (with_events && is_event_stream(parts, in.params[0]))
    return stream_order{{}, true, std::move(*by)};
  const auto type = stream_type(parts, in.params[0]);
  if (!type) return tl::unexpected(type.error());
  return stream_order{*type, false, std::move(*by)};
}

}  // namespace

auto list_streams(const http_parts& parts, const request&) -> answer {
  json_writer w;
  w.begin_object().key("streams").begin_array();
  const auto status = parts.engine->status();
  for (const auto& d : status.deliveries) write_stream(w, d);
  if (status.events) write_stream(w, *status.events);
  w.end_array().end_object();
  return json_response(w.take());
}

auto adopt_stream(const http_parts& parts, const request& in) -> answer {
  const auto order = read_order(parts, in, false);
  if (!order) return tl::unexpected(order.error());
  const auto done = parts.engine->adopt_stream(order->type, order->by);
  if (!done) return tl::unexpected(problem_of(done.error()));
  json_writer w;
  w.begin_object()
      .field("name", done->stream)
      .count("first_seq", done->first_seq)
      .count("last_seq", done->last_seq)
      .count("message_count", done->last_seq - done->first_seq + 1)
      .count("release_count", done->releases)
      .count("position", done->at.value)
      .end_object();
  return json_response(w.take());
}

auto rebuild_stream(const http_parts& parts, const request& in) -> answer {
  const auto order = read_order(parts, in, true);
  if (!order) return tl::unexpected(order.error());
  const auto done = order->events ? parts.engine->rebuild_events(order->by)
                                  : parts.engine->rebuild_stream(order->type, order->by);
  if (!done) return tl::unexpected(problem_of(done.error()));
  json_writer w;
  w.begin_object()
      .field("name", done->stream)
      .count("generation", done->generation)
      .count("message_count", done->messages)
      .text_or_null("reason", done->reason)
      .flag("repeated", done->repeated)
      .count("position", done->at.value)
      .end_object();
  return json_response(w.take(), 202);
}

}  // namespace bestow::http
