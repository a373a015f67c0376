#pragma once
// Inputs that end where memory ends, and comparisons with a bound.

#include <sys/mman.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <limits>
#include <type_traits>
#include <utility>

namespace gradsift::check {

// `size` elements right before a page that cannot be touched: whoever reads or writes beyond them dies.
template <class T>
class Values {
 public:
  explicit Values(std::size_t size) noexcept : size_(size) {
    const std::size_t used = (size * sizeof(T) + kPage - 1) / kPage * kPage;
    mapped_ = used + kPage;
    start_ = mmap(nullptr, mapped_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    mprotect(static_cast<char*>(start_) + used, kPage, PROT_NONE);
    data_ = reinterpret_cast<T*>(static_cast<char*>(start_) + used) - size;
  }
  Values(Values&& other) noexcept
      : size_(other.size_), mapped_(other.mapped_), start_(std::exchange(other.start_, nullptr)), data_(other.data_) {}
  ~Values() {
    if (start_ != nullptr) munmap(start_, mapped_);
  }

  std::size_t size() const noexcept { return size_; }
  T* data() const noexcept { return data_; }
  T& operator[](std::size_t i) const noexcept { return data_[i]; }

 private:
  static constexpr std::size_t kPage = 65536;  // the largest of any arm64 system
  std::size_t size_, mapped_;
  void* start_;
  T* data_;
};

template <class T>
Values<T> filled(std::size_t size, T value) noexcept {
  Values<T> x(size);
  for (std::size_t i = 0; i < size; ++i) x[i] = value;
  return x;
}

// 16 even random bits for each (seed, index), by the finaliser of splitmix64.
inline std::uint16_t random_bits(std::uint64_t seed, std::size_t index) noexcept {
  std::uint64_t x = (seed << 32) + index + 0x9e3779b97f4a7c15u;
  x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
  x = (x ^ x >> 27) * 0x94d049bb133111ebu;
  return static_cast<std::uint16_t>(x >> 48);
}

// In [-1, 1); their sizes alone where `absolute`, which turns a sum of products into the size behind its rounding.
template <class T>
Values<T> random(std::uint64_t seed, std::size_t size, bool absolute = false) noexcept {
  Values<T> x(size);
  for (std::size_t i = 0; i < size; ++i) {
    const T value = static_cast<T>(random_bits(seed, i)) / 32768 - 1;
    x[i] = absolute ? std::fabs(value) : value;
  }
  return x;
}

// Half a unit in the last place of 1: the relative error of one rounding.
template <class T>
constexpr double kUnitRoundoff = std::numeric_limits<T>::epsilon() / 2;

struct Outcome {
  int compared = 0;
  int failed = 0;
};
inline Outcome outcome;

inline void expect(bool holds, const char* what, std::size_t a = 0, std::size_t b = 0, std::size_t c = 0) noexcept {
  ++outcome.compared;
  if (holds) return;
  if (++outcome.failed <= 20) std::printf("%s differs at %zu %zu %zu\n", what, a, b, c);
}

// |actual - expected| <= share * size for each element. Where one is NaN both must be.
template <class T>
bool near(const Values<T>& actual, const Values<T>& expected, const Values<T>& size, double share) noexcept {
  for (std::size_t i = 0; i < actual.size(); ++i) {
    if (std::isnan(actual[i]) && std::isnan(expected[i])) continue;
    const double error = std::fabs(static_cast<double>(actual[i]) - static_cast<double>(expected[i]));
    if (!(error <= share * static_cast<double>(size[i]))) return false;
  }
  return true;
}

template <class T>
bool same_bits(const Values<T>& actual, const Values<T>& expected) noexcept {
  return std::memcmp(actual.data(), expected.data(), actual.size() * sizeof(T)) == 0;
}

}  // namespace gradsift::check
