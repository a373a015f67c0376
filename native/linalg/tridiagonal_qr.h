#pragma once
// The implicit QR iteration on a small symmetric tridiagonal matrix (Golub and Van Loan, section 8.3.5).

#include <cstddef>

#include "native/core/status.h"

namespace gradsift {

// diagonal ([n]) becomes the eigenvalues, in no order; off ([n - 1]) is overwritten. rows ([n][n], rows `stride`
// apart) is multiplied from the left: from the identity, row k becomes the eigenvector of diagonal[k]. step_limit when
// an eigenvalue takes more than kMostSweeps sweeps: not seen, 2 are usual. The largest entry must be about 1.
inline constexpr int kMostSweeps = 200;
Status tridiagonal_qr(std::size_t n, double* diagonal, double* off, double* rows, std::size_t stride) noexcept;

}  // namespace gradsift
