// The commands by noun; each adds its words to the parser and sets context::action when chosen.
// Private to apps/cli.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <nlohmann/json_fwd.hpp>

#include "apps/cli/api_client.hpp"
#include "apps/cli/context.hpp"
#include "apps/cli/files.hpp"
#include "apps/cli/printer.hpp"

namespace bestow::cli {

void add_serve(CLI::App& app, context& ctx);
void add_promotion(CLI::App& app, context& ctx);
void add_target(CLI::App& app, context& ctx);
void add_customer(CLI::App& app, context& ctx);
void add_result(CLI::App& app, context& ctx);
void add_log(CLI::App& app, context& ctx);
void add_view(CLI::App& app, context& ctx);
void add_nats(CLI::App& app, context& ctx);
void add_doctor(CLI::App& app, context& ctx);
void add_explain(CLI::App& app, context& ctx);
void add_token(CLI::App& app, context& ctx);
void add_wait(CLI::App& app, context& ctx);
void add_backup(CLI::App& app, context& ctx);
void add_debug(CLI::App& app, context& ctx);
void add_bench(CLI::App& app, context& ctx);
void add_completion(CLI::App& app, context& ctx);
/// Verbs of `bestow log` that have files of their own.
void add_log_export(CLI::App& noun, context& ctx);
void add_log_replay(CLI::App& noun, context& ctx);
void add_log_prove(CLI::App& noun, context& ctx);
/// `bestow __complete WORDS...`: candidates for the last word, one a line. Not parsed as the other
/// commands are, for the words are unfinished.
[[nodiscard]] auto complete(const CLI::App& app, const context& ctx,
                            const std::vector<std::string>& words) -> exit_code;
void add_version(CLI::App& app, context& ctx);
/// `bestow view export`.
void add_view_export(CLI::App& noun, context& ctx);
void add_help(CLI::App& app, context& ctx);

/// The manual page of all commands, as roff.
[[nodiscard]] auto man_page(const CLI::App& app) -> std::string;

/// The command of that name under `app`; nullptr: none.
[[nodiscard]] auto find_command(const CLI::App* app, const std::string& name) -> const CLI::App*;

// Steps that several commands share.

/// Prints a good reply: JSON as it came, else as a table or CSV. Reports any other.
[[nodiscard]] auto show_reply(const context& ctx, const reply& r) -> exit_code;
/// Prints the list under `field` of a page; mentions the next page on stderr. `fields` head a CSV
/// without rows.
[[nodiscard]] auto show_page(const context& ctx, const reply& r, const std::string& field,
                             const std::vector<column>& columns,
                             const std::vector<std::string>& fields) -> exit_code;
/// The fields of an answer's schema, in the order they are written.
[[nodiscard]] auto fields_of(std::string_view schema) -> std::vector<std::string>;

struct import_options {
  std::string promotion;
  std::string file;
  std::string format;
  std::string batch;
  std::string rejects;
  std::string encoding;
  bool strict{false};
  bool dry_run{false};
};
struct import_outcome {
  exit_code code{exit_code::done};
  std::string answer;  ///< The server's JSON.
};
[[nodiscard]] auto import_file(const context& ctx, const import_options& o) -> import_outcome;
/// Says when `totals` counts customers whose targets stand in several partitions.
void warn_of_split(const context& ctx, const nlohmann::ordered_json& totals);
/// SHA-256 of a file as hex; "" when it cannot be read.
[[nodiscard]] auto sha256_of_file(const context& ctx, const std::string& path) -> std::string;

[[nodiscard]] auto sha256_of_text(std::string_view text) -> std::string;

/// Follows a promotion until it rests. Exit: done completed, refused stopped, fault failed,
/// unavailable when `within` passed first (0 = no limit) or the server stays away.
struct watch_outcome {
  exit_code code{exit_code::done};
  std::string promotion;  ///< JSON of the last row seen.
};
[[nodiscard]] auto watch_promotion(const context& ctx, const std::string& id,
                                   std::chrono::seconds within = {}) -> watch_outcome;
/// Prints the last row and gives the exit code.
[[nodiscard]] auto show_watched(const context& ctx, const watch_outcome& seen) -> exit_code;

/// Verdict of a reconciliation for people.
void print_reconciliation(const context& ctx, const std::string& json);
/// done, or fault with a line on stderr when anything is missing, extra or different.
[[nodiscard]] auto reconcile_exit(const context& ctx, const std::string& json) -> exit_code;

/// A number from 1 on as a command-line word.
[[nodiscard]] auto id_check() -> CLI::Validator;
/// A whole number low..high as a command-line word; no sign, no fraction.
[[nodiscard]] auto number_check(std::uint64_t low, std::uint64_t high) -> CLI::Validator;
/// A path: not the empty word, which a shell makes of a variable that is not set.
[[nodiscard]] auto path_check() -> CLI::Validator;
/// A time as the server takes it: RFC 3339, or a local one (Asia/Seoul).
[[nodiscard]] auto moment_check() -> CLI::Validator;
/// `--as-of TIME` into `text`: the answer as it stood then.
void add_as_of(CLI::App& command, std::string& text);
/// A client that waits as long as the server may work on an earlier moment, when one is asked for.
[[nodiscard]] auto patient_client(const context& ctx, const std::string& as_of)
    -> std::unique_ptr<api_client>;
/// The path with those parameters whose value is not "".
[[nodiscard]] auto with_query(std::string path, const std::vector<std::string>& names,
                              const std::vector<std::string>& values) -> std::string;
/// 30, 30s, 5m or 2h, above zero and at most a year; the option gets seconds.
[[nodiscard]] auto time_check() -> CLI::Validator;

}  // namespace bestow::cli
