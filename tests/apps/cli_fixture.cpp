#include "tests/apps/cli_fixture.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>

namespace bestow::testing {

auto run_cli(const std::vector<std::string>& words, const std::string& url,
             const std::string& input, header_list environment) -> cli_result {
  std::ostringstream out;
  std::ostringstream err;
  std::istringstream in{input};
  cli::surroundings with{out, err, in};
  with.environment = std::move(environment);
  if (!url.empty()) with.environment.emplace_back("BESTOW_URL", url);
  with.serve = [&out](const cli::serve_options& o) {
    out << "serve " << o.config << '|' << o.data << '|' << o.listen << '|' << o.nats << '\n';
    return cli::exit_code::done;
  };
  const auto code = cli::run(words, with);
  return {static_cast<int>(code), out.str(), err.str()};
}

cli_fixture::cli_fixture() {
  settings.http.listen = "127.0.0.1:0";
  auto made = http::http_server::start(parts);
  if (!made) throw std::runtime_error{made.error().detail};
  server = std::move(*made);
}

scratch::scratch() {
  std::string name = (std::filesystem::temp_directory_path() / "bestow-cli-XXXXXX").string();
  if (mkdtemp(name.data()) == nullptr) throw std::runtime_error{"mkdtemp"};
  root_ = name;
}
scratch::~scratch() {
  std::error_code ignored;
  std::filesystem::remove_all(root_, ignored);
}
auto scratch::file(const std::string& name, const std::string& text) const -> std::string {
  std::ofstream{path(name), std::ios::binary} << text;
  return path(name);
}

}  // namespace bestow::testing
