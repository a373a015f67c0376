#pragma once
// How a routine runs: on which threads, and whether it should stop. Every routine in linalg/ takes one.

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "native/core/thread_pool.h"

namespace gradsift {

// A pass over fewer elements is over, at memory speed, about when a sleeping thread would have joined it.
inline constexpr std::size_t kSharedPass = std::size_t{1} << 19;

// A product of fewer multiply-adds takes some ten microseconds, as long as to share it with a thread that is awake.
inline constexpr double kSharedProduct = 1 << 21;

struct Execution {
  unsigned threads = 1;                            // most threads that may work on this call, the caller included
  Priority priority = Priority::sync;              // sync: the JavaScript thread waits; async: a pool thread drives
  const std::atomic<bool>* cancel = nullptr;       // set by AbortSignal or environment teardown; polled between tiles
  std::atomic<std::uint64_t>* progress = nullptr;  // routines add finished units of work (their unit is their own)

  bool cancelled() const noexcept { return cancel != nullptr && cancel->load(std::memory_order_relaxed); }
  void advance(std::uint64_t units) const noexcept {
    if (progress != nullptr) progress->fetch_add(units, std::memory_order_relaxed);
  }

  // How to run a pass over so many elements: as asked, or on the calling thread alone where others would come too late.
  Execution for_pass(std::size_t elements) const noexcept {
    Execution own = *this;
    if (elements < kSharedPass) own.threads = 1;
    return own;
  }

  // The same for a product (multiply-adds in double: large sizes would overflow).
  Execution for_product(double multiply_adds) const noexcept {
    Execution own = *this;
    if (multiply_adds < kSharedProduct) own.threads = 1;
    return own;
  }

  // Runs body(tile) once for each tile in [0, tiles), in any order, on up to `threads` threads. Returns false when
  // cancelled, in which case some tiles did not run. body must not throw, must not block, and should take well under
  // 50 ms: cancellation and sync callers wait for one tile at most. Results must not depend on which thread runs a
  // tile.
  template <class Body>
  bool parallel(std::size_t tiles, const Body& body) const noexcept {
    if (threads <= 1 || tiles <= 1) {
      for (std::size_t tile = 0; tile < tiles; ++tile) {
        if (cancelled()) return false;
        body(tile);
        if (priority == Priority::async) ThreadPool::instance().give_way();
      }
      return !cancelled();
    }
    Region region;
    region.tiles = tiles;
    region.priority = priority;
    region.cancel = cancel;
    region.context = &body;
    region.run = [](const void* context, std::size_t tile) { (*static_cast<const Body*>(context))(tile); };
    ThreadPool::instance().run(region, threads);
    return !cancelled();
  }
};

}  // namespace gradsift
