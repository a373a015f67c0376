#pragma once
// What routines have in common: a watched session, blocks of rows on their way to the device, sizes of types.

#include <algorithm>

#include "native/cuda/session.h"

namespace gradsift::cuda {

inline std::size_t element_bytes(Type type) noexcept { return type == Type::f64 ? 8 : type == Type::f32 ? 4 : 2; }

// The session while a routine runs.
class Routine {
 public:
  Routine(Session& session, const Watch* watch) noexcept : session_(session) {
    cudaSetDevice(session.device);  // of this thread; what follows tells if that failed
    session_.watch = watch;
  }
  Routine(const Routine&) = delete;
  Routine& operator=(const Routine&) = delete;
  ~Routine() {
    // Nothing of this call is under way when its memory goes back to the session, after an error too.
    cudaStreamSynchronize(session_.copy);
    cudaStreamSynchronize(session_.compute);
    session_.watch = nullptr;
  }
  void advance(std::uint64_t units) const noexcept {
    const Watch* watch = session_.watch;
    if (watch != nullptr && watch->advance != nullptr) watch->advance(watch->context, units);
  }

 private:
  Session& session_;
};

// Rows that are read once, brought to the device block by block: the next block is copied while the kernels work on
// this one. use(block on the device, first row, rows) queues them.
class RowStream {
 public:
  // Blocks of a multiple of `unit` rows, at most kBlockBytes each and an eighth of the budget, but for one unit.
  Status open(Session& session, std::size_t rows, std::size_t row_bytes, std::size_t unit) noexcept {
    session_ = &session;
    rows_ = rows;
    row_bytes_ = row_bytes;
    const std::size_t wanted = std::min(kBlockBytes, session.budget / 8) / std::max<std::size_t>(1, row_bytes);
    block_ = std::min(rows, std::max<std::size_t>(1, wanted / unit) * unit);
    Status status = Status::ok;
    for (unsigned i = 0; status == Status::ok && i < (block_ < rows ? 2u : 1u); ++i) {
      status = memory_[i].open(session, block_ * row_bytes);
      if (status == Status::ok) {
        status = session.check(cudaEventCreateWithFlags(&used_[i], cudaEventDisableTiming), "an event");
      }
    }
    return status;
  }
  ~RowStream() {
    for (cudaEvent_t event : used_) {
      if (event != nullptr) cudaEventDestroy(event);
    }
  }

  template <class Use>
  Status run(const void* host, const Routine& routine, const Use& use) noexcept {
    Status status = Status::ok;
    unsigned turn = 0;
    for (std::size_t first = 0; status == Status::ok && first < rows_; first += block_) {
      const std::size_t rows = std::min(block_, rows_ - first);
      // The copy waits for the kernels that read this buffer two blocks ago.
      status = session_->check(cudaStreamWaitEvent(session_->copy, used_[turn], 0), "an event");
      if (status == Status::ok) {
        const char* from = static_cast<const char*>(host) + first * row_bytes_;
        status = copy_in(*session_, memory_[turn].data(), from, contiguous(rows * row_bytes_));
      }
      if (status == Status::ok) status = use(memory_[turn].data(), first, rows);
      if (status == Status::ok) status = session_->check(cudaEventRecord(used_[turn], session_->compute), "an event");
      routine.advance(1);
      turn = 1 - turn;
    }
    return status;
  }

 private:
  // Long against the start of a copy and of a kernel, small against any device.
  static constexpr std::size_t kBlockBytes = std::size_t{64} << 20;

  Session* session_ = nullptr;
  std::size_t rows_ = 0, row_bytes_ = 0, block_ = 0;
  DeviceBuffer<char> memory_[2];
  cudaEvent_t used_[2] = {};
};

}  // namespace gradsift::cuda
