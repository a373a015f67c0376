#pragma once
// Finds and opens libgradsift_cuda.so, once, when first asked for, and lends its sessions.

#include <mutex>

#include "native/cuda/plugin.h"

namespace gradsift {

struct CudaLibrary {
  const cuda::Plugin* plugin = nullptr;  // null when none could be opened
  char path[1024] = {};                  // what was opened, or looked for
  char reason[512] = {};                 // why nothing can run on a GPU; empty when something can
};

// GRADSIFT_CUDA_LIB where it is set, else the file beside the addon. Never closed.
const CudaLibrary& cuda_library() noexcept;

inline constexpr int kMostDevices = 16;

// A device's session, the caller's alone until it goes out of scope: calls on one device take turns.
class CudaLease {
 public:
  explicit CudaLease(int device) noexcept;
  Status status() const noexcept { return status_; }
  cuda::Session* session() const noexcept { return session_; }

 private:
  std::unique_lock<std::mutex> turn_;
  Status status_ = Status::device_failed;
  cuda::Session* session_ = nullptr;
};

// The words of the last failure of this process on a GPU, for the error that is made of it.
void note_cuda_error(const char* words) noexcept;
void last_cuda_error(char* words, std::size_t room) noexcept;  // and forgets it

}  // namespace gradsift
