// Where things lie under the data directory. Constant; thread-safe.
#pragma once

#include <string>

namespace bestow::apps {

struct data_layout {
  explicit data_layout(std::string directory);
  std::string root;
  std::string log;
  std::string views;
  std::string snapshots;
  std::string lists;
  std::string unique;
  std::string rejects;
  std::string nats;
  /// There from a restore until the broker's results are read again from their beginning.
  std::string restored_file;
  std::string scratch;   ///< Emptied at each start.
  std::string url_file;  ///< Where the service that runs here is reached.
};

}  // namespace bestow::apps
