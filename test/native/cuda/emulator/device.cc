// One emulated device: memory, streams and events. Work of a stream runs when somebody waits for it, not before.
//   GRADSIFT_EMULATOR_ORDER   0, 1, 2: the order of threads within a block
//   GRADSIFT_EMULATOR_MEMORY  bytes of device memory; default 1 GiB
//   GRADSIFT_EMULATOR_FAIL    the launch with this number, and all that follows, fails: the device is lost

#include <cstdlib>
#include <deque>
#include <functional>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "cuda_runtime.h"
#include "run_block.h"

namespace emulator {

struct Stream {
  std::deque<std::function<void()>> queue;
};
struct Event {
  Stream* stream = nullptr;
  std::uint64_t recorded = 0, reached = 0;
};

}  // namespace emulator

namespace {

using emulator::Event;
using emulator::Stream;

std::recursive_mutex lock;
cudaError_t lost = cudaSuccess;
std::size_t live_bytes = 0;
std::uint64_t launches = 0;
constexpr std::size_t kGuard = 256;
constexpr unsigned char kGuardByte = 0xa5;

struct Allocation {
  std::vector<unsigned char> bytes;
  std::size_t size;
};
std::unordered_map<void*, Allocation> allocations;

std::uint64_t setting(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}
std::size_t memory_bytes() { return setting("GRADSIFT_EMULATOR_MEMORY", std::uint64_t{1} << 30); }

void run_next(Stream& stream) {
  const std::function<void()> work = std::move(stream.queue.front());
  stream.queue.pop_front();
  work();
}

void run_until(Event& event, std::uint64_t wanted) {
  while (event.reached < wanted) {
    if (event.stream == nullptr || event.stream->queue.empty())
      emulator::fault("waiting for an event that nobody reaches");
    run_next(*event.stream);
  }
}

cudaError_t enqueue(Stream* stream, std::function<void()> work) {
  const std::lock_guard guard(lock);
  if (lost != cudaSuccess) return lost;
  stream->queue.push_back(std::move(work));
  return cudaSuccess;
}

}  // namespace

cudaError_t emulator::enqueue_kernel(const void* kernel, Call call, const void* argument, std::size_t bytes, dim3 grid,
                                     dim3 block, std::size_t shared_bytes, cudaStream_t stream) {
  const std::lock_guard guard(lock);
  if (++launches == setting("GRADSIFT_EMULATOR_FAIL", 0)) lost = cudaErrorIllegalAddress;
  if (block.x == 0 || block.x > 1024 || grid.y > 65535 || grid.z > 65535) return cudaErrorInvalidValue;
  const auto* first = static_cast<const unsigned char*>(argument);
  std::vector<std::max_align_t> copy((bytes + sizeof(std::max_align_t) - 1) / sizeof(std::max_align_t));
  std::memcpy(copy.data(), first, bytes);
  return enqueue(stream, [=, copy = std::move(copy)] {
    const unsigned order = static_cast<unsigned>(setting("GRADSIFT_EMULATOR_ORDER", 0));
    gridDim = grid;
    blockDim = block;
    const std::uint64_t blocks = std::uint64_t{grid.x} * grid.y * grid.z;
    for (std::uint64_t i = 0; i < blocks; ++i) {
      const std::uint64_t at = order == 0 ? i : blocks - 1 - i;
      blockIdx = dim3(static_cast<unsigned>(at % grid.x), static_cast<unsigned>(at / grid.x % grid.y),
                      static_cast<unsigned>(at / grid.x / grid.y));
      emulator::run_block(kernel, call, copy.data(), shared_bytes, order);
    }
  });
}

cudaError_t cudaGetDeviceCount(int* count) {
  *count = 1;
  return cudaSuccess;
}
cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int device) {
  if (device != 0) return cudaErrorInvalidValue;
  *properties = {"emulated on the CPU", 9, 0, 4, 232448, memory_bytes()};
  return cudaSuccess;
}
cudaError_t cudaSetDevice(int device) { return device == 0 ? cudaSuccess : cudaErrorInvalidValue; }
cudaError_t cudaMemGetInfo(std::size_t* free, std::size_t* total) {
  *total = memory_bytes();
  *free = *total - live_bytes;
  return lost;
}
cudaError_t cudaDriverGetVersion(int* version) {
  *version = 13000;
  return cudaSuccess;
}
cudaError_t cudaRuntimeGetVersion(int* version) {
  *version = 13000;
  return cudaSuccess;
}
cudaError_t cudaGetLastError() { return lost; }
const char* cudaGetErrorString(cudaError_t error) {
  switch (error) {
    case cudaSuccess:
      return "no error";
    case cudaErrorMemoryAllocation:
      return "out of memory";
    case cudaErrorIllegalAddress:
      return "an illegal memory access was encountered";
    default:
      return "invalid argument";
  }
}

cudaError_t cudaMalloc(void** memory, std::size_t bytes) {
  const std::lock_guard guard(lock);
  if (lost != cudaSuccess) return lost;
  if (bytes > memory_bytes() - live_bytes) return cudaErrorMemoryAllocation;
  Allocation allocation{std::vector<unsigned char>(bytes + 2 * kGuard + 256, kGuardByte), bytes};
  const auto address = reinterpret_cast<std::uintptr_t>(allocation.bytes.data()) + kGuard;
  *memory = reinterpret_cast<void*>((address + 255) / 256 * 256);
  std::memset(*memory, 0xff, bytes);
  live_bytes += bytes;
  allocations.emplace(*memory, std::move(allocation));
  return cudaSuccess;
}

cudaError_t cudaFree(void* memory) {
  const std::lock_guard guard(lock);
  const auto found = allocations.find(memory);
  if (found == allocations.end()) emulator::fault("freeing memory that is none");
  const auto* first = static_cast<const unsigned char*>(memory);
  const std::size_t size = found->second.size;
  for (std::size_t i = 1; i <= kGuard; ++i) {
    if (first[-static_cast<std::ptrdiff_t>(i)] != kGuardByte || first[size + i - 1] != kGuardByte) {
      emulator::fault("a write outside of device memory");
    }
  }
  live_bytes -= size;
  allocations.erase(found);
  return lost;
}

cudaError_t cudaMallocHost(void** memory, std::size_t bytes) {
  *memory = std::malloc(bytes);
  if (*memory == nullptr) return cudaErrorMemoryAllocation;
  std::memset(*memory, 0xff, bytes);
  live_bytes += bytes;
  return cudaSuccess;
}
cudaError_t cudaFreeHost(void* memory) {
  live_bytes -= std::size_t{8} << 20;  // all are of one size
  std::free(memory);
  return cudaSuccess;
}

cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t bytes, cudaMemcpyKind, cudaStream_t stream) {
  return enqueue(stream, [=] { std::memcpy(to, from, bytes); });
}
cudaError_t cudaMemcpy2DAsync(void* to, std::size_t to_pitch, const void* from, std::size_t from_pitch,
                              std::size_t width, std::size_t height, cudaMemcpyKind, cudaStream_t stream) {
  if (width > to_pitch || width > from_pitch) return cudaErrorInvalidValue;
  return enqueue(stream, [=] {
    for (std::size_t i = 0; i < height; ++i) {
      std::memcpy(static_cast<char*>(to) + i * to_pitch, static_cast<const char*>(from) + i * from_pitch, width);
    }
  });
}
cudaError_t cudaMemsetAsync(void* memory, int value, std::size_t bytes, cudaStream_t stream) {
  return enqueue(stream, [=] { std::memset(memory, value, bytes); });
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned) {
  if (lost != cudaSuccess) return lost;
  *stream = new Stream;
  return cudaSuccess;
}
cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  delete stream;
  return lost;
}
cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
  const std::lock_guard guard(lock);
  while (!stream->queue.empty()) {
    if (lost != cudaSuccess)
      stream->queue.clear();
    else
      run_next(*stream);
  }
  return lost;
}
cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned) {
  const std::uint64_t wanted = event->recorded;
  return enqueue(stream, [=] { run_until(*event, wanted); });
}
cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned) {
  if (lost != cudaSuccess) return lost;
  *event = new Event;
  return cudaSuccess;
}
cudaError_t cudaEventDestroy(cudaEvent_t event) {
  delete event;
  return lost;
}
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
  const std::uint64_t number = ++event->recorded;
  event->stream = stream;
  return enqueue(stream, [=] { event->reached = number; });
}
cudaError_t cudaEventSynchronize(cudaEvent_t event) {
  const std::lock_guard guard(lock);
  if (lost != cudaSuccess) return lost;
  run_until(*event, event->recorded);
  return cudaSuccess;
}

// What is allocated on the device or pinned: 0 once everything has been freed.
extern "C" std::size_t gradsift_emulator_live_bytes() { return live_bytes; }
