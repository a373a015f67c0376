// Batches of systems from host memory, as many at a time as the budget holds.

#include "native/cuda/cholesky_small.h"
#include "native/cuda/hyperpower_small.h"
#include "native/cuda/hyperpower_solve.h"
#include "native/cuda/routine.h"
#include "native/cuda/routines.h"

namespace gradsift::cuda {

namespace {

std::size_t at_once(const Session& session, std::size_t bytes_each, std::size_t batch) noexcept {
  return std::clamp<std::size_t>(session.budget / 5 * 4 / std::max<std::size_t>(1, bytes_each), 1, batch);
}

template <class Primitive>
Status solve_in_parts(Session& session, const Solve& p, const Watch* watch, std::size_t scratch_each,
                      const Primitive& primitive) noexcept {
  const Routine routine(session, watch);
  const std::size_t bytes = element_bytes(p.type);
  const std::size_t matrix = p.n * p.n * bytes, block = p.rhs * p.n * bytes;
  const std::size_t most = at_once(session, matrix + 2 * block + sizeof(Certificate) + scratch_each, p.batch);
  DeviceBuffer<char> a, v, h;
  DeviceBuffer<Certificate> certificates;
  Status status = a.open(session, most * matrix);
  if (status == Status::ok) status = v.open(session, most * block);
  if (status == Status::ok) status = h.open(session, most * block);
  if (status == Status::ok) status = certificates.open(session, most);
  for (std::size_t first = 0; status == Status::ok && first < p.batch; first += most) {
    const std::size_t count = std::min(most, p.batch - first);
    status = copy_in(session, a.data(), static_cast<const char*>(p.a) + first * matrix, contiguous(count * matrix));
    if (status == Status::ok) {
      status = copy_in(session, v.data(), static_cast<const char*>(p.v) + first * block, contiguous(count * block));
    }
    if (status != Status::ok) return status;
    Solve part = p;
    part.batch = count;
    part.a = a.data();
    part.v = v.data();
    part.h = h.data();
    part.certificates = certificates.data();
    status = primitive(&session, &part);
    if (status == Status::ok) {
      status = copy_out(session, static_cast<char*>(p.h) + first * block, h.data(), contiguous(count * block));
    }
    if (status == Status::ok) {
      status = copy_out(session, p.certificates + first, certificates.data(), contiguous(count * sizeof(Certificate)));
    }
    routine.advance(1);
  }
  return status;
}

}  // namespace

Status run_cholesky_solve(Session* session, const Solve* problem, const Watch* watch) noexcept {
  if (problem->n > cholesky_small_order(*session, problem->single)) {
    return session->fail(Status::device_failed, "matrices of this order are not factored on the GPU yet");
  }
  return solve_in_parts(*session, *problem, watch, 0, cholesky_solve_small);
}

Status run_hyperpower_solve(Session* session, const Solve* problem, const Watch* watch) noexcept {
  const Solve& p = *problem;
  if (p.batch == 0 || p.n == 0) return Status::ok;
  if (p.single && p.n <= small_order(session)) return solve_in_parts(*session, p, watch, 0, hyperpower_solve_small);
  return solve_in_parts(*session, p, watch, hyperpower_solve_bytes(p), hyperpower_solve_large);
}

Status run_hyperpower_inverse(Session* session, const Inverse* problem, const Watch* watch) noexcept {
  const Inverse& p = *problem;
  if (p.type != Type::f32) return session->fail(Status::device_failed, "float64 inverses do not run on the GPU yet");
  if (p.n > small_order(session)) {
    return session->fail(Status::device_failed, "matrices of this order are not inverted on the GPU yet");
  }
  const Routine routine(*session, watch);
  const std::size_t matrix = p.n * p.n * sizeof(float);
  const std::size_t most = at_once(*session, 2 * matrix + sizeof(Certificate), p.batch);
  DeviceBuffer<char> a, x;
  DeviceBuffer<Certificate> certificates;
  Status status = a.open(*session, most * matrix);
  if (status == Status::ok) status = x.open(*session, most * matrix);
  if (status == Status::ok) status = certificates.open(*session, most);
  for (std::size_t first = 0; status == Status::ok && first < p.batch; first += most) {
    const std::size_t count = std::min(most, p.batch - first);
    status = copy_in(*session, a.data(), static_cast<const char*>(p.a) + first * matrix, contiguous(count * matrix));
    if (status != Status::ok) return status;
    Inverse part = p;
    part.batch = count;
    part.a = a.data();
    part.x = x.data();
    part.certificates = certificates.data();
    status = hyperpower_inverse_small(session, &part);
    if (status == Status::ok) {
      status = copy_out(*session, static_cast<char*>(p.x) + first * matrix, x.data(), contiguous(count * matrix));
    }
    if (status == Status::ok) {
      status = copy_out(*session, p.certificates + first, certificates.data(), contiguous(count * sizeof(Certificate)));
    }
    routine.advance(1);
  }
  return status;
}

}  // namespace gradsift::cuda
