// Our inverse-free hyperpower solve beside the published iteration, X (2 I - A X) in float32, on the sgemm of whichever
// library has the fastest of that size here, and beside our Cholesky, conjugate gradients and Woodbury. All from the
// same float64 Fisher matrix of 200 samples + 0.01 I, with 16 right-hand sides; residuals in float64. Prints JSON rows
// for bench/run.mjs, in seconds: hyperpower hyperpower-solve [THREADS [TYPES [SIZES]]]

#include <cmath>
#include <random>

#include "bench/peers/libraries.h"
#include "bench/peers/turns.h"
#include "native/core/execution.h"
#include "native/linalg/cholesky.h"
#include "native/linalg/conjugate_gradients.h"
#include "native/linalg/gfim.h"
#include "native/linalg/hyperpower_solve.h"
#include "native/linalg/residual.h"
#include "native/linalg/woodbury.h"

namespace {

using gradsift::Certificate;
using gradsift::Execution;
using gradsift::peers::Candidate;
using gradsift::peers::kPlain;
using gradsift::peers::kRowMajor;
using gradsift::peers::Library;

constexpr std::size_t kSamples = 200, kRightHandSides = 16;
constexpr double kDamping = 0.01, kTolerance = 1e-6, kPublishedAlpha = 5e-5;

struct System {
  std::size_t n;
  std::vector<double> rows, g, v;
  std::vector<float> a;  // G + damping I
  double norm = 0;       // ||A||_F
};

System make_system(std::size_t n) {
  std::mt19937 engine;
  std::normal_distribution<double> normal;
  const auto draw = [&](std::size_t count) {
    std::vector<double> values(count);
    for (double& value : values) value = normal(engine);
    return values;
  };
  System system{n, draw(kSamples * n), std::vector<double>(n * n), draw(kRightHandSides * n), {}};
  const gradsift::GfimBlock<double> block{system.rows.data(), kSamples,       1, n, false, gradsift::GramPrecision::f64,
                                          1.0 / kSamples,     system.g.data()};
  gradsift::accumulate_gfim(Execution{1}, block);
  system.a.assign(system.g.begin(), system.g.end());
  for (std::size_t i = 0; i < n; ++i) system.a[i * (n + 1)] = static_cast<float>(system.g[i * (n + 1)] + kDamping);
  for (const float value : system.a) system.norm += static_cast<double>(value) * value;
  system.norm = std::sqrt(system.norm);
  return system;
}

double residual(const System& system, const std::vector<double>& h) {
  double value = 0;
  gradsift::solve_residual(Execution{1},
                           gradsift::SolveResidual<double>{system.n, kRightHandSides, system.g.data(), kDamping,
                                                           system.v.data(), h.data(), nullptr, &value});
  return value;
}

void sgemm(const Library& library, std::size_t m, std::size_t n, const float* a, const float* b, float alpha,
           float* c) {
  const int rows = static_cast<int>(m), order = static_cast<int>(n);
  library.f32.gemm(kRowMajor, kPlain, kPlain, rows, order, order, alpha, a, order, b, order, 0, c, order);
}

// The library whose product of this order is fastest: the best of three each.
const Library* fastest(const std::vector<Library>& libraries, const System& system) {
  std::vector<float> c(system.n * system.n);
  const Library* best = nullptr;
  double least = 0;
  for (const Library& library : libraries) {
    for (int round = 0; round < 3; ++round) {
      const double start = gradsift::peers::seconds();
      sgemm(library, system.n, system.n, system.a.data(), system.a.data(), 1, c.data());
      const double time = gradsift::peers::seconds() - start;
      if (best == nullptr || time < least) {
        best = &library;
        least = time;
      }
    }
  }
  return best;
}

// X_{k+1} = X_k (2 I - A X_k) from X_0 = alpha I, then H = V X. As many steps as bring the slowest direction,
// (1 - alpha damping)^(2^k), below 1e-6.
class Textbook {
 public:
  Textbook(const System& system, const Library& library, double alpha)
      : steps_(static_cast<int>(std::ceil(std::log2(std::log(1 / kTolerance) / (alpha * kDamping))))),
        system_(system),
        library_(library),
        alpha_(alpha),
        x_(system.n * system.n),
        next_(x_.size()),
        product_(x_.size()),
        v_(system.v.begin(), system.v.end()),
        h_(v_.size()) {}

  void run() {
    const std::size_t n = system_.n;
    std::fill(x_.begin(), x_.end(), 0.0F);
    for (std::size_t i = 0; i < n; ++i) x_[i * (n + 1)] = static_cast<float>(alpha_);
    for (int step = 0; step < steps_; ++step) {
      sgemm(library_, n, n, system_.a.data(), x_.data(), -1, product_.data());
      for (std::size_t i = 0; i < n; ++i) product_[i * (n + 1)] += 2;
      sgemm(library_, n, n, x_.data(), product_.data(), 1, next_.data());
      x_.swap(next_);
    }
    sgemm(library_, kRightHandSides, n, v_.data(), x_.data(), 1, h_.data());
  }

  std::string name(const char* alpha) const {
    char residual_text[32];
    std::snprintf(residual_text, sizeof residual_text, "%.0e", residual(system_, {h_.begin(), h_.end()}));
    return library_.name + " textbook " + alpha + ", " + std::to_string(steps_) + " steps, residual " + residual_text;
  }

 private:
  int steps_;
  const System& system_;
  const Library& library_;
  double alpha_;
  std::vector<float> x_, next_, product_, v_, h_;
};

void compare(const std::vector<Library>& libraries, std::size_t n, unsigned threads) {
  const System system = make_system(n);
  const Execution execution{threads};
  const Library* library = fastest(libraries, system);
  if (library == nullptr) return;
  std::vector<double> h(system.v.size());
  Certificate certificate;
  const double *g = system.g.data(), *v = system.v.data();
  const gradsift::HyperpowerSolve<double> ours{1, n, kRightHandSides, g,          kDamping, 0,
                                               0, v, h.data(),        kTolerance, true,     &certificate};
  const gradsift::CholeskySolve<double> cholesky{1, n,        kRightHandSides, g,     kDamping,
                                                 v, h.data(), kTolerance,      false, &certificate};
  const gradsift::CgSolve<double> cg{1, n, kRightHandSides, g, kDamping, v, h.data(), kTolerance, 1000, &certificate};
  const gradsift::WoodburySolve<double> woodbury{kSamples, n, kRightHandSides, system.rows.data(), 1.0 / kSamples,
                                                 kDamping, v, h.data(),        kTolerance,         &certificate};
  Textbook published(system, *library, kPublishedAlpha), safe(system, *library, 1 / system.norm);
  published.run();
  safe.run();
  gradsift::hyperpower_solve(execution, ours);
  char text[64];
  std::snprintf(text, sizeof text, "d = %zu, residual %.0e", n, residual(system, h));
  const double order = static_cast<double>(n);
  gradsift::peers::report({text, threads, 64 * order * order * order, false, true},  // of the textbook, about
                          {{"ours", [&] { gradsift::hyperpower_solve(execution, ours); }},
                           {published.name("5e-5"), [&] { published.run(); }},
                           {safe.name("1/|A|"), [&] { safe.run(); }},
                           {"our cholesky", [&] { gradsift::cholesky_solve(execution, cholesky); }},
                           {"our cg", [&] { gradsift::cg_solve(execution, cg); }},
                           {"our woodbury", [&] { gradsift::woodbury_solve(execution, woodbury); }}});
}

}  // namespace

int main(int count, char** arguments) {
  const gradsift::peers::Wanted wanted = gradsift::peers::read_wanted(count, arguments);
  std::vector<Library> libraries = gradsift::peers::open_libraries();
  for (const std::size_t threads : wanted.threads) {
    for (const Library& library : libraries) library.set_threads(library, static_cast<int>(threads));
    for (const std::size_t n : wanted.sizes_or({512, 1024, 2048}))
      compare(libraries, n, static_cast<unsigned>(threads));
  }
  std::printf("%s]\n", gradsift::peers::first_row ? "[" : "");
}
