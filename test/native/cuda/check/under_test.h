#pragma once
// The library under test and what its checks share: opened memory, random numbers, counted comparisons.

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <initializer_list>
#include <string>
#include <vector>

#include "native/cuda/plugin.h"

namespace gradsift::cuda::check {

struct UnderTest {
  const Plugin* plugin = nullptr;
  Session* session = nullptr;
};
inline UnderTest under_test;

struct Outcome {
  int compared = 0, failed = 0;
};
inline Outcome outcome;

template <class... Sizes>
void expect(bool passed, const std::string& what, Sizes... sizes) {
  ++outcome.compared;
  if (passed) return;
  ++outcome.failed;
  std::string text = "FAILED " + what;
  ((text += " " + std::to_string(sizes)), ...);
  std::printf("%s\n", text.c_str());
}

inline void expect_ok(Status status, const std::string& what) {
  const char* words = status == Status::ok ? "" : under_test.plugin->error(under_test.session);
  expect(status == Status::ok, what + " " + kStatusNames[static_cast<int>(status)] + " " + words);
}

// The same on every machine: splitmix64 mapped to (-1, 1), or to normal numbers by a sum of twelve.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed * 0x9e3779b97f4a7c15u + 1) {}
  double uniform() {
    state_ += 0x9e3779b97f4a7c15u;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return static_cast<double>((z ^ (z >> 31)) >> 11) * 0x1p-53;
  }
  double normal() {
    double sum = -6;
    for (int i = 0; i < 12; ++i) sum += uniform();
    return sum;
  }

 private:
  std::uint64_t state_;
};

// A number of a type: its stored bits, and its value as the kernels must see it.
inline std::size_t bytes_of(Type type) { return type == Type::f64 ? 8 : type == Type::f32 ? 4 : 2; }

inline std::uint16_t to_bf16(double x) {  // to nearest; ties do not matter here
  const float value = static_cast<float>(x);
  std::uint32_t bits;
  std::memcpy(&bits, &value, 4);
  return static_cast<std::uint16_t>((bits + 0x8000u) >> 16);
}
inline std::uint16_t to_f16(double x) {  // normal numbers below 65504 only
  if (x == 0) return 0;
  int exponent = 0;
  const double fraction = std::frexp(std::fabs(x), &exponent);  // [1/2, 1)
  if (exponent < -13) return 0;
  const auto digits = static_cast<std::uint32_t>(std::lround(std::ldexp(fraction, 11)));  // 1024 .. 2048
  const std::uint32_t bits = (static_cast<std::uint32_t>(exponent + 13) << 10) + digits;
  return static_cast<std::uint16_t>((x < 0 ? 0x8000u : 0) | bits);
}

// Values that were rounded to a type, and their bytes.
struct Numbers {
  Type type;
  std::vector<double> values;
  std::vector<unsigned char> bytes;

  Numbers(Type t, std::size_t count) : type(t), values(count), bytes(count * bytes_of(t)) {}
  void set(std::size_t i, double x) {
    unsigned char* to = bytes.data() + i * bytes_of(type);
    if (type == Type::f64) {
      std::memcpy(to, &x, 8);
      values[i] = x;
    } else if (type == Type::f32) {
      const float value = static_cast<float>(x);
      std::memcpy(to, &value, 4);
      values[i] = value;
    } else {
      const std::uint16_t bits = type == Type::bf16 ? to_bf16(x) : to_f16(x);
      std::memcpy(to, &bits, 2);
      if (type == Type::bf16) {
        const std::uint32_t wide = std::uint32_t{bits} << 16;
        float value;
        std::memcpy(&value, &wide, 4);
        values[i] = value;
      } else {
        const int exponent = bits >> 10 & 31;
        const double size = bits == 0 || bits == 0x8000 ? 0 : std::ldexp(1024.0 + (bits & 1023), exponent - 25);
        values[i] = bits & 0x8000 ? -size : size;
      }
    }
  }
  void fill_normal(std::uint64_t seed) {
    Random random(seed);
    for (std::size_t i = 0; i < values.size(); ++i) set(i, random.normal());
  }
};

// Opens another session on the device for the length of a scope, with a budget of its own.
class OtherSession {
 public:
  explicit OtherSession(std::uint64_t budget) : before_(under_test.session) {
    expect_ok(under_test.plugin->open(0, budget, &under_test.session), "open");
  }
  OtherSession(const OtherSession&) = delete;
  OtherSession& operator=(const OtherSession&) = delete;
  ~OtherSession() {
    under_test.plugin->close(under_test.session);
    under_test.session = before_;
  }

 private:
  Session* before_;
};

// Device memory of a test. `shift` bytes from an aligned address.
class Memory {
 public:
  explicit Memory(std::size_t bytes, std::size_t shift = 0) : bytes_(bytes), shift_(shift) {
    expect_ok(under_test.plugin->allocate(under_test.session, bytes + shift, &memory_), "allocate");
  }
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;
  ~Memory() { under_test.plugin->free(under_test.session, memory_); }

  void* data() const { return static_cast<char*>(memory_) + shift_; }
  void put(const void* from) {
    if (bytes_ == 0) return;
    expect_ok(under_test.plugin->upload(under_test.session, data(), from, bytes_), "upload");
  }
  void get(void* to) const {
    if (bytes_ == 0) return;
    expect_ok(under_test.plugin->download(under_test.session, to, data(), bytes_), "download");
  }

 private:
  std::size_t bytes_, shift_;
  void* memory_ = nullptr;
};

inline Memory& on_device(Memory& memory, const Numbers& numbers) {
  memory.put(numbers.bytes.data());
  return memory;
}

inline void finish(const std::string& what) {
  expect_ok(under_test.plugin->synchronize(under_test.session), what + ": synchronize");
}

void check_products();
void check_grams();
void check_rows();
void check_assign();
void check_small_systems();
void check_routines();
void check_failures();
void check_lost_device();

}  // namespace gradsift::cuda::check
