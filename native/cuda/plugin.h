#pragma once
// The contract between the addon and libgradsift_cuda.so, which is found and opened at run time. Plain C types and
// function pointers only: the two may come from different compilers. Nothing throws, prints or ends the process.
//
// Three layers, each usable without the next:
//   devices and sessions   what there is, and one device's streams, memory budget and last error
//   primitives             device memory in and out, queued on the session's stream; synchronize() tells how it went
//   routines               host memory in and out; copies, primitives and refinement; return when the result is there
// A session may be used by one thread at a time.

#include <cstddef>
#include <cstdint>

#include "native/core/status.h"

namespace gradsift::cuda {

// Any change of this file that moves a field or a meaning adds one.
inline constexpr std::uint32_t kAbiVersion = 1;
inline constexpr char kEntryPoint[] = "gradsift_cuda_plugin";

struct Device {
  char name[128];
  std::int32_t major, minor;  // compute capability
  std::int32_t multiprocessors;
  std::uint64_t memory_bytes, free_bytes;
  char reason[128];  // why it cannot be used; empty when it can
};

struct Session;

// How a routine is watched: asked between two launches, on the calling thread. Null functions are not called.
struct Watch {
  bool (*cancelled)(void* context) noexcept;
  void (*advance)(void* context, std::uint64_t units) noexcept;
  void* context;
};

enum class Type : std::int32_t { f32, f64, bf16, f16 };

// What the tensor cores multiply.
//   tf32x3: float32 operands split in two TF32 parts, three products, sums promoted to float32 outside the tensor core
//   tf32:   float32 operands rounded to TF32, sums as above
//   half:   bfloat16 or half operands as stored, sums in float32
//   f64:    operands of any type widened to float64
enum class Math : std::int32_t { tf32x3, tf32, half, f64 };

// A batch of matrices by lines: line l at depth p of matrix b is
//   data[b * batch_stride + l * line_stride + (p / run) * run_stride + (p % run) * depth_stride],
// strides in elements, line_stride or depth_stride being 1. run 0: no runs, p * depth_stride. batch_stride 0 uses one
// matrix for all.
struct Operand {
  const void* data;
  Type type;
  std::size_t line_stride, depth_stride, batch_stride;
  std::size_t run, run_stride;
};

// C[b] = alpha A[b] B[b]' + beta C[b] + gamma I, A of m lines, B of n lines, both of depth k. C: m x n, float32 or
// float64 (c_type), rows c_stride apart, apart from A and B; beta == 0 never reads it. lower: m == n, the product is
// symmetric; only its lower triangle is computed, beta reads only that, and C is written in full.
struct Product {
  std::size_t batch, m, n, k;
  Math math;
  bool lower;
  double alpha, beta, gamma;
  Operand a, b;
  void* c;
  Type c_type;
  std::size_t c_stride, c_batch_stride;
};

// G += scale * sum_i g_i' g_i over samples g_i, r x d each (transpose_samples: g_i g_i'). G: float64, d x d (r x r),
// read and written in full, exactly symmetric. Depth is summed in chunks of a constant number of terms, the chunks
// merged in float64 in order.
struct Gram {
  const void* rows;
  Type type;
  Math math;
  bool transpose_samples;
  std::size_t samples, r, d;
  double scale;
  double* out;
};

// out[q * out_stride + i] = alpha <H_q, X_i> + beta out[...], norms[i] = ||X_i||^2 unless null. X: [count][length] of
// any type, row_stride apart. H: [queries][length] float64. Sums in float64.
struct RowDots {
  const void* x;
  Type type;
  std::size_t count, length, row_stride;
  const double* h;
  std::size_t queries;
  double alpha, beta;
  double* out;
  std::size_t out_stride;
  double* norms;
};

// As gradsift::Certificate.
struct Certificate {
  std::int32_t status;
  std::uint32_t steps, refinements, restarts;
  double residual, lambda_min, lambda_max, flops;
};

// H = (A + damping I)^-1 V. A: [batch][n][n] symmetric; V, H: [batch][rhs][n], apart; of one type, f32 or f64.
// lambda_min, lambda_max: of A + damping I, 0 when unknown. single: products or factors in float32, else in the type of
// A.
struct Solve {
  std::size_t batch, n, rhs;
  Type type;
  const void* a;
  double damping, lambda_min, lambda_max;
  const void* v;
  void* h;
  double tolerance;
  bool single;
  Certificate* certificates;  // [batch]
};

// X = (A + damping I)^-1, [batch][n][n] like A and of its type.
struct Inverse {
  std::size_t batch, n;
  Type type;
  const void* a;
  double damping, lambda_min, lambda_max;
  void* x;
  double tolerance;
  Certificate* certificates;  // [batch]
};

// nearest[i] = the line of C closest to X_i, the first of equals; distance[i] = ||X_i - C_nearest||^2. X: [count]
// [length], C: [centroids][length], float32.
struct Assign {
  std::size_t count, length, centroids;
  const float* x;
  const float* c;
  std::int32_t* nearest;
  double* distance;
};

// Device memory in and out. Each checks, queues on the session's stream and returns; errors of the work itself come
// from synchronize(). The small ones take orders up to small_order().
struct Primitives {
  Status (*product)(Session*, const Product*) noexcept;
  Status (*gram)(Session*, const Gram*) noexcept;
  Status (*row_dots)(Session*, const RowDots*) noexcept;
  Status (*assign)(Session*, const Assign*) noexcept;
  Status (*hyperpower_solve_small)(Session*, const Solve*) noexcept;
  Status (*hyperpower_inverse_small)(Session*, const Inverse*) noexcept;
  Status (*cholesky_solve_small)(Session*, const Solve*) noexcept;
  Status (*hyperpower_solve_large)(Session*, const Solve*) noexcept;  // of any order; waits
};

// Host memory in and out. An entry may be null: the plug-in has no such routine, and asking for it is an error.
// Product's operands lie on the host and have no runs; c is copied in only where beta asks for it.
struct Routines {
  Status (*product)(Session*, const Product*, const Watch*) noexcept;
  Status (*gram)(Session*, const Gram*, const Watch*) noexcept;
  Status (*row_dots)(Session*, const RowDots*, const Watch*) noexcept;
  Status (*assign)(Session*, const Assign*, const Watch*) noexcept;
  Status (*hyperpower_solve)(Session*, const Solve*, const Watch*) noexcept;
  Status (*hyperpower_inverse)(Session*, const Inverse*, const Watch*) noexcept;
  Status (*cholesky_solve)(Session*, const Solve*, const Watch*) noexcept;
};

struct Plugin {
  std::uint32_t abi_version;
  std::uint32_t bytes;  // sizeof(Plugin), a second lock on the same door

  const char* built_for;  // "CUDA 13.0, sm_90a"
  // 0: no device can be used, and reason() says why; else the compute capability of the best, 90 for 9.0.
  std::int32_t (*score)() noexcept;
  const char* (*reason)() noexcept;
  // Fills at most `capacity` entries, returns how many devices there are.
  std::int32_t (*devices)(Device* out, std::int32_t capacity) noexcept;

  // budget_bytes: most device memory the session takes, 0: nine tenths of what is free when it opens.
  Status (*open)(std::int32_t device, std::uint64_t budget_bytes, Session** session) noexcept;
  void (*close)(Session*) noexcept;               // waits for what is queued, frees everything
  const char* (*error)(Session*) noexcept;        // what the last failure was, in words; "" when there was none
  Status (*synchronize)(Session*) noexcept;       // waits for the session's stream
  void* (*stream)(Session*) noexcept;             // its cudaStream_t, for events
  std::size_t (*small_order)(Session*) noexcept;  // largest order of the small hyperpower primitives on this device

  Status (*allocate)(Session*, std::size_t bytes, void** memory) noexcept;  // within the budget
  void (*free)(Session*, void* memory) noexcept;                            // once the queued work is done
  Status (*upload)(Session*, void* device, const void* host, std::size_t bytes) noexcept;    // waits
  Status (*download)(Session*, void* host, const void* device, std::size_t bytes) noexcept;  // waits

  const Primitives* primitives;
  const Routines* routines;
};

using EntryPoint = const Plugin* (*)();

}  // namespace gradsift::cuda
