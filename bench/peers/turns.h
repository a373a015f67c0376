#pragma once
// Candidates for the same work take turns in one process, so that a noisy machine is noisy to all alike.

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "native/core/execution.h"
#include "native/linalg/fma_peak.h"

namespace gradsift::peers {

inline double seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

inline double median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + values.size() / 2, values.end());
  return values[values.size() / 2];
}

// The median and its 95 % interval, whatever the distribution: order statistics of a binomial with p = 1/2.
struct Interval {
  double low, middle, high;
};

inline Interval interval(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const double n = static_cast<double>(values.size());
  const std::size_t below = static_cast<std::size_t>(std::max(0.0, std::floor(n / 2 - 0.98 * std::sqrt(n))));
  return {values[below], values[values.size() / 2], values[values.size() - 1 - below]};
}

// What the command line asks for: PROGRAM OPERATION [THREADS [TYPES [SIZES]]], lists with commas.
struct Wanted {
  std::vector<std::size_t> threads, sizes;
  std::string types = "f32,f64";

  bool type(const char* name) const { return types.find(name) != std::string::npos; }
  std::vector<std::size_t> sizes_or(std::vector<std::size_t> usual) const { return sizes.empty() ? usual : sizes; }
};

inline std::vector<std::size_t> numbers(const char* list) {
  std::vector<std::size_t> all;
  for (char* rest = nullptr; *list != '\0'; list = *rest == ',' ? rest + 1 : rest) {
    all.push_back(std::strtoull(list, &rest, 10));
    if (rest == list) return {};
  }
  return all;
}

inline Wanted read_wanted(int count, char** arguments) {
  Wanted wanted;
  if (count > 2) wanted.threads = numbers(arguments[2]);
  if (count > 3) wanted.types = arguments[3];
  if (count > 4) wanted.sizes = numbers(arguments[4]);
  return wanted;
}

struct Candidate {
  std::string name;
  std::function<void()> run;
  std::vector<double> times = {};
};

struct Case {
  std::string name;
  unsigned threads;
  double flops;
  bool f64;
  bool in_seconds = false;  // the row tells seconds, for candidates whose flops differ
};

inline bool first_row = true;

// Flops a second of all multiply-add units, over a millisecond or more; the threads were at work just before.
inline double peak_rate(bool f64, unsigned threads) {
  const gradsift::Execution execution{threads};
  // Several threads: long against the time until each has a processor of its own.
  const std::size_t iterations = threads > 1 ? 5000000 : 250000;
  double flops = 0;
  gradsift::fma_peak_f32(execution, iterations / 4, &flops);
  const double start = seconds();
  f64 ? gradsift::fma_peak_f64(execution, iterations, &flops) : gradsift::fma_peak_f32(execution, iterations, &flops);
  return flops / (seconds() - start);
}

inline void print(const Case& each, std::vector<Candidate>& candidates, double peak) {
  const std::vector<double>& ours = candidates[0].times;
  const bool rates = !each.in_seconds;
  const auto value = [&](const std::vector<double>& times) {
    return rates ? each.flops / median(times) / 1e9 : median(times);
  };
  std::printf("%s{\"case\": \"%s, native\", \"threads\": %u, \"unit\": \"%s\", \"value\": %g, ",
              first_row ? "[" : ",\n ", each.name.c_str(), each.threads, rates ? "GFLOP/s" : "s", value(ours));
  if (rates) std::printf("\"peak\": %g, ", peak / 1e9);
  std::printf("\"peers\": {");
  for (std::size_t i = 1; i < candidates.size(); ++i) {
    std::vector<double> ratios;
    for (std::size_t round = 0; round < ours.size(); ++round)
      ratios.push_back(candidates[i].times[round] / ours[round]);
    const Interval ratio = interval(std::move(ratios));
    std::printf("%s\"%s\": {\"value\": %g, \"ratio\": [%g, %g, %g]}", i > 1 ? ", " : "", candidates[i].name.c_str(),
                value(candidates[i].times), ratio.low, ratio.middle, ratio.high);
  }
  std::printf("}}");
  std::fflush(stdout);
  first_row = false;
}

// Until the threads of the one before have stopped spinning: OpenMP's do so for some milliseconds.
inline void let_sleep(unsigned threads) {
  std::this_thread::sleep_for(std::chrono::milliseconds(threads > 1 ? 10 : 1));
}

// Times the candidates in turns and prints one row; the first of them is ours. A second of them (two of several
// threads), and at least 6 rounds: the median lies between the extremes of 6 with 97 %. The peak is the median of
// measurements between the rounds.
inline void report(const Case& each, std::vector<Candidate> candidates) {
  constexpr int least = 6;
  // Work before the clock brings data into the caches, and wakes threads: half a millisecond and more in a virtual
  // machine whose other processor is idle, during which those who share work as they find hands go on alone.
  const double warm = each.threads > 1 ? 5e-3 : 1e-3;
  // A timed round is long against the clock, and with several threads against waking one.
  const int inner = std::max(1, static_cast<int>((each.threads > 1 ? 2e9 : 2e8) / each.flops));
  std::vector<double> peaks;
  const double end = seconds() + (each.threads > 1 ? 3 : 1);
  for (int round = 0; round <= least || seconds() < end; ++round) {
    for (Candidate& candidate : candidates) {
      let_sleep(each.threads);
      if (each.flops < 1e10) {
        for (const double until = seconds() + warm; seconds() < until;) candidate.run();
      }
      const double start = seconds();
      for (int i = 0; i < inner; ++i) candidate.run();
      const double time = (seconds() - start) / inner;
      if (round > 0) candidate.times.push_back(time);
    }
    let_sleep(each.threads);
    peaks.push_back(peak_rate(each.f64, each.threads));
  }
  print(each, candidates, median(peaks));
}

}  // namespace gradsift::peers
