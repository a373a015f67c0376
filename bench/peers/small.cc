// Batches of small products by LIBXSMM, where it is installed, and by our native code, taking turns in one process.
// LIBXSMM is used at its best: a kernel made for the sizes, called for one item after the other; on several threads, in
// shares of the batch, which our pool hands out to both alike.
// Prints JSON rows for bench/run.mjs. Built and run by bench/peers/blas.mjs: small matmul-batched THREADS...

#ifdef WITH_LIBXSMM
#include <libxsmm.h>
#endif

#include <random>

#include "bench/peers/turns.h"
#include "native/core/execution.h"
#include "native/linalg/gemm.h"

namespace {

using gradsift::Execution;
using gradsift::peers::Candidate;
using gradsift::peers::report;

// LIBXSMM's kernel for row-major matrices, whose letters are those of column-major ones: C' = B' A'. Null without it.
template <class T>
auto libxsmm_function(int m, int n, int k) {
#ifdef WITH_LIBXSMM
  const T one = 1, zero = 0;
  const int flags = LIBXSMM_GEMM_FLAG_NONE, prefetch = LIBXSMM_GEMM_PREFETCH_NONE;
  if constexpr (sizeof(T) == sizeof(float)) {
    return libxsmm_smmdispatch(n, m, k, nullptr, nullptr, nullptr, &one, &zero, &flags, &prefetch);
  } else {
    return libxsmm_dmmdispatch(n, m, k, nullptr, nullptr, nullptr, &one, &zero, &flags, &prefetch);
  }
#else
  return static_cast<void (*)(const T*, const T*, T*)>(nullptr);
#endif
}

template <class T>
std::vector<T> random(std::size_t count) {
  static std::mt19937 engine;
  std::uniform_real_distribution<float> uniform(-0.5, 0.5);
  std::vector<T> values(count);
  for (T& value : values) value = static_cast<T>(uniform(engine));
  return values;
}

// Items follow each other, as in an array of matrices.
template <class T>
void products(std::size_t batch, std::size_t m, std::size_t n, std::size_t k, unsigned threads) {
  const auto a = random<T>(batch * m * k), b = random<T>(batch * k * n);
  std::vector<T> c(batch * m * n);
  gradsift::Gemm<T> problem;
  problem.batch = batch;
  problem.m = m;
  problem.n = n;
  problem.k = k;
  problem.a = {a.data(), k, 1, m * k};
  problem.b = {b.data(), n, 1, k * n};
  problem.c = {c.data(), n, 1, m * n};
  std::vector<Candidate> all = {{"ours", [&] { gradsift::gemm(Execution{threads}, problem); }}};
  const auto kernel = libxsmm_function<T>(static_cast<int>(m), static_cast<int>(n), static_cast<int>(k));
  const std::size_t shares = threads == 1 ? 1 : 8 * threads;
  if (kernel != nullptr) {
    all.push_back({"LIBXSMM", [&, kernel] {
                     Execution{threads}.parallel(shares, [&](std::size_t share) {
                       const std::size_t end = (share + 1) * batch / shares;
                       for (std::size_t item = share * batch / shares; item < end; ++item) {
                         kernel(b.data() + item * k * n, a.data() + item * m * k, c.data() + item * m * n);
                       }
                     });
                   }});
  }
  const std::string name = std::string(sizeof(T) == sizeof(float) ? "f32 " : "f64 ") + std::to_string(batch) + " of " +
                           std::to_string(m) + " x " + std::to_string(n) + " x " + std::to_string(k);
  report(
      {name, threads, 2.0 * static_cast<double>(batch * m * n) * static_cast<double>(k), sizeof(T) == sizeof(double)},
      all);
}

void run(unsigned threads) {
  for (const std::size_t n : {4, 8, 12, 16, 24, 32, 48, 64, 96}) {
    products<float>(1000, n, n, n, threads);
    products<double>(1000, n, n, n, threads);
  }
  for (const std::size_t r : {4, 8, 16, 32, 64}) {  // low-rank gradients: [r x d] [d x d] and [r x d] [d x r]
    products<float>(100, r, 256, 256, threads);
    products<float>(1000, r, r, 256, threads);
  }
}

}  // namespace

int main(int count, char** arguments) {
  for (int i = 2; i < count; ++i) {
    if (const int threads = std::atoi(arguments[i]); threads > 0) run(static_cast<unsigned>(threads));
  }
  std::printf("%s]\n", gradsift::peers::first_row ? "[" : "");
}
