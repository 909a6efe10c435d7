#include "apps/http/connection_pool.hpp"

namespace bestow::http {

connection_pool::connection_pool(std::size_t threads, std::size_t waiting_max)
    : waiting_max_{waiting_max} {
  threads_.reserve(threads);
  for (std::size_t i = 0; i < threads; ++i) threads_.emplace_back([this] { work(); });
}

auto connection_pool::enqueue(std::function<void()> job) -> enqueue_result {
  {
    std::unique_lock lock{mutex_};
    has_room_.wait(lock, [this] { return jobs_.size() < waiting_max_ || stopping_; });
    jobs_.push_back(std::move(job));
  }
  has_job_.notify_one();
  return static_cast<enqueue_result>(true);
}

void connection_pool::shutdown() {
  {
    const std::lock_guard lock{mutex_};
    stopping_ = true;
  }
  has_job_.notify_all();
  has_room_.notify_all();
  for (auto& t : threads_) t.join();
}

void connection_pool::work() {
  for (;;) {
    std::function<void()> job;
    {
      std::unique_lock lock{mutex_};
      has_job_.wait(lock, [this] { return !jobs_.empty() || stopping_; });
      if (jobs_.empty()) return;
      job = std::move(jobs_.front());
      jobs_.pop_front();
    }
    has_room_.notify_one();
    job();
  }
}

}  // namespace bestow::http
