#include "native/cuda/devices.h"

#include <cuda_runtime.h>
#include <dlfcn.h>

#include <algorithm>
#include <cstring>

namespace gradsift::cuda {

namespace {

// The kernels use asynchronous copies and the matrix instructions of this generation.
constexpr int kLeastMajor = 8;

// The runtime says "driver version is insufficient" where there is no driver at all; these are two different matters.
bool driver_present() noexcept {
#ifdef __CUDACC__
  void* driver = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
  if (driver == nullptr) return false;
  dlclose(driver);
#endif
  return true;
}

// Null when devices can be counted, else why not.
const char* obstacle(int& count) noexcept {
  count = 0;
  if (!driver_present()) return "no NVIDIA driver on this machine (libcuda.so.1 cannot be opened)";
  const cudaError_t result = cudaGetDeviceCount(&count);
  if (result == cudaSuccess) return count > 0 ? nullptr : "the driver shows no GPU";
  cudaGetLastError();
  count = 0;
  if (result == cudaErrorInsufficientDriver) {
    return "the NVIDIA driver is older than this library: CUDA 13 needs driver 580 or newer";
  }
  return cudaGetErrorString(result);
}

const char* objection_to(const cudaDeviceProp& properties) noexcept {
  return properties.major < kLeastMajor ? "older than compute capability 8.0" : "";
}

void copy_text(char* to, std::size_t room, const char* from) noexcept {
  const std::size_t length = std::min(std::strlen(from), room - 1);
  std::memcpy(to, from, length);
  to[length] = 0;
}

void describe(int index, Device& out) noexcept {
  out = {};
  cudaDeviceProp properties;
  cudaError_t result = cudaGetDeviceProperties(&properties, index);
  std::size_t free = 0, total = 0;
  if (result == cudaSuccess) result = cudaSetDevice(index);
  if (result == cudaSuccess) result = cudaMemGetInfo(&free, &total);
  if (result != cudaSuccess) {
    cudaGetLastError();
    copy_text(out.reason, sizeof out.reason, cudaGetErrorString(result));
    return;
  }
  copy_text(out.name, sizeof out.name, properties.name);
  copy_text(out.reason, sizeof out.reason, objection_to(properties));
  out.major = properties.major;
  out.minor = properties.minor;
  out.multiprocessors = properties.multiProcessorCount;
  out.memory_bytes = total;
  out.free_bytes = free;
}

}  // namespace

std::int32_t devices(Device* out, std::int32_t capacity) noexcept {
  int count = 0;
  if (obstacle(count) != nullptr) return 0;
  for (int i = 0; i < std::min(count, capacity); ++i) describe(i, out[i]);
  return count;
}

std::int32_t score() noexcept {
  int count = 0;
  if (obstacle(count) != nullptr) return 0;
  std::int32_t best = 0;
  for (int i = 0; i < count; ++i) {
    cudaDeviceProp properties;
    if (cudaGetDeviceProperties(&properties, i) != cudaSuccess) continue;
    if (objection_to(properties)[0] == 0) best = std::max(best, 10 * properties.major + properties.minor);
  }
  return best;
}

const char* reason() noexcept {
  int count = 0;
  const char* why = obstacle(count);
  if (why != nullptr) return why;
  return score() > 0 ? "" : "no GPU here has compute capability 8.0 or newer";
}

}  // namespace gradsift::cuda
