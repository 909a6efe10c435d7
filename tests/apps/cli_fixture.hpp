// The command line against a served fixture; output as text, no terminal unless asked for.
#pragma once

#include <sstream>
#include <string>
#include <vector>

#include "apps/cli/cli.hpp"
#include "apps/http/http_server.hpp"
#include "tests/apps/http_fixture.hpp"

namespace bestow::testing {

struct cli_result {
  int code{0};
  std::string out;
  std::string err;
};

/// Runs `bestow WORDS...`; `url` as BESTOW_URL.
[[nodiscard]] auto run_cli(const std::vector<std::string>& words, const std::string& url = "",
                           const std::string& input = "", header_list environment = {})
    -> cli_result;

class cli_fixture : public http_fixture {
 public:
  cli_fixture();
  auto run(std::vector<std::string> words, const std::string& input = "") -> cli_result {
    return run_cli(words, server->url(), input);
  }
  std::unique_ptr<http::http_server> server;
};

/// A file under a directory of its own, removed with it.
class scratch {
 public:
  scratch();
  scratch(const scratch&) = delete;
  auto operator=(const scratch&) -> scratch& = delete;
  ~scratch();
  auto file(const std::string& name, const std::string& text) const -> std::string;
  [[nodiscard]] auto path(const std::string& name) const -> std::string {
    return root_ + "/" + name;
  }

 private:
  std::string root_;
};

}  // namespace bestow::testing
