// What the library exports: one function, which gives the tables.

#include "native/cuda/plugin.h"

#include "native/cuda/assign.h"
#include "native/cuda/cholesky_small.h"
#include "native/cuda/devices.h"
#include "native/cuda/gram.h"
#include "native/cuda/hyperpower_small.h"
#include "native/cuda/hyperpower_solve.h"
#include "native/cuda/product.h"
#include "native/cuda/routines.h"
#include "native/cuda/row_dots.h"
#include "native/cuda/session.h"

namespace gradsift::cuda {

namespace {

const char* error_of(Session* session) noexcept { return session == nullptr ? "no session" : session->error; }
void* stream_of(Session* session) noexcept { return session->compute; }

Status upload(Session* session, void* device, const void* host, std::size_t bytes) noexcept {
  cudaSetDevice(session->device);
  const Status status = copy_in(*session, device, host, contiguous(bytes));
  return status == Status::ok ? synchronize(session) : status;
}
Status download(Session* session, void* host, const void* device, std::size_t bytes) noexcept {
  cudaSetDevice(session->device);
  return copy_out(*session, host, device, contiguous(bytes));
}

constexpr Primitives kPrimitives = {
    .product = product,
    .gram = gram,
    .row_dots = row_dots,
    .assign = assign,
    .hyperpower_solve_small = hyperpower_solve_small,
    .hyperpower_inverse_small = hyperpower_inverse_small,
    .cholesky_solve_small = cholesky_solve_small,
    .hyperpower_solve_large = hyperpower_solve_large,
};

constexpr Routines kRoutines = {
    .product = run_product,
    .gram = run_gram,
    .row_dots = run_row_dots,
    .assign = run_assign,
    .hyperpower_solve = run_hyperpower_solve,
    .hyperpower_inverse = run_hyperpower_inverse,
    .cholesky_solve = run_cholesky_solve,
};

constexpr Plugin kPlugin = {
    .abi_version = kAbiVersion,
    .bytes = sizeof(Plugin),
    .built_for = GRADSIFT_CUDA_BUILT_FOR,
    .score = score,
    .reason = reason,
    .devices = devices,
    .open = open_session,
    .close = close_session,
    .error = error_of,
    .synchronize = synchronize,
    .stream = stream_of,
    .small_order = small_order,
    .allocate = allocate,
    .free = free_memory,
    .upload = upload,
    .download = download,
    .primitives = &kPrimitives,
    .routines = &kRoutines,
};

}  // namespace

}  // namespace gradsift::cuda

extern "C" __attribute__((visibility("default"))) const gradsift::cuda::Plugin* gradsift_cuda_plugin() {
  return &gradsift::cuda::kPlugin;
}
