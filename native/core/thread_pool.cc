#include "native/core/thread_pool.h"

#include <algorithm>
#include <chrono>
#include <thread>

namespace gradsift {

namespace {

// More workers than this never helps and a mistyped `threads` must not exhaust the machine.
constexpr unsigned kMaxWorkers = 256;

void unlink(Region** list, const Region* region) noexcept {
  while (*list != region) list = &(*list)->below;
  *list = region->below;
}

// To wake a sleeping thread takes about this long: whoever waits looks on for as long before it sleeps, and so never
// spends more than twice the better of the two. Consecutive small regions then find their workers awake.
constexpr std::chrono::microseconds kSpin{50};

// How long asynchronous work may keep a processor that another thread waits for, if its tiles are shorter. The system
// looks only every 4 ms or so, and a thread that runs JavaScript waits as long when the pool keeps every core busy. To
// ask takes less than 1 us.
constexpr std::chrono::microseconds kTurn{200};

template <class Done>
void spin_until(const Done& done) noexcept {
  const auto end = std::chrono::steady_clock::now() + kSpin;
  // Whoever waits for this processor goes first: it may be the very thread that is waited for.
  while (!done() && std::chrono::steady_clock::now() < end) std::this_thread::yield();
}

}  // namespace

ThreadPool& ThreadPool::instance() noexcept {
  static ThreadPool* pool = new ThreadPool();
  return *pool;
}

unsigned ThreadPool::hardware_threads() noexcept { return std::max(1u, std::thread::hardware_concurrency()); }

unsigned ThreadPool::ensure_workers(unsigned count) noexcept {
  count = std::min(count, kMaxWorkers);
  while (workers_ < count) {
    try {
      std::thread(worker, this).detach();
    } catch (...) {  // the system has no more threads: go on with those we have
      break;
    }
    ++workers_;
  }
  return workers_;
}

void ThreadPool::work(Region& region) noexcept {
  while (region.open()) {
    const std::size_t tile = region.next.fetch_add(1, std::memory_order_relaxed);
    if (tile >= region.tiles) return;
    region.run(region.context, tile);
    if (region.priority == Priority::async) give_way();
  }
}

bool ThreadPool::help(Region* regions, std::unique_lock<std::mutex>& lock) noexcept {
  for (Region* region = regions; region != nullptr; region = region->below) {
    if (region->helpers >= region->helpers_wanted || !region->open()) continue;
    ++region->helpers;
    lock.unlock();
    work(*region);
    lock.lock();
    --region->helpers;
    left_.notify_all();
    return true;
  }
  return false;
}

void ThreadPool::give_way() noexcept {
  thread_local std::chrono::steady_clock::time_point asked{};
  if (const auto now = std::chrono::steady_clock::now(); now - asked > kTurn) {
    asked = now;
    std::this_thread::yield();
  }
  if (sync_open_.load(std::memory_order_relaxed) == 0) return;
  std::unique_lock lock(mutex_);
  help(sync_regions_, lock);
}

void ThreadPool::run(Region& region, unsigned threads) noexcept {
  Region** list = region.priority == Priority::sync ? &sync_regions_ : &async_regions_;
  {
    std::unique_lock lock(mutex_);
    ensure_workers(std::max(threads - 1, std::min(threads, hardware_threads())));
    region.helpers_wanted = threads - 1;
    region.below = *list;
    *list = &region;
    if (region.priority == Priority::sync) sync_open_.fetch_add(1, std::memory_order_relaxed);
    arrivals_.fetch_add(1, std::memory_order_relaxed);
    // Those that look on see the arrival by themselves. To wake others as well would give them the same work twice.
    const std::size_t wanted = std::min<std::size_t>(threads - 1, region.tiles - 1);
    for (std::size_t i = looking_; i < wanted && i < looking_ + idle_; ++i) work_.notify_one();
  }
  work(region);
  std::unique_lock lock(mutex_);
  unlink(list, &region);
  if (region.priority == Priority::sync) sync_open_.fetch_sub(1, std::memory_order_relaxed);
  if (region.helpers != 0) {
    lock.unlock();
    spin_until([&] { return region.helpers.load(std::memory_order_relaxed) == 0; });
    lock.lock();
  }
  left_.wait(lock, [&] { return region.helpers == 0; });
}

bool ThreadPool::submit(Job& job) noexcept {
  std::unique_lock lock(mutex_);
  if (ensure_workers(hardware_threads()) == 0) return false;
  job.next_job = nullptr;
  (last_job_ != nullptr ? last_job_->next_job : first_job_) = &job;
  last_job_ = &job;
  arrivals_.fetch_add(1, std::memory_order_relaxed);
  work_.notify_one();
  return true;
}

void ThreadPool::worker(ThreadPool* pool) noexcept {
  std::unique_lock lock(pool->mutex_);
  for (;;) {
    if (pool->help(pool->sync_regions_, lock)) continue;
    if (pool->help(pool->async_regions_, lock)) continue;
    if (Job* job = pool->first_job_) {
      pool->first_job_ = job->next_job;
      if (pool->first_job_ == nullptr) pool->last_job_ = nullptr;
      lock.unlock();
      job->run();
      lock.lock();
      continue;
    }
    const unsigned seen = pool->arrivals_.load(std::memory_order_relaxed);
    ++pool->looking_;
    lock.unlock();
    spin_until([&] { return pool->arrivals_.load(std::memory_order_relaxed) != seen; });
    lock.lock();
    --pool->looking_;
    if (pool->arrivals_.load(std::memory_order_relaxed) != seen) continue;
    ++pool->idle_;
    pool->work_.wait(lock);
    --pool->idle_;
  }
}

}  // namespace gradsift
