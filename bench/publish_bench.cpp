// B2: pending point targets, one message each, until every grants_published is durable; in the same
// repetition, in turns first and second, a bare loop sends the same bytes through the same server.
// --fence yes: the publisher's messages name their writer, those of the bare loop do not.
#include "bench/harness.hpp"

auto main(int argc, char** argv) -> int {
  using namespace bestow::bench;
  const auto args = read_arguments(argc, argv, 300'000, {"window", "fence"});
  bestow::measure::publish_options options;
  options.window = std::stoull(args.get("window", "80000"));
  options.fence = args.get("fence", "no") == "yes";
  report out{"B2 publish",
             "log: fdatasync at each commit; JetStream: its default sync_interval", args};
  must(bestow::measure::measure_publish(work_of(args), options, out.sink()));
  out.summary();
  return 0;
}
