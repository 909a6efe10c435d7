#include "apps/nats/wire_schemas.hpp"

#include <array>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace bestow::commands {
namespace {

struct wire_field {
  std::string_view name;
  std::string_view type;  ///< id, text, flag, number.
  std::string_view meaning;
  bool always{true};
};

auto value_schema(const wire_field& f) -> ordered_json {
  ordered_json out;
  out["type"] = f.type == "flag" ? "boolean" : f.type == "number" ? "integer" : "string";
  if (f.type == "id") out["pattern"] = "^[0-9]+$";
  if (!f.meaning.empty()) out["description"] = f.meaning;
  return out;
}

auto object_schema(std::span<const wire_field> fields) -> ordered_json {
  ordered_json out{{"type", "object"}, {"properties", ordered_json::object()}};
  auto required = ordered_json::array();
  for (const auto& f : fields) {
    out["properties"][std::string{f.name}] = value_schema(f);
    if (f.always) required.push_back(f.name);
  }
  out["required"] = std::move(required);
  return out;
}

using list = std::vector<wire_field>;

auto operator+(list a, const list& b) -> list {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

auto envelope(const ordered_json& payload, bool batches) -> ordered_json {
  ordered_json out = object_schema(std::array<wire_field, 3>{{
      {"sentAt", "text", "Asia/Seoul: when the grants were released, also when sent again."},
      {"version", "number", "20231010."},
      {"topic", "text", "The subject without the partition."},
  }});
  out["properties"]["payload"] = payload;
  if (!batches) {
    out["required"].push_back("payload");
    return out;
  }
  out["properties"]["payloads"] = {
      {"type", "array"},
      {"items", payload},
      {"description", "On the batch wire, in place of payload: grants of one partition."}};
  out["oneOf"] = ordered_json::array({ordered_json{{"required", {"payload"}}},
                                      ordered_json{{"required", {"payloads"}}}});
  return out;
}

auto ids(std::string_view target) -> list {
  return {{"eventId", "id", "The promotion."}, {target, "id", ""}, {"customerUid", "id", ""}};
}
const list voucher_terms{
    {"voucherNumber", "text", ""},
    {"merchantCode", "text", ""},
    {"merchantBrandCode", "text", ""},
    {"amount", "text", "In the currency's own units; an integer for KRW."},
    {"isWithdrawal", "flag", "The money may be withdrawn as cash."},
    {"validUntil", "text", "yyyyMMddHHmmss, Asia/Seoul."}};
const list point_terms{{"amount", "text", "In the currency's own units; an integer for KRW."},
                       {"expiryAt", "text", "yyyyMMddHHmmss, Asia/Seoul."}};
const list place{{"reason", "text", ""}, {"partitionKey", "id", ""}};
const wire_field idempotency_key{"idempotencyKey", "text",
                                 "<promotion>:<target>; never changes. Not with extra_fields off.",
                                 false};
const list grant_end{idempotency_key,
                     {"attempt", "id", "From 1. Not with extra_fields off.", false}};
const list recall_end{{"recallReason", "text", ""}, {"recallId", "id", ""}, idempotency_key};
const list result_end{
    {"processStatus", "text", "SUCCESS, RETRYING or FAILED; not in the answer to a recall.", false},
    {"recallStatus", "text", "RECALLED or FAILED; only in the answer to a recall.", false},
    {"recallId", "id", "Of the recall that is answered.", false},
    {"transactionKey", "text", "The payment's key, at most 100 characters.", false},
    {"errorMessage", "text", "At most 500 characters; longer is cut and marked.", false},
    {"attempt", "id", "As in the grant; missing means 1 where only one was published.", false},
    {"partitionKey", "id", "As in the grant."}};

auto dead_letter() -> ordered_json {
  auto out = object_schema(std::array<wire_field, 9>{{
      {"reason", "text", "Why the result could not be used.", false},
      {"subject", "text", "Of the original.", false},
      {"streamSeq", "id", "Of the original in the result stream.", false},
      {"at", "id", "Milliseconds since 1970.", true},
      {"retryOf", "id", "The letter whose retry this is.", false},
      {"accepted", "flag", "No letter but a note: retryOf was tried again and is recorded.", false},
      {"payload", "text", "Of the original.", false},
      {"payloadHex", "text", "The same where it is not UTF-8.", false},
      {"payloadBytes", "id", "Its whole size where it was cut.", false},
  }});
  out["properties"]["headers"] = {{"type", "object"},
                                  {"additionalProperties", {{"type", "string"}}}};
  return out;
}

auto service(std::string_view type, const list& more) -> ordered_json {
  auto out = object_schema(list{{"type", "text", ""},
                                {"name", "text", "bestow"},
                                {"id", "text", "Of the process."},
                                {"version", "text", ""}} +
                           more);
  out["properties"]["type"] = {{"const", "io.nats.micro.v1." + std::string{type} + "_response"}};
  out["properties"]["metadata"] = {{"type", "object"}};
  return out;
}

auto with_endpoints(ordered_json out, const list& fields) -> ordered_json {
  out["properties"]["endpoints"] = {{"type", "array"}, {"items", object_schema(fields)}};
  return out;
}

}  // namespace

auto wire_schemas() -> ordered_json {
  const auto voucher = ids("voucherEventTargetId");
  const auto point = ids("pointEventTargetId");
  const list endpoint{{"name", "text", ""}, {"subject", "text", ""}, {"queue_group", "text", ""}};
  const list figures{{"num_requests", "number", ""},
                     {"num_errors", "number", ""},
                     {"last_error", "text", "<status>:<code>"},
                     {"processing_time", "number", "Nanoseconds."},
                     {"average_processing_time", "number", "Nanoseconds."}};
  ordered_json out;
  out["VoucherGrant"] = envelope(object_schema(voucher + voucher_terms + place + grant_end), true);
  out["PointGrant"] = envelope(object_schema(point + point_terms + place + grant_end), true);
  out["VoucherRecall"] =
      envelope(object_schema(voucher + voucher_terms + place + recall_end), true);
  out["PointRecall"] = envelope(object_schema(point + point_terms + place + recall_end), true);
  out["VoucherResult"] = envelope(object_schema(voucher + result_end), false);
  out["PointResult"] = envelope(object_schema(point + result_end), false);
  out["StreamIdentity"] = object_schema(list{
      {"log_id", "text", "Of the log the stream belongs to."},
      {"generation", "number", "Of the stream."},
  });
  out["DeadLetter"] = dead_letter();
  out["ServicePing"] = service("ping", {});
  out["ServiceInfo"] = with_endpoints(service("info", {{"description", "text", ""}}), endpoint);
  out["ServiceStats"] =
      with_endpoints(service("stats", {{"started", "text", "RFC 3339."}}), endpoint + figures);
  return out;
}

}  // namespace bestow::commands
