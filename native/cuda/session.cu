#include "native/cuda/session.h"

#include <algorithm>
#include <cstring>
#include <new>

namespace gradsift::cuda {

namespace {

// Copies text, cut where there is no room.
void append(char* text, std::size_t room, const char* more) noexcept {
  const std::size_t length = std::strlen(text);
  if (length + 1 >= room) return;
  const std::size_t count = std::min(std::strlen(more), room - 1 - length);
  std::memcpy(text + length, more, count);
  text[length + count] = 0;
}

Status open_streams(Session& session) noexcept {
  Status status = session.check(cudaStreamCreateWithFlags(&session.compute, cudaStreamNonBlocking), "a stream");
  if (status == Status::ok) {
    status = session.check(cudaStreamCreateWithFlags(&session.copy, cudaStreamNonBlocking), "a stream");
  }
  const auto open_event = [&](cudaEvent_t& event) {
    if (status == Status::ok) {
      status = session.check(cudaEventCreateWithFlags(&event, cudaEventDisableTiming), "an event");
    }
  };
  open_event(session.copied);
  open_event(session.computed);
  for (cudaEvent_t& event : session.staging.idle) open_event(event);
  return status;
}

Status open_staging(Session& session) noexcept {
  for (void*& memory : session.staging.memory) {
    if (memory != nullptr) continue;
    const Status status = session.check(cudaMallocHost(&memory, kStagingBytes), "pinned memory");
    if (status != Status::ok) return status;
  }
  return Status::ok;
}

// A part of the rows that fits a staging buffer: whole rows, or a piece of one.
struct Part {
  std::size_t row, rows, first, bytes;  // `first` byte within a row
};

// Calls copy(part, buffer) for each part in order, the buffers in turn.
template <class Copy>
Status each_part(const Session& session, const HostRows& rows, const Copy& copy) noexcept {
  if (rows.rows == 0 || rows.row_bytes == 0) return Status::ok;
  const std::size_t height = std::max<std::size_t>(1, kStagingBytes / rows.row_bytes);
  unsigned turn = 0;
  for (std::size_t row = 0; row < rows.rows; row += height) {
    for (std::size_t first = 0; first < rows.row_bytes; first += kStagingBytes) {
      const Part part{row, std::min(height, rows.rows - row), first, std::min(kStagingBytes, rows.row_bytes - first)};
      if (session.cancelled()) return Status::cancelled;
      const Status status = copy(part, turn++ % 2);
      if (status != Status::ok) return status;
    }
  }
  return Status::ok;
}

void copy_rows(const Part& part, char* to, std::size_t to_pitch, const char* from, std::size_t from_pitch) noexcept {
  if (to_pitch == part.bytes && from_pitch == part.bytes) {
    std::memcpy(to, from, part.rows * part.bytes);
    return;
  }
  for (std::size_t i = 0; i < part.rows; ++i) std::memcpy(to + i * to_pitch, from + i * from_pitch, part.bytes);
}

}  // namespace

Status Session::fail(Status status, const char* what) noexcept {
  error[0] = 0;
  append(error, sizeof error, what);
  return status;
}

Status Session::check(cudaError_t result, const char* what) noexcept {
  if (result == cudaSuccess) return Status::ok;
  cudaGetLastError();  // an error that is not sticky is over with this report
  error[0] = 0;
  append(error, sizeof error, what);
  append(error, sizeof error, ": ");
  append(error, sizeof error, cudaGetErrorString(result));
  return result == cudaErrorMemoryAllocation ? Status::out_of_memory : Status::device_failed;
}

Status open_session(int device, std::uint64_t budget, Session** result) noexcept {
  *result = nullptr;
  Session* session = new (std::nothrow) Session;
  if (session == nullptr) return Status::out_of_memory;
  *result = session;  // also after a failure: its words are in there, and close() takes any state
  session->device = device;
  Status status = session->check(cudaSetDevice(device), "the device");
  if (status != Status::ok) return status;
  cudaDeviceProp properties;
  status = session->check(cudaGetDeviceProperties(&properties, device), "the device");
  if (status != Status::ok) return status;
  session->multiprocessors = properties.multiProcessorCount;
  session->shared_bytes = properties.sharedMemPerBlockOptin;
  std::size_t free = 0, total = 0;
  status = session->check(cudaMemGetInfo(&free, &total), "the device's memory");
  if (status != Status::ok) return status;
  session->budget = budget != 0 ? std::min<std::size_t>(budget, free) : free / 10 * 9;
  return open_streams(*session);
}

void close_session(Session* session) noexcept {
  if (session == nullptr) return;
  cudaSetDevice(session->device);
  for (cudaStream_t stream : {session->compute, session->copy}) {
    if (stream == nullptr) continue;
    cudaStreamSynchronize(stream);
    cudaStreamDestroy(stream);
  }
  for (const Block& block : session->blocks) {
    if (block.memory != nullptr) cudaFree(block.memory);
  }
  for (void* memory : session->staging.memory) {
    if (memory != nullptr) cudaFreeHost(memory);
  }
  for (cudaEvent_t event : {session->copied, session->computed, session->staging.idle[0], session->staging.idle[1]}) {
    if (event != nullptr) cudaEventDestroy(event);
  }
  delete session;
}

Status synchronize(Session* session) noexcept {
  return session->check(cudaStreamSynchronize(session->compute), "the work on the device");
}

namespace {

void release(Session& session, Block& block) noexcept {
  cudaFree(block.memory);  // waits for the device's queued work
  session.held -= block.bytes;
  block = {};
}

void release_idle(Session& session) noexcept {
  for (Block& block : session.blocks) {
    if (block.memory != nullptr && !block.taken) release(session, block);
  }
}

// An idle block that is not much too large, or null.
Block* find_idle(Session& session, std::size_t bytes) noexcept {
  Block* best = nullptr;
  for (Block& block : session.blocks) {
    const bool fits = block.memory != nullptr && !block.taken && block.bytes >= bytes && block.bytes / 2 <= bytes;
    if (fits && (best == nullptr || block.bytes < best->bytes)) best = &block;
  }
  return best;
}

Block* find_empty(Session& session) noexcept {
  for (Block& block : session.blocks) {
    if (block.memory == nullptr) return &block;
  }
  return nullptr;
}

Status allocate_new(Session& session, std::size_t bytes, Block*& result) noexcept {
  if (bytes > session.budget - std::min(session.budget, session.held)) release_idle(session);
  if (bytes > session.budget - std::min(session.budget, session.held)) {
    return session.fail(Status::out_of_memory, "the budget of device memory is too small");
  }
  Block* block = find_empty(session);
  if (block == nullptr) {
    release_idle(session);
    block = find_empty(session);
  }
  if (block == nullptr) return session.fail(Status::out_of_memory, "too many blocks of device memory");
  if (cudaMalloc(&block->memory, bytes) != cudaSuccess) {
    release_idle(session);
    cudaGetLastError();
    const Status status = session.check(cudaMalloc(&block->memory, bytes), "device memory");
    if (status != Status::ok) {
      block->memory = nullptr;
      return status;
    }
  }
  block->bytes = bytes;
  session.held += bytes;
  result = block;
  return Status::ok;
}

}  // namespace

Status allocate(Session* session, std::size_t bytes, void** memory) noexcept {
  *memory = nullptr;
  bytes = std::max<std::size_t>(bytes, 1);
  Status status = session->check(cudaSetDevice(session->device), "the device");
  if (status != Status::ok) return status;
  Block* block = find_idle(*session, bytes);
  if (block == nullptr) {
    status = allocate_new(*session, bytes, block);
  } else {  // queued kernels may still read it: copies into it wait for them
    status = session->check(cudaEventRecord(session->computed, session->compute), "an event");
    if (status == Status::ok)
      status = session->check(cudaStreamWaitEvent(session->copy, session->computed, 0), "an event");
  }
  if (status != Status::ok) return status;
  block->taken = true;
  *memory = block->memory;
  return Status::ok;
}

void free_memory(Session* session, void* memory) noexcept {
  if (session == nullptr || memory == nullptr) return;
  for (Block& block : session->blocks) {
    if (block.memory == memory) block.taken = false;
  }
}

Status copy_in(Session& session, void* device, const void* host, const HostRows& rows) noexcept {
  Status status = open_staging(session);
  if (status != Status::ok) return status;
  status = each_part(session, rows, [&](const Part& part, unsigned turn) {
    Status step = session.check(cudaEventSynchronize(session.staging.idle[turn]), "a copy to the device");
    if (step != Status::ok) return step;
    char* staged = static_cast<char*>(session.staging.memory[turn]);
    const char* from = static_cast<const char*>(host) + part.row * rows.host_pitch + part.first;
    char* to = static_cast<char*>(device) + part.row * rows.device_pitch + part.first;
    copy_rows(part, staged, part.bytes, from, rows.host_pitch);
    step = session.check(cudaMemcpy2DAsync(to, std::max(rows.device_pitch, part.bytes), staged, part.bytes, part.bytes,
                                           part.rows, cudaMemcpyHostToDevice, session.copy),
                         "a copy to the device");
    if (step != Status::ok) return step;
    return session.check(cudaEventRecord(session.staging.idle[turn], session.copy), "a copy to the device");
  });
  if (status == Status::ok) status = session.check(cudaEventRecord(session.copied, session.copy), "an event");
  if (status == Status::ok) status = session.check(cudaStreamWaitEvent(session.compute, session.copied, 0), "an event");
  return status;
}

Status copy_out(Session& session, void* host, const void* device, const HostRows& rows) noexcept {
  Status status = open_staging(session);
  if (status == Status::ok) status = synchronize(&session);
  if (status != Status::ok) return status;
  Part waiting[2] = {};  // being copied into the staging buffers; bytes 0: none
  const auto take = [&](unsigned turn) {
    const Part part = waiting[turn];
    if (part.bytes == 0) return Status::ok;
    waiting[turn].bytes = 0;
    const Status step = session.check(cudaEventSynchronize(session.staging.idle[turn]), "a copy from the device");
    if (step != Status::ok) return step;
    char* to = static_cast<char*>(host) + part.row * rows.host_pitch + part.first;
    copy_rows(part, to, rows.host_pitch, static_cast<const char*>(session.staging.memory[turn]), part.bytes);
    return Status::ok;
  };
  unsigned last = 0;
  status = each_part(session, rows, [&](const Part& part, unsigned turn) {
    Status step = take(turn);
    if (step != Status::ok) return step;
    const char* from = static_cast<const char*>(device) + part.row * rows.device_pitch + part.first;
    step = session.check(
        cudaMemcpy2DAsync(session.staging.memory[turn], part.bytes, from, std::max(rows.device_pitch, part.bytes),
                          part.bytes, part.rows, cudaMemcpyDeviceToHost, session.copy),
        "a copy from the device");
    if (step != Status::ok) return step;
    waiting[turn] = part;
    last = turn;
    return session.check(cudaEventRecord(session.staging.idle[turn], session.copy), "a copy from the device");
  });
  if (status == Status::ok) status = take(1 - last);
  if (status == Status::ok) status = take(last);
  return status;
}

}  // namespace gradsift::cuda
