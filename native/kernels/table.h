#pragma once
// Every primitive that an instruction set may speed up, and its contract. linalg/ does its maths over this table and
// knows no instruction set; portable/ fills every entry and is the oracle; the others override what they do faster.
//
// Inputs were checked above: kernels never fail, never allocate, and accept sizes of 0. Sizes and strides in elements.
// Every element of a result is summed in an order that depends on the kernel and the depth (length) alone, never on
// where a tile starts or how many rows and columns it has.

#include <cstddef>
#include <cstdint>
#include <span>
#include <tuple>
#include <utility>

#include "native/kernels/nearest.h"
#include "native/kernels/training.h"

#if defined(__x86_64__) || defined(_M_X64)
#define GRADSIFT_X86 1  // avx2/ and avx512/ compile to nothing elsewhere
#elif defined(__aarch64__) || defined(_M_ARM64)
#define GRADSIFT_ARM64 1  // and neon/ but here
#endif

namespace gradsift {

// C[i][j] = alpha sum_p a[p][i] b[p][j] + beta C[i][j] for i < rows, j < columns. beta == 0 never reads C.
// a: [depth] rows of `rows` values, a_stride apart, readable up to the kernel's rows: a packed panel of A, or part of
// one of B when both are the same. b: [depth] rows of `columns` values (more are not read), b_stride apart: a packed
// panel of B (b_stride == kernel columns), or rows of the caller's own matrix.
// next: what the caller reads later; kNextBytes of it for each depth are asked for meanwhile. Any address will do.
// wanted: `rows` rows of wanted_bytes, wanted_stride bytes apart, used when the tile is done: C, or what C goes into.
inline constexpr std::size_t kNextBytes = 16;
template <class T>
struct Tile {
  std::size_t rows, columns, depth;
  const T* a;
  std::size_t a_stride;
  const T* b;
  std::size_t b_stride;
  const T* next;
  T alpha, beta;
  T* c;
  std::size_t c_stride;
  const void* wanted = nullptr;
  std::size_t wanted_stride = 0, wanted_bytes = 0;
};

// The register tile of an instruction set: the most rows and columns that one call computes. Rows divide columns, so
// that the packed panels of B hold those of A when both are the same.
template <class T>
struct TileKernel {
  std::size_t rows, columns;
  void (*run)(const Tile<T>&) noexcept;
  bool doubled = false;  // of pairs: as fast a step as one of single values
};
inline constexpr std::size_t kMaxTileElements = 512;  // bound of rows * columns, for tiles kept on the stack

// C[b][i][j] = alpha sum_p A[b][i][p] B[b][p][j] + beta C[b][i][j] for i < m, j < n, p < k, of `batch` items, nothing
// packed: A is read value by value (any strides), B and C in rows along memory. beta == 0 never reads C. Each sum runs
// in order of p from zero: the bits are those of one Tile of depth k, whatever batch, m and n.
template <class T>
struct SmallProduct {
  std::size_t batch, m, n, k;
  T alpha, beta;
  const T* a;
  std::size_t a_row_stride, a_depth_stride, a_batch_stride;
  const T* b;
  std::size_t b_stride, b_batch_stride;
  T* c;
  std::size_t c_stride, c_batch_stride;
};

// Small systems side by side: element e of matrix (or right-hand side) l lies at [e * lanes + l], and one instruction
// works on all. No lane sees another; a matrix that is not positive definite fills its own with NaN.
//
// factor: L L' = A + damping I. a, lower: [n][n][lanes], the strict lower triangle and the diagonal of each; the
// diagonal of `lower` holds 1 / L_ii. pivots: [n][lanes], L_ii^2.
template <class T>
struct LaneFactor {
  std::size_t n;
  T damping;
  const T* a;
  T* lower;
  T* pivots;
};

// solve: X <- (L L')^-1 X for x [rhs][n][lanes], where the first `first` elements of each right-hand side are zero and
// those of the solution not wanted: neither are touched. first: a multiple of 4.
template <class T>
struct LaneSolve {
  std::size_t n, rhs, first;
  const T* lower;
  T* x;
};

// remainder: V - (A + damping I) H, all [rhs][n][lanes], in float64: squares [lanes] receives its sums of squares, and
// remainder (when not null) itself, rounded. v null: the rows of the identity.
template <class T>
struct LaneRemainder {
  std::size_t n, rhs;
  double damping;
  const T* a;
  const T* v;
  const T* h;
  T* remainder;
  double* squares;
};

template <class T>
struct LaneKernel {
  std::size_t lanes;
  void (*factor)(const LaneFactor<T>&) noexcept;
  void (*solve)(const LaneSolve<T>&) noexcept;
  void (*remainder)(const LaneRemainder<T>&) noexcept;
  // squares[l] = sum of x[e][l]^2 in float64 for e < count.
  void (*squares)(const T* x, std::size_t count, double* squares) noexcept;
};
inline constexpr std::size_t kMaxLanes = 16;  // for arrays kept on the stack

// panel[p][l] = source[l * line_stride + p * depth_stride] for l < lines, zero for lines <= l < width. panel:
// [depth][width].
template <class From, class To>
struct Pack {
  std::size_t lines, width, depth;
  const From* source;
  std::size_t line_stride, depth_stride;
  To* panel;
};

// For the dots of bfloat16: panel[p][l] holds the bits of source[l + 2p * depth_stride] (low) and of source[l + (2p +
// 1)
// * depth_stride] (high) for l < lines, zero for lines <= l < width. odd: the last pair has no second. Panels are
// declared float, as those of the other products: 32 bits that nobody adds.
struct PackPairs {
  std::size_t lines, width, depth;  // depth in pairs
  const std::uint16_t* source;
  std::size_t depth_stride;
  bool odd;
  float* panel;
};

// out[i][j] = alpha tile[i][j] + beta out[i][j], computed in float64. beta == 0 never reads out.
struct Merge {
  std::size_t rows, columns;
  const float* tile;
  std::size_t tile_stride;
  double alpha, beta;
  double* out;
  std::size_t out_stride;
};

// 16-bit floats as they are stored; kernels widen them in registers, exactly.
struct Bfloat16 {
  std::uint16_t bits;
};
struct Float16 {
  std::uint16_t bits;
};

// out[q * out_stride + i] = alpha <h_q, x_i> + beta out[...] over `length` elements. beta == 0 never reads out.
// norms[i] += <x_i, x_i>, unless norms is null.
// Elements are summed in runs of kDotColumns, the runs added to out and norms in order: calls over parts of the columns
// that start at multiples of kDotColumns, all but the first with beta = 1, give the bits of one call. 6 rows of 1024
// floats are 24 KiB, in the first-level cache for every four queries after the first; the same columns of 16 queries
// (128 KiB) stay in the second.
inline constexpr std::size_t kDotColumns = 1024;
template <class T>
struct Dots {
  std::size_t rows, queries, length;
  const T* x;
  std::size_t x_stride;
  const double* h;
  std::size_t h_stride;
  double alpha, beta;
  double* out;
  std::size_t out_stride;
  double* norms = nullptr;
};
inline constexpr std::size_t kDotRows = 12;  // a multiple of the rows that any kernel reads at a time

// out[q][j] += sum_i weights[q * w_stride + i] x[i][j]; the sum starts from zero and is added to out once.
template <class T>
struct WeightedRows {
  std::size_t rows, queries, length;
  const T* x;
  std::size_t x_stride;
  const double* weights;
  std::size_t w_stride;
  double* out;
  std::size_t out_stride;
};

// out[j] = sum_e values[e] rows[indices[e]][j] for j < length; an index that is not below `limit` belongs to no row.
// Summed in order of e in float32 runs of kGatherRun entries, and the runs in float64.
inline constexpr std::size_t kGatherRun = 512;
struct GatheredRows {
  std::size_t count, length;
  const float* values;
  const std::uint32_t* indices;
  std::size_t limit;
  const float* rows;
  std::size_t stride;
  float* out;
};

// y += S x, S symmetric, given by the rows [first, first + rows) of its lower triangle and zero where they say nothing:
// y_i += sum_{j <= i} a_ij x_j and y_j += a_ij x_i for j < i. a: row `first`; x, y: first + rows values. x and y apart.
struct LowerRows {
  std::size_t rows, first;
  const double* a;
  std::size_t a_stride;
  const double* x;
  double* y;
};

// inverse <- the inverse of the Cholesky factor L of a block A = L L', n <= kCholeskyBlock: n rows, kCholeskyBlock
// apart, zero above the diagonal. Only the lower triangle of A counts (what lies above it is read, and ignored).
// Returns how many pivots were finite and above `tolerance` times their diagonal entry; if less than n, inverse[0] is
// the first that was not.
inline constexpr std::size_t kCholeskyBlock = 64;
template <class T>
struct CholeskyBlock {
  std::size_t n;
  const T* a;
  std::size_t stride;
  T tolerance;
  T* inverse;
};

struct KernelTable {
  const char* name;          // also a legal value of GRADSIFT_ISA
  const KernelTable* below;  // where null entries come from; null only for portable
  bool (*supported)() noexcept;

  const TileKernel<float>* tile_f32 = nullptr;
  const TileKernel<double>* tile_f64 = nullptr;
  // Panels of PackPairs, depth in pairs: c[i][j] += two exact products, summed in float32 with one rounding or two;
  // results below 2^-126 may be flushed to zero. Called with alpha = 1, beta = 0 only.
  const TileKernel<float>* tile_bf16 = nullptr;
  const LaneKernel<float>* lanes_f32 = nullptr;
  const LaneKernel<double>* lanes_f64 = nullptr;
  const TrainingKernels* training_f32 = nullptr;
  void (*small_product_f32)(const SmallProduct<float>&) noexcept = nullptr;
  void (*small_product_f64)(const SmallProduct<double>&) noexcept = nullptr;
  void (*pack_f32)(const Pack<float, float>&) noexcept = nullptr;
  void (*pack_f64)(const Pack<double, double>&) noexcept = nullptr;
  void (*pack_f32_f64)(const Pack<float, double>&) noexcept = nullptr;
  void (*pack_f64_f32)(const Pack<double, float>&) noexcept = nullptr;
  void (*pack_bf16)(const PackPairs&) noexcept = nullptr;
  void (*merge_f32)(const Merge&) noexcept = nullptr;
  void (*dots_f32)(const Dots<float>&) noexcept = nullptr;
  void (*dots_f64)(const Dots<double>&) noexcept = nullptr;
  void (*dots_bf16)(const Dots<Bfloat16>&) noexcept = nullptr;
  void (*dots_f16)(const Dots<Float16>&) noexcept = nullptr;
  void (*weighted_rows_f32)(const WeightedRows<float>&) noexcept = nullptr;
  void (*weighted_rows_f64)(const WeightedRows<double>&) noexcept = nullptr;
  void (*weighted_rows_bf16)(const WeightedRows<Bfloat16>&) noexcept = nullptr;
  void (*weighted_rows_f16)(const WeightedRows<Float16>&) noexcept = nullptr;
  void (*gathered_rows)(const GatheredRows&) noexcept = nullptr;
  void (*lower_rows_f64)(const LowerRows&) noexcept = nullptr;
  std::size_t (*cholesky_block_f32)(const CholeskyBlock<float>&) noexcept = nullptr;
  std::size_t (*cholesky_block_f64)(const CholeskyBlock<double>&) noexcept = nullptr;
  // sum of x_i^2 in float64; NaN or infinity when an element is one, or a square overflows float64.
  double (*sum_squares_f32)(const float* x, std::size_t count) noexcept = nullptr;
  double (*sum_squares_f64)(const double* x, std::size_t count) noexcept = nullptr;
  // The sum in float32, in any order: a read, for measuring.
  float (*sum_f32)(const float* x, std::size_t count) noexcept = nullptr;
  // Exact for every bit pattern, subnormals included; a NaN stays a NaN.
  void (*widen_bf16)(const std::uint16_t* bits, std::size_t count, float* out) noexcept = nullptr;
  void (*widen_f16)(const std::uint16_t* bits, std::size_t count, float* out) noexcept = nullptr;
  void (*best_of)(const BestOf&, BestScore& best) noexcept = nullptr;
  void (*ordered_dots)(const OrderedDots&) noexcept = nullptr;
  // pairs[q] holds the bits of x[2q] (low) and x[2q + 1] (high), rounded to bfloat16, to nearest, ties to even; zero
  // after the end. A NaN may become anything, but shows in what is returned.
  Narrowed (*narrow_bf16)(const float* x, std::size_t count, float* pairs) noexcept = nullptr;
  // The greatest of `floor` and the lower bounds; a bound that is NaN counts for nothing.
  float (*highest_floor)(const ScoreBounds&, float floor) noexcept = nullptr;
  // The columns whose upper bound is not below `floor` (NaN is not), in order; returns how many.
  std::size_t (*within_reach)(const ScoreBounds&, float floor, std::uint32_t* found) noexcept = nullptr;
  // Runs `iterations` of independent multiply-adds held in registers; returns the flops done (a multiply-add is two).
  // *sink keeps the work from being optimised away.
  double (*fma_peak_f32)(std::size_t iterations, float* sink) noexcept = nullptr;
  double (*fma_peak_f64)(std::size_t iterations, double* sink) noexcept = nullptr;
};

inline constexpr auto kEntries =
    std::tuple{&KernelTable::tile_f32,           &KernelTable::tile_f64,           &KernelTable::pack_f32,
               &KernelTable::pack_f64,           &KernelTable::pack_f32_f64,       &KernelTable::pack_f64_f32,
               &KernelTable::tile_bf16,          &KernelTable::pack_bf16,          &KernelTable::merge_f32,
               &KernelTable::dots_f32,           &KernelTable::dots_f64,           &KernelTable::dots_bf16,
               &KernelTable::dots_f16,           &KernelTable::weighted_rows_f32,  &KernelTable::weighted_rows_f64,
               &KernelTable::weighted_rows_bf16, &KernelTable::weighted_rows_f16,  &KernelTable::gathered_rows,
               &KernelTable::lower_rows_f64,     &KernelTable::cholesky_block_f32, &KernelTable::cholesky_block_f64,
               &KernelTable::sum_squares_f32,    &KernelTable::sum_squares_f64,    &KernelTable::sum_f32,
               &KernelTable::widen_bf16,         &KernelTable::widen_f16,          &KernelTable::best_of,
               &KernelTable::ordered_dots,       &KernelTable::narrow_bf16,        &KernelTable::highest_floor,
               &KernelTable::within_reach,       &KernelTable::fma_peak_f32,       &KernelTable::fma_peak_f64,
               &KernelTable::small_product_f32,  &KernelTable::small_product_f64,  &KernelTable::lanes_f32,
               &KernelTable::lanes_f64,          &KernelTable::training_f32};
static_assert(sizeof(KernelTable) == (3 + std::tuple_size_v<decltype(kEntries)>)*sizeof(void*),
              "an op is missing from kEntries");

// Each in its own folder's table.cc.
extern const KernelTable kPortable;
#ifdef GRADSIFT_X86
extern const KernelTable kAvx2;
extern const KernelTable kAvx512;
extern const KernelTable kAvx512Bf16;
#endif
#ifdef GRADSIFT_ARM64
extern const KernelTable kNeon;
#endif

// The table in use, complete. Chosen on first use: the name in GRADSIFT_ISA if this machine supports it, else the best.
// A routine reads it once, at its start, so that a later select() never mixes two instruction sets in one result.
const KernelTable& kernels() noexcept;

// Makes `name` the table in use. False, and nothing changes, when there is no such name or the machine lacks it.
bool select_isa(const char* name) noexcept;

// All tables of this build, best first, entries as each ISA declares them; ask supported() before select_isa().
std::span<const KernelTable* const> all_kernels() noexcept;

// The value of GRADSIFT_ISA, null when unset or empty. kernels() cannot report a wrong one: the binding does, when it
// is loaded, by select_isa(requested_isa()).
const char* requested_isa() noexcept;

}  // namespace gradsift
