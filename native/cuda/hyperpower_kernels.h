#pragma once
// The small passes between the products of a large hyperpower solve. All work on a batch: matrices n x n, blocks of rhs
// rows of n.

#include "native/cuda/session.h"

namespace gradsift::cuda {

struct BatchShape {
  std::size_t batch, n, rhs;
  std::size_t rows() const noexcept { return batch * rhs; }
};

// certain[b] = min(||A||_F, ||A||_inf) of A + damping I, rounded up; NaN or infinity where an entry is. `scratch`:
// 2 batch n doubles.
template <class T>
Status upper_bounds(Session& session, const BatchShape& shape, const T* a, double damping, double* scratch,
                    double* certain) noexcept;

// R = I - start[b] (A + damping I)
template <class T, class F>
Status first_residual(Session& session, const BatchShape& shape, const T* a, double damping, const double* start,
                      F* out) noexcept;

// traces[b] = ||R_k||_F^2 from R_{k+1} = s R_k^2 + (1 - s) I.
template <class F>
Status residual_squares(Session& session, const BatchShape& shape, const F* next, double scale,
                        double* squares) noexcept;

// to = from, in the precision of `to`.
template <class From, class To>
Status convert(Session& session, std::size_t count, const From* from, To* to) noexcept;

// sizes[row] = ||r_row||, w = start[b] r_row / ||r_row|| in the precision of the factors.
template <class F>
Status scale_rows(Session& session, const BatchShape& shape, const double* r, const double* start, double* sizes,
                  F* w) noexcept;

// x += sizes[row] w
template <class F>
Status add_correction(Session& session, const BatchShape& shape, const double* sizes, const F* w, double* x) noexcept;

// r = v - damping x
template <class T>
Status start_remainder(Session& session, const BatchShape& shape, const T* v, double damping, const double* x,
                       double* r) noexcept;

// total[b] = ||r||_F^2; where it is below least[b]: least = total, best = x.
Status keep_best(Session& session, const BatchShape& shape, const double* r, const double* x, double* total,
                 double* least, double* best) noexcept;

}  // namespace gradsift::cuda
