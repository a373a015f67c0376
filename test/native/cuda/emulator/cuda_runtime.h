#pragma once
// As much of CUDA as native/cuda/ uses, on the CPU, to try its kernels where no GPU is. Unhelpful on purpose: queued
// work starts only when somebody waits for it, asynchronous copies into shared memory land at the last moment, memory
// is filled with NaN before it is used, and the order in which threads run is a choice (GRADSIFT_EMULATOR_ORDER).
// What it cannot show: speed, register pressure, and the memory model inside a warp.

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>

#define __global__
#define __device__
#define __host__
#define __align__(bytes)
#define __launch_bounds__(...)
#define __forceinline__ inline

struct dim3 {
  unsigned x = 1, y = 1, z = 1;
  dim3(unsigned a = 1, unsigned b = 1, unsigned c = 1) : x(a), y(b), z(c) {}
};

// Of the thread that runs; set whenever another one goes on.
extern dim3 threadIdx, blockIdx, blockDim, gridDim;

enum cudaError_t {
  cudaSuccess = 0,
  cudaErrorInvalidValue = 1,
  cudaErrorMemoryAllocation = 2,
  cudaErrorInsufficientDriver = 35,
  cudaErrorIllegalAddress = 700,
};
enum cudaMemcpyKind { cudaMemcpyHostToDevice = 1, cudaMemcpyDeviceToHost = 2, cudaMemcpyDeviceToDevice = 3 };
enum cudaFuncAttribute { cudaFuncAttributeMaxDynamicSharedMemorySize = 8 };
inline constexpr unsigned cudaStreamNonBlocking = 1, cudaEventDisableTiming = 2;

namespace emulator {
struct Stream;
struct Event;
}  // namespace emulator
using cudaStream_t = emulator::Stream*;
using cudaEvent_t = emulator::Event*;

struct cudaDeviceProp {
  char name[256];
  int major, minor, multiProcessorCount;
  std::size_t sharedMemPerBlockOptin, totalGlobalMem;
};

cudaError_t cudaGetDeviceCount(int* count);
cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int device);
cudaError_t cudaSetDevice(int device);
cudaError_t cudaMemGetInfo(std::size_t* free, std::size_t* total);
cudaError_t cudaDriverGetVersion(int* version);
cudaError_t cudaRuntimeGetVersion(int* version);
cudaError_t cudaGetLastError();
const char* cudaGetErrorString(cudaError_t error);

cudaError_t cudaMalloc(void** memory, std::size_t bytes);
cudaError_t cudaFree(void* memory);
cudaError_t cudaMallocHost(void** memory, std::size_t bytes);
cudaError_t cudaFreeHost(void* memory);
cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind, cudaStream_t stream);
cudaError_t cudaMemcpy2DAsync(void* to, std::size_t to_pitch, const void* from, std::size_t from_pitch,
                              std::size_t width, std::size_t height, cudaMemcpyKind kind, cudaStream_t stream);
cudaError_t cudaMemsetAsync(void* memory, int value, std::size_t bytes, cudaStream_t stream);

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned flags);
cudaError_t cudaStreamDestroy(cudaStream_t stream);
cudaError_t cudaStreamSynchronize(cudaStream_t stream);
cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned flags);
cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned flags);
cudaError_t cudaEventDestroy(cudaEvent_t event);
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream);
cudaError_t cudaEventSynchronize(cudaEvent_t event);

namespace emulator {

// Kernels are kept as a copy of their argument and a function that calls them with it.
using Call = void (*)(const void* kernel, const void* argument);
cudaError_t enqueue_kernel(const void* kernel, Call call, const void* argument, std::size_t bytes, dim3 grid,
                           dim3 block, std::size_t shared_bytes, cudaStream_t stream);

// Every lane of the warp comes with its operands; when all 32 are there, act(operands of lanes 0 .. 31) runs once.
using Act = void (*)(void* const* operands);
void collective(Act act, void* operands);
void block_barrier();
unsigned char* shared_memory();
void copy_async(void* shared, const void* global, unsigned bytes);
void copies_commit();
void copies_wait(int pending);

}  // namespace emulator

template <class T>
cudaError_t cudaFuncSetAttribute(T*, cudaFuncAttribute, int bytes) {
  return bytes <= 232448 ? cudaSuccess : cudaErrorInvalidValue;
}

template <class Args>
cudaError_t cudaLaunchKernel(void (*kernel)(Args), dim3 grid, dim3 block, void** arguments, std::size_t shared_bytes,
                             cudaStream_t stream) {
  const auto call = [](const void* address, const void* argument) {
    reinterpret_cast<void (*)(Args)>(const_cast<void*>(address))(*static_cast<const Args*>(argument));
  };
  return emulator::enqueue_kernel(reinterpret_cast<const void*>(kernel), call, arguments[0], sizeof(Args), grid, block,
                                  shared_bytes, stream);
}

// The functions of native/cuda/instructions.h.
namespace gradsift::cuda {

inline unsigned char* shared_memory() { return emulator::shared_memory(); }
inline void block_barrier() { emulator::block_barrier(); }
inline void warp_barrier() {
  emulator::collective([](void* const*) {}, nullptr);
}

template <class T>
T shuffle_xor(T value, unsigned mask) {
  struct Lane {
    T in, out;
    unsigned mask;
  } lane{value, value, mask};
  emulator::collective(
      [](void* const* lanes) {
        for (unsigned l = 0; l < 32; ++l) {
          Lane& mine = *static_cast<Lane*>(lanes[l]);
          mine.out = static_cast<Lane*>(lanes[l ^ mine.mask])->in;
        }
      },
      &lane);
  return lane.out;
}

inline void copy_async(void* shared, const void* global, unsigned bytes) {
  emulator::copy_async(shared, global, bytes);
}
inline void copies_commit() { emulator::copies_commit(); }
template <int kPending>
void copies_wait() {
  emulator::copies_wait(kPending);
}

void mma_tf32(float (&d)[4], const std::uint32_t (&a)[4], const std::uint32_t (&b)[2]);
void mma_bf16(float (&d)[4], const std::uint32_t (&a)[4], const std::uint32_t (&b)[2]);
void mma_f16(float (&d)[4], const std::uint32_t (&a)[4], const std::uint32_t (&b)[2]);
void mma_f64(double (&d)[2], double a, double b);
void load_matrices(std::uint32_t (&out)[4], const void* row);
void load_matrices_transposed(std::uint32_t (&out)[4], const void* row);

}  // namespace gradsift::cuda
