// bestow token ...: making the named tokens of [[http.tokens]].
#include <algorithm>
#include <cctype>
#include <istream>

#include <fmt/format.h>
#include <openssl/rand.h>
#include <nlohmann/json.hpp>

#include "apps/cli/commands.hpp"
#include "config/settings.hpp"
#include "events/types.hpp"

namespace bestow::cli {
namespace {

using nlohmann::ordered_json;

/// 256 random bits as hex; "" when the machine has no randomness to give.
auto fresh_token() -> std::string {
  sha256_digest bits{};
  auto* to = reinterpret_cast<unsigned char*>(bits.data());
  if (RAND_bytes(to, static_cast<int>(bits.size())) != 1) return "";
  return to_hex(bits);
}

struct token_options {
  std::string name;
  std::string role;
};

auto print_new(const context& ctx, const token_options& o) -> exit_code {
  config::access_token checked;
  const auto token = fresh_token();
  const auto hash = sha256_of_text(token);
  if (const auto wrong = config::make_token(o.name, o.role, hash, checked); !wrong.empty()) {
    ctx.complain(wrong);
    return exit_code::usage;
  }
  if (token.empty()) {
    ctx.complain("no randomness can be had from this machine");
    return exit_code::fault;
  }
  const ordered_json made{{"name", o.name}, {"role", o.role}, {"token", token}, {"sha256", hash}};
  if (ctx.output() == output_kind::json) {
    ctx.with.out << made.dump() << '\n';
  } else if (ctx.output() == output_kind::csv) {
    print_object(ctx, made);
  } else {
    ctx.with.out << fmt::format(
        "Give this to its bearer; it is shown once and stands nowhere:\n\n  {}\n\n"
        "Put this into bestow.toml and start bestow again:\n\n"
        "  [[http.tokens]]\n  name = \"{}\"\n  role = \"{}\"\n  sha256 = \"{}\"\n",
        token, o.name, o.role, hash);
  }
  return exit_code::done;
}

/// The token comes from standard input: an argument would stand in the process list.
auto print_hash(const context& ctx) -> exit_code {
  std::string token;
  std::getline(ctx.with.in, token);
  if (!token.empty() && token.back() == '\r') token.pop_back();
  const bool good = !token.empty() && std::all_of(token.begin(), token.end(),
                                                  [](char c) { return c > 0x20 && c < 0x7F; });
  if (!good) {
    ctx.complain("give the token on standard input, one line of printable characters: "
                 "printf %s \"$TOKEN\" | bestow token hash");
    return exit_code::usage;
  }
  const ordered_json made{{"sha256", sha256_of_text(token)}};
  if (ctx.output() == output_kind::json)
    ctx.with.out << made.dump() << '\n';
  else
    ctx.with.out << made["sha256"].get<std::string>() << '\n';
  return exit_code::done;
}

}  // namespace

void add_token(CLI::App& app, context& ctx) {
  auto* noun = app.add_subcommand("token", "Named tokens for the configuration");
  noun->require_subcommand(1);
  auto* made = noun->add_subcommand("new", "Make a token; prints it and its [[http.tokens]] entry");
  auto o = std::make_shared<token_options>();
  made->add_option("name", o->name, "Who bears it; stands in the facts as the one who asked")
      ->required();
  made->add_option("role", o->role, "viewer, operator, approver or admin")->required();
  made->callback([&ctx, o] { ctx.action = [&ctx, o] { return print_new(ctx, *o); }; });
  auto* hash = noun->add_subcommand("hash", "SHA-256 of a token given on standard input");
  hash->callback([&ctx] { ctx.action = [&ctx] { return print_hash(ctx); }; });
}

}  // namespace bestow::cli
