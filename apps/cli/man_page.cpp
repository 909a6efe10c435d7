// bestow help man: the manual page, written from the same words that are parsed.
#include <fmt/format.h>

#include "apps/cli/commands.hpp"

namespace bestow::cli {
namespace {

/// Text as roff takes it: no line begins with a control character, no escape is meant.
auto roff(std::string_view text) -> std::string {
  std::string out;
  for (const char c : text) {
    if (c == '\\')
      out += "\\e";
    else if (c == '-')
      out += "\\-";
    else if ((c == '.' || c == '\'') && (out.empty() || out.back() == '\n'))
      out += fmt::format("\\&{}", c);
    else
      out += c;
  }
  return out;
}

auto is_listed(const CLI::Option* o) -> bool {
  return !o->get_group().empty() && o->get_name() != "--help";
}

auto synopsis(const CLI::App& app, const std::string& path) -> std::string {
  std::string out = fmt::format("\\fB{}\\fR", roff(path));
  for (const auto* o : app.get_options())
    if (o->get_positional() && is_listed(o)) {
      auto name = o->get_name(true);
      for (auto& c : name) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
      const auto shown = fmt::format("\\fI{}\\fR", roff(name));
      out += o->get_required() ? " " + shown : " [" + shown + "]";
    }
  return out;
}

void write_options(std::string& out, const CLI::App& app) {
  for (const auto* o : app.get_options()) {
    if (o->get_positional() || !is_listed(o)) continue;
    out += fmt::format(".TP\n\\fB{}\\fR\n{}\n", roff(o->get_name(false, true)),
                       roff(o->get_description()));
  }
}

/// Every command without commands of its own, in the order of the help.
void write_commands(std::string& out, const CLI::App& app, const std::string& path) {
  const auto below =
      app.get_subcommands([](const CLI::App* s) { return !s->get_group().empty(); });
  for (const auto* sub : below) write_commands(out, *sub, path + " " + sub->get_name());
  if (!below.empty()) return;
  out += fmt::format(".SS {}\n{}\n", synopsis(app, path), roff(app.get_description()));
  write_options(out, app);
}

}  // namespace

auto man_page(const CLI::App& app) -> std::string {
  std::string out = fmt::format(
      ".TH BESTOW 1 \"\" \"bestow {}\" \"User Commands\"\n"
      ".SH NAME\nbestow \\- exactly\\-once mass grants with a provable log\n"
      ".SH SYNOPSIS\n\\fBbestow\\fR [\\fIoptions\\fR] \\fInoun\\fR \\fIverb\\fR ...\n"
      ".SH DESCRIPTION\nOne program: the service (\\fBbestow serve\\fR) and its command line, which "
      "talks to it over HTTP. Data goes to standard output, everything else to standard error.\n"
      ".SH OPTIONS\nThey may stand anywhere.\n",
      roff(version()));
  write_options(out, app);
  out += ".SH COMMANDS\n";
  write_commands(out, app, "bestow");
  out +=
      ".SH EXIT STATUS\n"
      ".TP\n0\ndone\n.TP\n1\nfault: \\fBbestow explain\\fR \\fICODE\\fR says what to do\n"
      ".TP\n2\nwrong use\n.TP\n3\nrefused; the rejection's name is on standard error\n"
      ".TP\n4\nnot found\n.TP\n5\nunavailable or timed out\n"
      ".SH ENVIRONMENT\n"
      ".TP\nBESTOW_URL, BESTOW_TOKEN, BESTOW_OUTPUT\nas \\-\\-url, \\-\\-token, \\-\\-output\n"
      ".TP\nBESTOW_CONFIG\nconfiguration file of serve and doctor\n"
      ".TP\nBESTOW_<SECTION>_<KEY>\noverrides a key of the configuration\n"
      ".TP\nNO_COLOR\nno colours\n"
      ".SH FILES\n"
      ".TP\nbestow.toml\nthe configuration; \\fBbestow help config\\fR explains every key\n";
  return out;
}

}  // namespace bestow::cli
