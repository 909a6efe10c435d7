#include "apps/cli/offline.hpp"

#include <algorithm>
#include <filesystem>

#include <fmt/format.h>

#include "apps/cli/codes.hpp"
#include "apps/cli/progress.hpp"
#include "apps/http/fact_json.hpp"
#include "apps/http/view_json.hpp"
#include "apps/system/data_layout.hpp"
#include "events/limits.hpp"
#include "projections/view_set.hpp"
#include "store/data_lock.hpp"
#include "store/event_log.hpp"
#include "store/target_list.hpp"
#include "store/verify_child.hpp"
#include "store/view_store.hpp"

namespace bestow::cli {
namespace {

auto failed(const context& ctx, const fault& f) -> offline_answer {
  return {report_fault(ctx, f), ""};
}

auto missing(const context& ctx, const std::string& data) -> offline_answer {
  ctx.complain(fmt::format("{}: there is no log in this data directory", data));
  return {exit_code::not_found, ""};
}

auto has_log(const apps::data_layout& at) -> bool {
  std::error_code error;
  return std::filesystem::is_directory(at.log, error) && !std::filesystem::is_empty(at.log, error);
}

auto open_log(const apps::data_layout& at) -> result<std::unique_ptr<store::event_log>> {
  store::log_options options;
  options.directory = at.log;
  options.read_only = true;
  return store::open_lmdb_log(options, 0);
}

auto verified(const context& ctx, const result<store::verify_report>& report) -> offline_answer {
  if (!report) return failed(ctx, report.error());
  return {report->clean ? exit_code::done : exit_code::fault, http::verify_json(*report)};
}

}  // namespace

auto report_fault(const context& ctx, const fault& f) -> exit_code {
  ctx.complain(to_string(f));
  if (const auto* row = find_code(name_of(f.code))) ctx.note(fmt::format("  {}", row->remedy));
  return f.action == fault_action::retry_later ? exit_code::unavailable : exit_code::fault;
}

auto open_offline(const context& ctx, const std::string& data) -> opened_log {
  const apps::data_layout at{data};
  if (!has_log(at)) return {missing(ctx, data).code, nullptr};
  auto log = open_log(at);
  if (!log) return {report_fault(ctx, log.error()), nullptr};
  return {exit_code::done, std::move(*log)};
}

auto stat_of_directory(const context& ctx, const std::string& data) -> offline_answer {
  const apps::data_layout at{data};
  if (!has_log(at)) return missing(ctx, data);
  const auto log = open_log(at);
  if (!log) return failed(ctx, log.error());
  const auto stat = store::stat_of(**log);
  if (!stat) return failed(ctx, stat.error());
  return {exit_code::done, http::log_stat_json(*stat)};
}

auto facts_of_directory(const context& ctx, const std::string& data, std::uint64_t from,
                        std::uint64_t limit, const std::string& stream) -> offline_answer {
  const apps::data_layout at{data};
  if (!has_log(at)) return missing(ctx, data);
  const auto log = open_log(at);
  if (!log) return failed(ctx, log.error());
  http::json_writer w;
  w.begin_object().key("facts").begin_array();
  store::read_options options;
  options.events_max = limit;
  const auto visit = [&w](const store::stored_event& e) {
    http::write_fact(w, e);
    return true;
  };
  const auto head = (*log)->head().last;
  std::uint64_t seen = 0;
  std::uint64_t end = head.value;
  stream_id id;
  if (stream.empty()) {
    const auto done = (*log)->read({from - 1}, options, visit);
    if (!done) return failed(ctx, done.error());
    seen = done->value;
  } else if (parse_stream_id(stream, id)) {
    const auto done = (*log)->read_stream(id, {from - 1}, options, visit);
    const auto version = (*log)->version_of(id);
    if (!done || !version) return failed(ctx, done ? version.error() : done.error());
    seen = done->value;
    end = version->value;
  } else {
    ctx.complain(
        fmt::format("'{}' is not a stream; streams are promotion-ID, partition-ID-K, "
                    "delivery-voucher, delivery-point",
                    stream));
    return {exit_code::usage, ""};
  }
  w.end_array();
  if (seen < end)
    w.count("next", seen + 1);
  else
    w.key("next").null();
  w.count("as_of_position", head.value).end_object();
  return {exit_code::done, w.take()};
}

auto verify_offline(const context& ctx, const std::string& data) -> offline_answer {
  const apps::data_layout at{data};
  if (!has_log(at)) return missing(ctx, data);
  progress bar{ctx, "verifying", 0, "facts"};
  std::uint64_t seen = 0;
  const auto report = store::verify_in_child(at.log, [&](std::uint64_t events) {
    seen = events;
    bar.update(events);
  });
  bar.finish(report ? report->events : seen);
  return verified(ctx, report);
}

auto views_of_directory(const context& ctx, const std::string& data) -> offline_answer {
  const apps::data_layout at{data};
  if (!has_log(at)) return missing(ctx, data);
  // Opening a view may finish what a killed service had begun, so nobody else may have it open.
  const auto lock = store::data_lock::acquire(data);
  if (!lock) return failed(ctx, lock.error());
  const auto log = open_log(at);
  if (!log) return failed(ctx, log.error());
  auto lists = store::make_target_lists(at.lists);
  if (!lists) return failed(ctx, lists.error());
  auto stores = store::make_lmdb_view_stores(at.views, limits::view_map_bytes_default);
  if (!stores) return failed(ctx, stores.error());
  const auto views = projections::open_views(**stores, **log, **lists);
  if (!views) return failed(ctx, views.error());
  http::json_writer w;
  w.begin_object().key("views").begin_array();
  for (const auto& v : (*views)->status()) http::write_view(w, v);
  w.end_array().count("as_of_position", (*log)->head().last.value).end_object();
  return {exit_code::done, w.take()};
}

}  // namespace bestow::cli
