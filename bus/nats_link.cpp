#include "bus/nats_link.hpp"

#include <fmt/format.h>

#include <fstream>
#include <iterator>

#include "bus/nkey.hpp"
#include "bus/server_probe.hpp"
#include "events/limits.hpp"

namespace bestow::bus {
namespace {

/// Refused credentials are tried this often before they count as refused.
constexpr int authentication_tries = 3;
/// Unsubscribed inboxes that wait for one common ping.
constexpr std::size_t retired_inboxes_max = 16;
constexpr std::int64_t flush_within_ms = 2'000;

/// The URL itself, or the first line of the file it names.
[[nodiscard]] auto resolve_url(const std::string& url) -> result<std::string> {
  if (!url.starts_with('@')) return url;
  std::ifstream file{url.substr(1)};
  std::string line;
  if (!std::getline(file, line) || line.empty()) {
    return fail(fault_code::broker_unavailable, "read_url", "no URL in " + url.substr(1));
  }
  return line;
}

[[nodiscard]] auto wants_tls(const nats_options& o, const std::string& url) -> bool {
  return url.starts_with("tls://") || !o.tls_ca.empty() || !o.tls_cert.empty();
}

/// The server must show a certificate for the host of the URL.
[[nodiscard]] auto set_tls(natsOptions* raw, const nats_options& o, const std::string& host)
    -> natsStatus {
  natsStatus s = natsOptions_SetSecure(raw, true);
  if (s == NATS_OK && !o.tls_ca.empty())
    s = natsOptions_LoadCATrustedCertificates(raw, o.tls_ca.c_str());
  if (s == NATS_OK && !o.tls_cert.empty())
    s = natsOptions_LoadCertificatesChain(raw, o.tls_cert.c_str(), o.tls_key.c_str());
  if (s == NATS_OK) s = natsOptions_SetExpectedHostname(raw, host.c_str());
  return s;
}

[[nodiscard]] auto connection_options(const nats_options& o, const std::string& url)
    -> result<nats_options_ptr> {
  natsOptions* raw = nullptr;
  natsStatus s = natsOptions_Create(&raw);
  nats_options_ptr options{raw};
  const auto apply = [&s](auto call) {
    if (s == NATS_OK) s = call();
  };
  apply([&] { return natsOptions_SetURL(raw, url.c_str()); });
  apply([&] { return natsOptions_SetName(raw, "bestow"); });
  apply([&] { return natsOptions_SetTimeout(raw, o.connect_within.count()); });
  apply([&] { return natsOptions_SetAllowReconnect(raw, false); });
  apply([&] { return natsOptions_SetFailRequestsOnDisconnect(raw, true); });
  apply([&] { return natsOptions_SetIOBufSize(raw, limits::nats_io_buffer_bytes); });
  apply([&] { return natsOptions_SetPingInterval(raw, limits::nats_ping_interval.count()); });
  apply([&] { return natsOptions_SetMaxPingsOut(raw, limits::nats_pings_unanswered_max); });
  apply([&] { return natsOptions_SetWriteDeadline(raw, limits::nats_write_within.count()); });
  if (!o.user.empty()) {
    apply([&] { return natsOptions_SetUserInfo(raw, o.user.c_str(), o.password.c_str()); });
  }
  if (!o.credentials_file.empty()) {
    apply([&] {
      return natsOptions_SetUserCredentialsFromFiles(raw, o.credentials_file.c_str(), nullptr);
    });
  }
  if (!o.nkey_file.empty()) {
    const auto key = public_key_of_seed_file(o.nkey_file);
    if (!key) return tl::unexpected<fault>{key.error()};
    apply(
        [&] { return natsOptions_SetNKeyFromSeed(raw, key->c_str(), o.nkey_file.c_str()); });
  }
  if (wants_tls(o, url)) apply([&] { return set_tls(raw, o, address_of(url).host); });
  if (s != NATS_OK) {
    return fail(fault_code::broker_access_refused, "natsOptions",
                fmt::format("{}: {}", natsStatus_GetText(s), last_error_text()));
  }
  return options;
}

[[nodiscard]] auto is_refusal(natsStatus s) -> bool {
  return s == NATS_CONNECTION_AUTH_FAILED || s == NATS_NOT_PERMITTED || s == NATS_SSL_ERROR ||
         s == NATS_SECURE_CONNECTION_REQUIRED || s == NATS_SECURE_CONNECTION_WANTED;
}

/// Never the URL itself: it may carry a password.
[[nodiscard]] auto connect_fault(natsStatus s, const host_and_port& address)
    -> tl::unexpected<fault> {
  const auto code =
      is_refusal(s) ? fault_code::broker_access_refused : fault_code::broker_unavailable;
  auto why = std::string{natsStatus_GetText(s)};
  // nats.c names what it could not read or verify in its own text only.
  if (s == NATS_SSL_ERROR) why += ": " + last_error_text();
  return fail(code, "natsConnection_Connect",
              fmt::format("{}:{}: {}", address.host, address.port, why));
}

[[nodiscard]] auto too_old(const std::string& version) -> bool {
  return !version.empty() && version_less(version, server_version_min);
}

[[nodiscard]] auto new_inbox() -> std::optional<std::string> {
  natsInbox* raw = nullptr;
  if (natsInbox_Create(&raw) != NATS_OK) return std::nullopt;
  const nats_inbox_ptr owner{raw};
  return std::string{static_cast<const char*>(raw)};
}

}  // namespace

void ack_queue::push(nats_message_ptr message) {
  const std::lock_guard lock{mutex_};
  messages_.push_back(std::move(message));
  changed_.notify_all();
}

void ack_queue::close() {
  const std::lock_guard lock{mutex_};
  closed_ = true;
  changed_.notify_all();
}

auto ack_queue::pop() -> nats_message_ptr {
  std::unique_lock lock{mutex_};
  changed_.wait(lock, [this] { return closed_ || !messages_.empty(); });
  if (messages_.empty()) return nullptr;
  auto message = std::move(messages_.front());
  messages_.pop_front();
  return message;
}

auto last_error_text() -> std::string {
  natsStatus status{};
  const char* const text = nats_GetLastError(&status);
  return text == nullptr ? "" : text;
}

auto permission_fault(nats_link& link, std::string_view operation, const std::string& subject)
    -> std::optional<fault> {
  const char* text = nullptr;
  const natsStatus s = natsConnection_GetLastError(link.connection(), &text);
  if (s != NATS_NOT_PERMITTED || text == nullptr) return std::nullopt;
  if (std::string_view{text}.find(subject) == std::string_view::npos) return std::nullopt;
  return fault{fault_code::broker_access_refused, action_for(fault_code::broker_access_refused),
               operation, text};
}

auto api_fault(nats_link& link, natsStatus status, std::string_view operation,
               const std::string& stream) -> tl::unexpected<fault> {
  if (auto refused = permission_fault(link, operation, stream))
    return tl::unexpected<fault>{std::move(*refused)};
  return nats_fault(status, operation);
}

auto nats_fault(natsStatus status, std::string_view operation) -> tl::unexpected<fault> {
  return fail(fault_code::broker_unavailable, operation, natsStatus_GetText(status));
}

auto nats_link::open(const nats_options& o) -> result<std::shared_ptr<nats_link>> {
  auto url = resolve_url(o.url);
  if (!url) return tl::unexpected<fault>{std::move(url.error())};
  auto options = connection_options(o, *url);
  if (!options) return tl::unexpected<fault>{std::move(options.error())};

  natsConnection* connection = nullptr;
  natsStatus s = NATS_CONNECTION_AUTH_FAILED;
  for (int i = 0; i < authentication_tries && s == NATS_CONNECTION_AUTH_FAILED; ++i) {
    s = natsConnection_Connect(&connection, options->get());
  }
  if (s != NATS_OK) return connect_fault(s, address_of(*url));
  auto link = std::make_shared<nats_link>(opened{});
  link->connection_.reset(connection);

  jsOptions js_options;
  jsOptions_Init(&js_options);
  js_options.Wait = o.ack_within.count();
  jsCtx* js = nullptr;
  s = natsConnection_JetStream(&js, connection, &js_options);
  if (s != NATS_OK) return nats_fault(s, "natsConnection_JetStream");
  link->js_.reset(js);

  s = link->listen_for_acks();
  if (s != NATS_OK) return nats_fault(s, "natsConnection_Subscribe");

  char connected_url[256];
  if (natsConnection_GetConnectedUrl(connection, connected_url, sizeof connected_url) == NATS_OK) {
    if (auto greeting = read_greeting(address_of(connected_url), o.connect_within)) {
      link->server_version_ = std::move(greeting->version);
    }
  }
  if (too_old(link->server_version_)) {
    return fail(fault_code::broker_version_unsupported, "natsConnection_Connect",
                fmt::format("nats-server {} at {}:{}, needed is {} or newer", link->server_version_,
                            address_of(*url).host, address_of(*url).port, server_version_min));
  }
  return link;
}

auto nats_link::take_inbox() -> std::optional<inbox> {
  {
    const std::lock_guard lock{mutex_};
    if (!quiet_.empty()) {
      inbox out = std::move(quiet_.back());
      quiet_.pop_back();
      return out;
    }
  }
  auto subject = new_inbox();
  natsSubscription* raw = nullptr;
  if (!subject || natsConnection_SubscribeSync(&raw, connection(), subject->c_str()) != NATS_OK) {
    return std::nullopt;
  }
  inbox out{std::move(*subject), nats_subscription_ptr{raw}};
  // What can be pending is bounded by what was asked for: batches requested, acks awaited.
  if (natsSubscription_SetPendingLimits(raw, -1, -1) == NATS_OK) return out;
  retire(std::move(out));
  return std::nullopt;
}

void nats_link::give_back(inbox quiet) {
  const std::lock_guard lock{mutex_};
  quiet_.push_back(std::move(quiet));  // As many as calls were under way at once.
}

void nats_link::retire(inbox noisy) {
  (void)natsSubscription_Unsubscribe(noisy.subscription.get());  // Fails on a closed link only.
  std::vector<inbox> passed;
  {
    const std::lock_guard lock{mutex_};
    retired_.push_back(std::move(noisy));
    if (retired_.size() < retired_inboxes_max) return;
    passed.swap(retired_);
  }
  if (natsConnection_FlushTimeout(connection(), flush_within_ms) == NATS_OK) return;
  // The link is about to end, and they with it.
  const std::lock_guard lock{mutex_};
  std::move(passed.begin(), passed.end(), std::back_inserter(retired_));
}

auto nats_link::listen_for_acks() -> natsStatus {
  using shared_queue = std::shared_ptr<ack_queue>;
  const auto subject = new_inbox();
  if (!subject) return NATS_NO_MEMORY;
  ack_prefix_ = *subject + ".";
  acks_ = std::make_shared<ack_queue>();
  // nats.c calls back on its own thread until the completion callback, which may come after this
  // link is gone: the closure is the queue's share that the completion callback returns.
  auto closure = std::make_unique<shared_queue>(acks_);
  natsSubscription* raw = nullptr;
  natsStatus s = natsConnection_Subscribe(
      &raw, connection(), (ack_prefix_ + "*").c_str(),
      [](natsConnection*, natsSubscription*, natsMsg* message, void* queue) {
        (*static_cast<shared_queue*>(queue))->push(nats_message_ptr{message});
      },
      closure.get());
  ack_subscription_.reset(raw);
  if (s != NATS_OK) return s;
  s = natsSubscription_SetOnCompleteCB(
      raw,
      [](void* queue) {
        const std::unique_ptr<shared_queue> owner{static_cast<shared_queue*>(queue)};
        (*owner)->close();
      },
      closure.get());
  if (s != NATS_OK) return s;
  (void)closure.release();
  return natsSubscription_SetPendingLimits(raw, -1, -1);
}

auto nats_link::expect_ack(std::uint64_t token) -> std::optional<std::uint64_t> {
  const std::lock_guard lock{mutex_};
  if (given_up_) return std::nullopt;
  awaited_.emplace(next_number_, token);
  return next_number_++;
}

auto nats_link::take_ack(std::uint64_t number) -> std::optional<std::uint64_t> {
  const std::lock_guard lock{mutex_};
  const auto it = awaited_.find(number);
  if (it == awaited_.end()) return std::nullopt;
  const std::uint64_t token = it->second;
  awaited_.erase(it);
  return token;
}

auto nats_link::give_up() -> std::vector<std::uint64_t> {
  const std::lock_guard lock{mutex_};
  given_up_ = true;
  std::vector<std::uint64_t> tokens;
  tokens.reserve(awaited_.size());
  for (const auto& [number, token] : awaited_) tokens.push_back(token);
  awaited_.clear();
  return tokens;
}

}  // namespace bestow::bus
