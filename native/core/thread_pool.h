#pragma once
// One pool for the process, ours alone: libuv's pool stays free for files, DNS and crypto.
//
// Two kinds of work:
//   Region: the tiles of one parallel loop. The thread that opened it always works on it; idle workers join.
//   Job:    a whole asynchronous call, run by one worker, which may open regions of its own.
// A synchronous call never waits for a job: its caller computes every tile that no worker takes. Workers busy with an
// asynchronous region look up between two tiles and move to a synchronous one that still wants hands.

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <mutex>

namespace gradsift {

enum class Priority { sync, async };

struct Region {
  std::size_t tiles = 0;
  std::atomic<std::size_t> next{0};
  Priority priority = Priority::sync;
  const std::atomic<bool>* cancel = nullptr;
  const void* context = nullptr;
  void (*run)(const void* context, std::size_t tile) = nullptr;

  // Owned by the pool, under its mutex.
  unsigned helpers_wanted = 0;
  std::atomic<unsigned> helpers{0};  // read without the mutex while the opener spins
  Region* below = nullptr;

  bool open() const noexcept {
    return next.load(std::memory_order_relaxed) < tiles &&
           !(cancel != nullptr && cancel->load(std::memory_order_relaxed));
  }
};

// Allocated by whoever submits it; the pool calls run() once and forgets it.
struct Job {
  virtual void run() noexcept = 0;
  virtual ~Job() = default;
  Job* next_job = nullptr;
};

class ThreadPool {
 public:
  // Never destroyed: a worker may still be inside a tile when static destructors run.
  static ThreadPool& instance() noexcept;

  // Threads of this machine that the process may use (its affinity mask), at least 1.
  static unsigned hardware_threads() noexcept;

  // Works on the region with the calling thread and up to threads - 1 idle workers; returns when no thread is in it.
  void run(Region& region, unsigned threads) noexcept;

  // Queues a job, first come first served. False when no worker thread could be started.
  bool submit(Job& job) noexcept;

  // Called between two tiles of an asynchronous job: leaves the processor to a thread that waits for it, and helps
  // synchronous regions that want hands, if there are any.
  void give_way() noexcept;

 private:
  ThreadPool() noexcept = default;
  static void worker(ThreadPool* pool) noexcept;
  unsigned ensure_workers(unsigned count) noexcept;
  void work(Region& region) noexcept;
  bool help(Region* regions, std::unique_lock<std::mutex>& lock) noexcept;

  std::mutex mutex_;
  std::condition_variable work_;  // a region or a job arrived
  std::condition_variable left_;  // a helper left a region
  Region* sync_regions_ = nullptr;
  Region* async_regions_ = nullptr;
  Job* first_job_ = nullptr;
  Job* last_job_ = nullptr;
  unsigned workers_ = 0;
  unsigned idle_ = 0;                   // asleep
  unsigned looking_ = 0;                // awake without work
  std::atomic<unsigned> arrivals_{0};   // regions and jobs so far; read without the mutex while a worker spins
  std::atomic<unsigned> sync_open_{0};  // synchronous regions in the list; read without the mutex between tiles
};

}  // namespace gradsift
