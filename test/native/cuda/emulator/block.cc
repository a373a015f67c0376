// Runs the threads of a block as fibers on one thread of the CPU.

#include <setjmp.h>
#include <ucontext.h>

#include <algorithm>
#include <cstdio>
#include <deque>
#include <memory>
#include <vector>

#include "cuda_runtime.h"
#include "run_block.h"

dim3 threadIdx, blockIdx, blockDim, gridDim;

namespace emulator {

namespace {

constexpr std::size_t kStackBytes = 256 << 10;

enum class State { ready, in_warp, in_block, finished };

struct Copy {
  void* shared;
  const void* global;
  unsigned bytes;
};

struct Fiber {
  std::unique_ptr<char[]> stack;
  ucontext_t start;
  jmp_buf resume;
  bool started = false;
  State state = State::ready;
  Act act = nullptr;
  void* operands = nullptr;
  std::deque<std::vector<Copy>> groups;  // committed, oldest first
  std::vector<Copy> open;
};

std::vector<Fiber> fibers;
std::vector<unsigned char> shared;
Fiber* current = nullptr;
jmp_buf scheduler;
Call kernel_call;
const void* kernel_address;
const void* kernel_argument;

void yield(State state) {
  current->state = state;
  if (_setjmp(current->resume) == 0) _longjmp(scheduler, 1);
}

void body() {
  kernel_call(kernel_address, kernel_argument);
  current->state = State::finished;
  _longjmp(scheduler, 1);
}

void go_on(unsigned thread) {
  current = &fibers[thread];
  threadIdx = dim3(thread, 0, 0);
  if (_setjmp(scheduler) != 0) return;
  if (current->started) _longjmp(current->resume, 1);
  current->started = true;
  setcontext(&current->start);
}

void prepare(Fiber& fiber) {
  if (!fiber.stack) fiber.stack = std::make_unique<char[]>(kStackBytes);
  getcontext(&fiber.start);
  fiber.start.uc_stack.ss_sp = fiber.stack.get();
  fiber.start.uc_stack.ss_size = kStackBytes;
  fiber.start.uc_link = nullptr;
  makecontext(&fiber.start, body, 0);
  fiber.started = false;
  fiber.state = State::ready;
  fiber.groups.clear();
  fiber.open.clear();
}

// True when the warp's lanes have all come to the same place and may go on.
bool release_warp(unsigned first) {
  for (unsigned l = 0; l < 32; ++l) {
    if (fibers[first + l].state != State::in_warp) return false;
  }
  void* operands[32];
  for (unsigned l = 0; l < 32; ++l) {
    if (fibers[first + l].act != fibers[first].act) fault("lanes of a warp at different instructions");
    operands[l] = fibers[first + l].operands;
  }
  fibers[first].act(operands);
  for (unsigned l = 0; l < 32; ++l) fibers[first + l].state = State::ready;
  return true;
}

bool all_in(State state) {
  return std::all_of(fibers.begin(), fibers.begin() + blockDim.x, [=](const Fiber& f) { return f.state == state; });
}

// Threads in order, in reverse order, or warps in reverse order and their lanes in order.
unsigned thread_at(unsigned index, unsigned order) {
  if (order == 1) return blockDim.x - 1 - index;
  if (order == 2) return (blockDim.x / 32 - 1 - index / 32) * 32 + index % 32;
  return index;
}

}  // namespace

void fault(const char* what) {
  std::fprintf(stderr, "emulator: %s (block %u %u %u, thread %u)\n", what, blockIdx.x, blockIdx.y, blockIdx.z,
               threadIdx.x);
  __builtin_trap();
}

void run_block(const void* kernel, Call call, const void* argument, std::size_t shared_bytes, unsigned order) {
  if (blockDim.x % 32 != 0) fault("a block that is not of whole warps");
  if (fibers.size() < blockDim.x) fibers = std::vector<Fiber>(blockDim.x);
  kernel_address = kernel;
  kernel_call = call;
  kernel_argument = argument;
  constexpr std::size_t kGuard = 4096;
  shared.assign(shared_bytes + kGuard + 128, 0xff);  // NaN, of every type
  for (unsigned thread = 0; thread < blockDim.x; ++thread) prepare(fibers[thread]);
  for (;;) {
    bool moved = false;
    for (unsigned i = 0; i < blockDim.x; ++i) {
      const unsigned thread = thread_at(i, order);
      while (fibers[thread].state == State::ready) {
        moved = true;
        go_on(thread);
      }
    }
    for (unsigned first = 0; first < blockDim.x; first += 32) moved = release_warp(first) || moved;
    if (all_in(State::finished)) break;
    if (all_in(State::in_block)) {
      for (unsigned thread = 0; thread < blockDim.x; ++thread) fibers[thread].state = State::ready;
      moved = true;
    }
    if (!moved) fault("threads wait for each other: a barrier that not all reach");
  }
  const unsigned char* end = shared_memory() + shared_bytes;
  if (std::any_of(end, end + kGuard, [](unsigned char byte) { return byte != 0xff; }))
    fault("a write past the end of shared memory");
}

unsigned char* shared_memory() {
  const auto address = reinterpret_cast<std::uintptr_t>(shared.data());
  return reinterpret_cast<unsigned char*>((address + 127) / 128 * 128);
}

void collective(Act act, void* operands) {
  current->act = act;
  current->operands = operands;
  yield(State::in_warp);
}

void block_barrier() { yield(State::in_block); }

void copy_async(void* to, const void* from, unsigned bytes) {
  if (reinterpret_cast<std::uintptr_t>(to) % 16 != 0 || reinterpret_cast<std::uintptr_t>(from) % 16 != 0) {
    fault("an asynchronous copy that is not aligned to 16 bytes");
  }
  current->open.push_back({to, from, bytes});
}

void copies_commit() {
  current->groups.push_back(std::move(current->open));
  current->open.clear();
}

void copies_wait(int pending) {
  while (current->groups.size() > static_cast<std::size_t>(pending)) {
    for (const Copy& copy : current->groups.front()) {
      std::memset(copy.shared, 0, 16);
      std::memcpy(copy.shared, copy.global, copy.bytes);
    }
    current->groups.pop_front();
  }
}

}  // namespace emulator
