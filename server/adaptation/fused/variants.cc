#include "server/adaptation/fused/variants.h"

#ifdef FORESIGHT_X86_KERNELS
#include <sys/syscall.h>
#include <unistd.h>
#endif

#include <cstdlib>

#include "absl/strings/str_cat.h"

namespace foresight::fused {
namespace {

constexpr char kEnvironment[] = "FORESIGHT_CPU_VARIANT";
constexpr Variant kVariants[] = {Variant::kAvx512, Variant::kAvx2,
                                 Variant::kPortable};

// Returns null if this build or this CPU lacks it.
const Kernels* KernelsOf(Variant variant) {
  switch (variant) {
    case Variant::kAuto:
      return nullptr;
    case Variant::kPortable:
      return &kPortableKernels;
#ifdef FORESIGHT_X86_KERNELS
    case Variant::kAvx2:
      return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")
                 ? &kAvx2Kernels
                 : nullptr;
    case Variant::kAvx512:
      return __builtin_cpu_supports("avx512f") &&
                     __builtin_cpu_supports("avx512bw") &&
                     __builtin_cpu_supports("avx512dq") &&
                     __builtin_cpu_supports("avx512vl")
                 ? &kAvx512Kernels
                 : nullptr;
#endif
    default:
      return nullptr;
  }
}

#ifdef FORESIGHT_X86_KERNELS
// Linux gives a process the tile registers only if it asks, once.
bool HasAmx() {
  static const bool granted = [] {
    constexpr int kRequestPermission = 0x1023;  // ARCH_REQ_XCOMP_PERM
    constexpr int kTileData = 18;               // XFEATURE_XTILEDATA
    return __builtin_cpu_supports("amx-tile") &&
           __builtin_cpu_supports("amx-bf16") &&
           syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
  }();
  return granted;
}
#endif

// Returns null if this build or this CPU lacks them.
const Kernels* Bfloat16Kernels() {
#ifdef FORESIGHT_X86_KERNELS
  if (__builtin_cpu_supports("avx512bf16")) {
    return HasAmx() ? &kAmxKernels : &kAvx512Bf16Kernels;
  }
#endif
  return nullptr;
}

}  // namespace

std::string VariantName(Variant variant) {
  switch (variant) {
    case Variant::kAuto:
      return "auto";
    case Variant::kPortable:
      return "portable";
    case Variant::kAvx2:
      return "avx2";
    case Variant::kAvx512:
      return "avx512";
  }
  return "unknown";
}

std::vector<Variant> SupportedVariants() {
  std::vector<Variant> supported;
  for (const Variant variant : kVariants) {
    if (KernelsOf(variant) != nullptr) supported.push_back(variant);
  }
  return supported;
}

absl::StatusOr<const Kernels*> SelectKernels(Variant variant,
                                             Precision precision) {
  const char* forced = std::getenv(kEnvironment);
  if (variant == Variant::kAuto && forced != nullptr && *forced != '\0') {
    for (const Variant named : kVariants) {
      if (VariantName(named) == forced) variant = named;
    }
    if (variant == Variant::kAuto) {
      return absl::InvalidArgumentError(
          absl::StrCat(kEnvironment, " is \"", forced,
                       "\", expected portable, avx2 or avx512"));
    }
  }
  if (variant == Variant::kAuto) variant = SupportedVariants().front();
  if (precision == Precision::kBfloat16) {
    const Kernels* kernels = Bfloat16Kernels();
    if (variant == Variant::kAvx512 && kernels != nullptr) return kernels;
    return absl::UnavailableError(
        "precision bf16 is unavailable: it needs the avx512 variant and a CPU "
        "with AVX512-BF16");
  }
  const Kernels* kernels = KernelsOf(variant);
  if (kernels == nullptr) {
    return absl::UnavailableError(
        absl::StrCat("the fused engine's variant ", VariantName(variant),
                     " is unavailable: this CPU lacks its instructions"));
  }
  return kernels;
}

}  // namespace foresight::fused
