#include "benchmarks/machine_peak.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <thread>

namespace foresight {
namespace {

constexpr int kRounds = 4096;

// Each function returns the FLOP of one call. On x86 they are in assembler, to
// measure the processor and not the compiler. Twelve sums hide the latency of
// the multiply-add.
#if defined(__x86_64__)
#define FORESIGHT_TWELVE(f, w)                                            \
  f(w, 0) f(w, 1) f(w, 2) f(w, 3) f(w, 4) f(w, 5) f(w, 6) f(w, 7) f(w, 8) \
      f(w, 9) f(w, 10) f(w, 11)
#define FORESIGHT_LOAD(w, i) "vbroadcastss %1, %%" w #i "\n"
#define FORESIGHT_FMA(w, i) "vfmadd231ps %%" w "12, %%" w "13, %%" w #i "\n"
#define FORESIGHT_FMA_LOOP(w)                                                \
  int rounds = kRounds;                                                      \
  const float one = 0x1p-30f;                                                \
  asm volatile(FORESIGHT_TWELVE(FORESIGHT_LOAD, w) FORESIGHT_LOAD(w, 12)     \
                   FORESIGHT_LOAD(w, 13) "1:\n" FORESIGHT_TWELVE(            \
                       FORESIGHT_FMA, w) "dec %0\njnz 1b\nvzeroupper\n"      \
               : "+r"(rounds)                                                \
               : "m"(one)                                                    \
               : "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6",     \
                 "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", \
                 "cc")
double Avx512Loop() {
  FORESIGHT_FMA_LOOP("zmm");
  return 2.0 * kRounds * 12 * 16;
}
double Avx2Loop() {
  FORESIGHT_FMA_LOOP("ymm");
  return 2.0 * kRounds * 12 * 8;
}
#endif
double PortableLoop() {
  typedef float Vector __attribute__((vector_size(16)));
  Vector x = {1, 1, 1, 1};
  Vector a = x, b = x, c = x, d = x, e = x, f = x, g = x, h = x;
  for (int i = 0; i < kRounds; ++i) {
    a = a * x + x, b = b * x + x, c = c * x + x, d = d * x + x;
    e = e * x + x, f = f * x + x, g = g * x + x, h = h * x + x;
    asm volatile("" : "+m"(x));
  }
  Vector sum = a + b + c + d + e + f + g + h;
  asm volatile("" : : "m"(sum));
  return 2.0 * kRounds * 8 * 4;
}

using Loop = double (*)();
Loop BestLoop() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f")) return Avx512Loop;
  if (__builtin_cpu_supports("avx2")) return Avx2Loop;
#endif
  return PortableLoop;
}

}  // namespace

double Now() {
  return std::chrono::duration<double>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle]
                                : (values[middle - 1] + values[middle]) / 2;
}

double MeasureFmaPeak(int threads, double seconds) {
  const Loop loop = BestLoop();
  std::atomic<int> ready{0};
  std::vector<double> rates(threads);
  const auto measure = [&](int i) {
    ++ready;
    while (ready < threads) {
    }
    const double begin = Now();
    double flop = 0, end = begin;
    for (; end < begin + seconds; end = Now()) flop += loop();
    rates[i] = flop / (end - begin) * 1e-9;
  };
  std::vector<std::thread> others;
  for (int i = 1; i < threads; ++i) others.emplace_back(measure, i);
  measure(0);
  for (std::thread& thread : others) thread.join();
  double sum = 0;
  for (const double rate : rates) sum += rate;
  return sum;
}

namespace {

// Sums `size` floats, a multiple of 128.
#if defined(__x86_64__)
__attribute__((target("avx512f"))) void Read64(const float* data, size_t size) {
  typedef float Vector __attribute__((vector_size(64)));
  Vector a = {}, b = {}, c = {}, d = {};
  for (size_t i = 0; i < size; i += 64) {
    const Vector* p = reinterpret_cast<const Vector*>(data + i);
    a += p[0], b += p[1], c += p[2], d += p[3];
  }
  a += b + c + d;
  asm volatile("" : : "m"(a) : "memory");
}
#endif
void Read16(const float* data, size_t size) {
  typedef float Vector __attribute__((vector_size(16)));
  Vector a = {}, b = {}, c = {}, d = {};
  for (size_t i = 0; i < size; i += 16) {
    const Vector* p = reinterpret_cast<const Vector*>(data + i);
    a += p[0], b += p[1], c += p[2], d += p[3];
  }
  a += b + c + d;
  asm volatile("" : : "m"(a) : "memory");
}

struct alignas(64) Line {
  float values[16];
};

}  // namespace

double MeasureReadBandwidth(size_t bytes, double seconds) {
  auto read = Read16;
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f")) read = Read64;
#endif
  const std::vector<Line> lines((bytes + 511) / 512 * 8);
  const size_t size = lines.size() * 16;
  const double begin = Now();
  double end = begin, total = 0;
  for (; end < begin + seconds; end = Now()) {
    for (int i = 0; i < 8; ++i) read(lines.data()->values, size);
    total += 8.0 * size * sizeof(float);
  }
  return total / (end - begin) * 1e-9;
}

}  // namespace foresight
