#include "apps/system/data_layout.hpp"

namespace bestow::apps {

data_layout::data_layout(std::string directory)
    : root{std::move(directory)},
      log{root + "/log"},
      views{root + "/views"},
      snapshots{root + "/snapshots"},
      lists{root + "/lists"},
      unique{root + "/unique"},
      rejects{root + "/rejects"},
      nats{root + "/nats"},
      restored_file{root + "/restored"},
      scratch{root + "/scratch"},
      url_file{root + "/http.url"} {}

}  // namespace bestow::apps
