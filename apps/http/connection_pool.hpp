// Threads for connections, with a bounded line in front of them. Private to apps/http.
//
// httplib hands each accepted connection to enqueue(). When the line is full enqueue() waits, so
// further clients wait in the kernel's backlog instead of in our memory, and the number of open
// descriptors stays below what select() can hold.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include <httplib.h>

namespace bestow::http {

class connection_pool final : public httplib::TaskQueue {
 public:
  using enqueue_result =
      decltype(std::declval<httplib::TaskQueue&>().enqueue(std::function<void()>{}));

  connection_pool(std::size_t threads, std::size_t waiting_max);
  auto enqueue(std::function<void()> job) -> enqueue_result override;
  void shutdown() override;

 private:
  void work();

  std::mutex mutex_;
  std::condition_variable has_job_;
  std::condition_variable has_room_;
  std::deque<std::function<void()>> jobs_;
  std::vector<std::thread> threads_;
  std::size_t waiting_max_;
  bool stopping_{false};
};

}  // namespace bestow::http
