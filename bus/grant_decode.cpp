// Reads grants and results. The bytes come from other services: every field is checked before it is
// believed, a field that is given twice is refused, and nothing here can throw or read past the
// end.
#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <optional>
#include <utility>

#include "bus/grant_fields.hpp"
#include "bus/grant_wire.hpp"
#include "bus/wire_text.hpp"
#include "events/limits.hpp"

namespace bestow::bus {
namespace {

using simdjson::dom::element;
using simdjson::dom::element_type;
using simdjson::dom::object;

/// Longest piece of a stranger's text that is repeated in a reason.
constexpr std::size_t quoted_chars_max = 40;
constexpr std::size_t json_depth_max = 16;
constexpr std::string_view cut_mark = "…";

enum class field : std::uint8_t {
  event_id,
  voucher_id,
  point_id,
  customer,
  partition,
  status,
  transaction_key,
  error_message,
  attempt,
  amount,
  idempotency_key,
  recall_status,
  recall_id,
};
constexpr std::size_t field_count = 13;
constexpr std::array<std::string_view, field_count> field_names{
    "eventId",       "voucherEventTargetId", "pointEventTargetId", "customerUid", "partitionKey",
    "processStatus", "transactionKey",       "errorMessage",       "attempt",     "amount",
    "idempotencyKey", "recallStatus", "recallId"};

[[nodiscard]] constexpr auto name_of_field(field f) -> std::string_view {
  return field_names[static_cast<std::size_t>(f)];
}

[[nodiscard]] auto quoted(std::string_view text) -> std::string {
  const std::string_view shown = wire_text::first_code_points(text, quoted_chars_max);
  return fmt::format("'{}{}'", shown, shown.size() < text.size() ? cut_mark : "");
}

/// A parser for texts up to `bytes_max`. Copies the text, which brings the padding that simdjson
/// reads past the end. The elements live until the next call with the same bound on this thread.
template <std::size_t bytes_max>
[[nodiscard]] auto parse(std::string_view json) -> simdjson::simdjson_result<element> {
  // Keeps its buffers, so each thread parses without allocating after its largest message.
  static thread_local simdjson::dom::parser parser{bytes_max};
  if (parser.max_depth() != json_depth_max || parser.capacity() < json.size()) {
    const auto room = std::max<std::size_t>(parser.capacity(), std::bit_ceil(json.size()));
    if (const auto error = parser.allocate(std::min(room, bytes_max), json_depth_max)) return error;
  }
  return parser.parse(json.data(), json.size(), true);
}

/// The parts of an envelope, each at most once.
struct envelope {
  timestamp sent_at{};
  std::optional<element> payload;
  std::optional<element> payloads;
};

/// @returns "" or why the text is not an envelope.
template <std::size_t bytes_max>
[[nodiscard]] auto open_envelope(std::string_view json, envelope& out) -> std::string {
  if (json.size() > bytes_max) return "larger than the limit for one message";
  element root;
  if (const auto error = parse<bytes_max>(json).get(root)) {
    return fmt::format("not JSON: {}", simdjson::error_message(error));
  }
  object fields;
  if (root.get(fields)) return "not a JSON object";
  bool has_sent_at = false;
  for (const auto& [key, value] : fields) {
    if (key == "payload") {
      if (out.payload) return "payload is given twice";
      out.payload = value;
    } else if (key == "payloads") {
      if (out.payloads) return "payloads is given twice";
      out.payloads = value;
    } else if (key == "sentAt") {
      if (std::exchange(has_sent_at, true)) return "sentAt is given twice";
      std::string_view text;
      if (!value.get(text)) out.sent_at = wire_text::parse_datetime(text);
    }
  }
  return {};
}

/// A payload's known fields, each at most once.
class payload_reader {
 public:
  /// `name` stands in reasons: payload, or payloads[3].
  explicit payload_reader(std::string name = "payload") : name_{std::move(name)} {}

  /// @returns "" or why the element is no payload.
  [[nodiscard]] auto open(const std::optional<element>& payload) -> std::string {
    if (!payload) return fmt::format("{} is missing", name_);
    object fields;
    if (payload->get(fields)) return fmt::format("{} is not an object", name_);
    return collect(fields);
  }

  [[nodiscard]] auto has(field f) const -> bool { return at(f).has_value(); }
  [[nodiscard]] auto name() const -> const std::string& { return name_; }

  /// An integer between `least` and `most`, as a JSON number or as a string of its digits.
  [[nodiscard]] auto integer(field f, std::uint64_t least, std::uint64_t most,
                             std::uint64_t& out) const -> std::string {
    if (!has(f)) return missing(f);
    std::string_view text;
    if (at(f)->get(text) == simdjson::SUCCESS) {
      const bool canonical = !text.empty() && (text.size() == 1 || text.front() != '0');
      const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
      if (!canonical || error != std::errc{} || end != text.data() + text.size()) {
        return not_integer(f, quoted(text), least, most);
      }
    } else if (at(f)->get(out) != simdjson::SUCCESS) {
      return not_integer(f, "neither a string nor an integer", least, most);
    }
    if (out < least || out > most) return not_integer(f, std::to_string(out), least, most);
    return {};
  }

  /// A string; "" when it is absent or null.
  [[nodiscard]] auto text(field f, std::string_view& out) const -> std::string {
    out = {};
    if (!has(f)) return {};
    if (at(f)->get(out) == simdjson::SUCCESS) return {};
    return fmt::format("{}.{} is not a string", name_, name_of_field(f));
  }

  [[nodiscard]] auto missing(field f) const -> std::string {
    return fmt::format("{}.{} is missing", name_, name_of_field(f));
  }

 private:
  [[nodiscard]] auto collect(const object& fields) -> std::string {
    for (const auto& [key, value] : fields) {
      for (std::size_t i = 0; i < field_count; ++i) {
        if (key != field_names[i]) continue;
        if (std::exchange(seen_[i], true)) {
          return fmt::format("{}.{} is given twice", name_, field_names[i]);
        }
        if (!value.is_null()) values_[i] = value;
        break;
      }
    }
    return {};
  }

  [[nodiscard]] auto not_integer(field f, std::string_view found, std::uint64_t least,
                                 std::uint64_t most) const -> std::string {
    return fmt::format("{}.{} is {}; an integer from {} to {}", name_, name_of_field(f), found,
                       least, most);
  }

  [[nodiscard]] auto at(field f) const -> const std::optional<element>& {
    return values_[static_cast<std::size_t>(f)];
  }

  std::string name_;
  std::array<std::optional<element>, field_count> values_{};
  std::array<bool, field_count> seen_{};
};

/// What grants and results have in common.
struct target_fields {
  promotion_type type{};
  promotion_id promotion{};
  target_id id{};
  customer_uid customer{};
  partition_no partition{};
  std::uint16_t attempt{0};  ///< 0 = not given.
};

[[nodiscard]] auto read_target(const payload_reader& in, target_fields& out) -> std::string {
  if (auto why = in.integer(field::event_id, 1, limits::id_max, out.promotion.value);
      !why.empty()) {
    return why;
  }
  const bool voucher = in.has(field::voucher_id);
  if (voucher == in.has(field::point_id)) {
    if (voucher)
      return fmt::format("{} has both voucherEventTargetId and pointEventTargetId", in.name());
    return fmt::format("{0}.voucherEventTargetId or {0}.pointEventTargetId is missing", in.name());
  }
  out.type = voucher ? promotion_type::voucher : promotion_type::point;
  const field id_field = voucher ? field::voucher_id : field::point_id;
  if (auto why = in.integer(id_field, 1, limits::id_max, out.id.value); !why.empty()) return why;
  if (auto why = in.integer(field::customer, 0, UINT64_MAX, out.customer.value); !why.empty()) {
    return why;
  }
  std::uint64_t number = 0;
  if (auto why = in.integer(field::partition, 0, limits::partition_count_max - 1, number);
      !why.empty()) {
    return why;
  }
  out.partition.value = static_cast<std::uint16_t>(number);
  if (!in.has(field::attempt)) return {};
  if (auto why = in.integer(field::attempt, 1, UINT16_MAX, number); !why.empty()) return why;
  out.attempt = static_cast<std::uint16_t>(number);
  return {};
}

/// A subject that names a promotion type must name the payload's.
[[nodiscard]] auto subject_contradicts(std::string_view subject, promotion_type type) -> bool {
  const std::string_view other = type == promotion_type::voucher ? ".point." : ".voucher.";
  return subject.find(other) != std::string_view::npos;
}

[[nodiscard]] auto parse_status(std::string_view text) -> std::optional<process_status> {
  for (const auto s : {process_status::success, process_status::retrying, process_status::failed}) {
    if (text == name_of(s)) return s;
  }
  return std::nullopt;
}

[[nodiscard]] auto parse_recall_status(std::string_view text) -> std::optional<recall_status> {
  for (const auto s : {recall_status::recalled, recall_status::failed}) {
    if (text == name_of(s)) return s;
  }
  return std::nullopt;
}

/// 0 when it is absent.
[[nodiscard]] auto read_recall_id(const payload_reader& in, recall_no& out) -> std::string {
  out = {};
  if (!in.has(field::recall_id)) return {};
  std::uint64_t number = 0;
  if (auto why = in.integer(field::recall_id, 1, limits::recalls_per_promotion_max, number);
      !why.empty()) {
    return why;
  }
  out.value = static_cast<std::uint32_t>(number);
  return {};
}

/// processStatus of an attempt, or recallStatus of a recall.
[[nodiscard]] auto read_status(const payload_reader& in, decoded_result& out) -> std::string {
  std::string_view text;
  out.recalled.reset();
  out.recall = {};
  if (in.has(field::recall_status)) {
    if (in.has(field::status)) return in.name() + " has both processStatus and recallStatus";
    if (auto why = in.text(field::recall_status, text); !why.empty()) return why;
    out.recalled = parse_recall_status(text);
    if (!out.recalled)
      return fmt::format("payload.recallStatus is {}; RECALLED or FAILED", quoted(text));
    return read_recall_id(in, out.recall);
  }
  if (!in.has(field::status)) return in.missing(field::status);
  if (auto why = in.text(field::status, text); !why.empty()) return why;
  const auto status = parse_status(text);
  if (!status)
    return fmt::format("payload.processStatus is {}; SUCCESS, RETRYING or FAILED", quoted(text));
  out.status = *status;
  return {};
}

[[nodiscard]] auto cut_and_marked(std::string_view text, std::size_t code_points_max)
    -> std::string {
  if (wire_text::first_code_points(text, code_points_max).size() == text.size()) {
    return std::string{text};
  }
  return std::string{wire_text::first_code_points(text, code_points_max - 1)} +
         std::string{cut_mark};
}

/// @returns "" or why the payload is no grant.
[[nodiscard]] auto read_grant(const payload_reader& in, decoded_grant& out) -> std::string;

}  // namespace

auto decode_grant(std::string_view json, decoded_grant& out) -> std::string {
  envelope e;
  if (auto why = open_envelope<limits::grant_message_bytes_max>(json, e); !why.empty()) return why;
  payload_reader in;
  if (auto why = in.open(e.payload); !why.empty()) return why;
  return read_grant(in, out);
}

auto decode_json_grants(std::string_view json, std::vector<decoded_grant>& out) -> std::string {
  envelope e;
  if (auto why = open_envelope<limits::grant_message_bytes_max>(json, e); !why.empty()) return why;
  if (!e.payloads) {
    payload_reader in;
    if (auto why = in.open(e.payload); !why.empty()) return why;
    return read_grant(in, out.emplace_back());
  }
  if (e.payload) return "payload and payloads are both given";
  simdjson::dom::array all;
  if (e.payloads->get(all)) return "payloads is not an array";
  if (all.size() > limits::batch_grants_max) {
    return fmt::format("payloads has {} grants; at most {}", all.size(), limits::batch_grants_max);
  }
  out.reserve(all.size());
  for (const element payload : all) {
    payload_reader in{fmt::format("payloads[{}]", out.size())};
    if (auto why = in.open(payload); !why.empty()) return why;
    if (auto why = read_grant(in, out.emplace_back()); !why.empty()) return why;
  }
  return {};
}

namespace {

auto read_grant(const payload_reader& in, decoded_grant& out) -> std::string {
  target_fields target;
  if (auto why = read_target(in, target); !why.empty()) return why;
  std::string_view amount;
  if (!in.has(field::amount)) return in.missing(field::amount);
  if (auto why = in.text(field::amount, amount); !why.empty()) return why;
  const auto minor = minor_units(amount);
  if (!minor) return fmt::format("{}.amount is {}; digits", in.name(), quoted(amount));
  std::string_view key;
  if (auto why = in.text(field::idempotency_key, key); !why.empty()) return why;

  if (auto why = read_recall_id(in, out.recall); !why.empty()) return why;
  out.type = target.type;
  out.promotion = target.promotion;
  out.id = target.id;
  out.customer = target.customer;
  out.partition = target.partition;
  out.amount_minor = *minor;
  out.attempt = target.attempt == 0 ? std::uint16_t{1} : target.attempt;
  // The original wire has no key; promotion and target make the same one.
  out.idempotency_key = key.empty() ? fmt::format("{}:{}", target.promotion.value, target.id.value)
                                    : std::string{key};
  out.amount = amount;
  return {};
}

}  // namespace

auto decode_result(std::string_view subject, std::string_view json, decoded_result& out)
    -> std::string {
  envelope e;
  if (auto why = open_envelope<limits::result_bytes_max>(json, e); !why.empty()) return why;
  payload_reader in;
  if (auto why = in.open(e.payload); !why.empty()) return why;
  target_fields target;
  if (auto why = read_target(in, target); !why.empty()) return why;
  if (subject_contradicts(subject, target.type)) {
    return fmt::format("a {} result on subject {}", name_of(target.type), quoted(subject));
  }
  std::string_view transaction_key;
  std::string_view error_message;
  if (auto why = read_status(in, out); !why.empty()) return why;
  if (auto why = in.text(field::transaction_key, transaction_key); !why.empty()) return why;
  // Cutting could make two payments look like one.
  if (wire_text::first_code_points(transaction_key, limits::transaction_key_chars_max) !=
      transaction_key) {
    return fmt::format("payload.transactionKey is longer than {} characters",
                       limits::transaction_key_chars_max);
  }
  if (auto why = in.text(field::error_message, error_message); !why.empty()) return why;

  out.type = target.type;
  out.promotion = target.promotion;
  out.id = target.id;
  out.customer = target.customer;
  out.partition = target.partition;
  out.transaction_key = transaction_key;
  out.error_message = cut_and_marked(error_message, limits::error_message_chars_max);
  out.attempt = target.attempt;
  out.at = e.sent_at;
  return {};
}

}  // namespace bestow::bus
