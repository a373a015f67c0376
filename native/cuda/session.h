#pragma once
// One device as a call uses it: two streams, a memory budget, the words of the last failure.

#include <cuda_runtime.h>

#include <cstddef>

#include "native/cuda/plugin.h"

namespace gradsift::cuda {

// Pinned memory between pageable host memory and the device: two buffers, one being filled while the other travels.
// 8 MiB take about 0.3 ms on PCIe 5, far above the cost of starting a copy.
inline constexpr std::size_t kStagingBytes = std::size_t{8} << 20;

// Device memory is kept when it is given back: to allocate costs more than many a kernel.
struct Block {
  void* memory = nullptr;
  std::size_t bytes = 0;
  bool taken = false;
};
inline constexpr unsigned kMostBlocks = 256;

struct Staging {
  void* memory[2] = {};
  cudaEvent_t idle[2] = {};  // the buffer's last copy is over
};

struct Session {
  int device = 0;
  int multiprocessors = 0;
  std::size_t shared_bytes = 0;      // most dynamic shared memory of a block
  std::size_t budget = 0, held = 0;  // held: bytes of all blocks, taken or not
  Block blocks[kMostBlocks];
  cudaStream_t compute = nullptr, copy = nullptr;
  cudaEvent_t copied = nullptr, computed = nullptr;
  const Watch* watch = nullptr;  // of the routine that runs
  Staging staging;
  char error[256] = {};

  // ok, out_of_memory or device_failed; keeps the words of a failure.
  Status check(cudaError_t result, const char* what) noexcept;
  Status fail(Status status, const char* what) noexcept;
  bool cancelled() const noexcept {
    return watch != nullptr && watch->cancelled != nullptr && watch->cancelled(watch->context);
  }
};

Status open_session(int device, std::uint64_t budget, Session** session) noexcept;
void close_session(Session* session) noexcept;
Status synchronize(Session* session) noexcept;

Status allocate(Session* session, std::size_t bytes, void** memory) noexcept;
void free_memory(Session* session, void* memory) noexcept;

// Device memory of a scope, within the budget.
template <class T>
class DeviceBuffer {
 public:
  DeviceBuffer() noexcept = default;
  DeviceBuffer(const DeviceBuffer&) = delete;
  DeviceBuffer& operator=(const DeviceBuffer&) = delete;
  ~DeviceBuffer() { free_memory(session_, data_); }

  Status open(Session& session, std::size_t count) noexcept {
    session_ = &session;
    if (count > static_cast<std::size_t>(-1) / sizeof(T)) return session.fail(Status::out_of_memory, "size overflows");
    return allocate(&session, count * sizeof(T), reinterpret_cast<void**>(&data_));
  }
  T* data() noexcept { return data_; }

 private:
  Session* session_ = nullptr;
  T* data_ = nullptr;
};

// Blocks of a launch. Kernels take one argument, a struct by value.
struct Grid {
  std::size_t x = 1, y = 1, z = 1;
};
inline constexpr std::size_t kMostBlocksAcross = 65535;  // of y and z

template <class Args>
Status launch(Session& session, const char* name, void (*kernel)(Args), Grid grid, unsigned threads,
              std::size_t shared_bytes, const Args& args) noexcept {
  if (grid.x == 0 || grid.y == 0 || grid.z == 0) return Status::ok;
  if (grid.x > 0x7fffffff || grid.y > kMostBlocksAcross || grid.z > kMostBlocksAcross) {
    return session.fail(Status::device_failed, "more blocks than a launch may have");
  }
  // The current device is a matter of the thread, and calls come from any.
  Status status = session.check(cudaSetDevice(session.device), name);
  if (status != Status::ok) return status;
  constexpr std::size_t kWithoutAsking = 48 << 10;
  if (shared_bytes > kWithoutAsking) {
    status = session.check(
        cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, static_cast<int>(shared_bytes)),
        name);
    if (status != Status::ok) return status;
  }
  Args copy = args;
  void* arguments[] = {&copy};
  const dim3 blocks(static_cast<unsigned>(grid.x), static_cast<unsigned>(grid.y), static_cast<unsigned>(grid.z));
  return session.check(cudaLaunchKernel(kernel, blocks, dim3(threads, 1, 1), arguments, shared_bytes, session.compute),
                       name);
}

// Rows between host memory and the device, through the pinned buffers. Pitches in bytes.
struct HostRows {
  std::size_t rows = 0, row_bytes = 0;
  std::size_t device_pitch = 0, host_pitch = 0;
};
// Returns when the host memory may be written again, or when the call was cancelled; what is queued on the compute
// stream afterwards sees the copy. The copy starts at once: the caller keeps earlier kernels off the target.
Status copy_in(Session& session, void* device, const void* host, const HostRows& rows) noexcept;
// Waits for the compute stream, then copies; returns when the host memory is complete.
Status copy_out(Session& session, void* host, const void* device, const HostRows& rows) noexcept;

inline HostRows contiguous(std::size_t bytes) noexcept { return {1, bytes, bytes, bytes}; }

}  // namespace gradsift::cuda
