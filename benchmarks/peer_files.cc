#include "benchmarks/peer_files.h"

#include <cmath>
#include <fstream>
#include <vector>

#include "absl/strings/str_cat.h"
#include "nlohmann/json.hpp"
#include "server/adaptation/fused/fused_policies.h"
#include "server/adaptation/fused/variants.h"
#include "server/adaptation/noise.h"
#include "support/status_macros.h"

namespace foresight {
namespace {

absl::Status Write(const std::filesystem::path& path, const void* data,
                   size_t size) {
  std::ofstream file(path, std::ios::binary);
  file.write(static_cast<const char*>(data),
             static_cast<std::streamsize>(size));
  file.close();
  if (file) return absl::OkStatus();
  return absl::UnavailableError(absl::StrCat("cannot write ", path.string()));
}

absl::Status Write(const std::filesystem::path& path,
                   const std::vector<float>& values) {
  return Write(path, values.data(), values.size() * sizeof(float));
}

std::vector<float> Noise(const BenchCase& bench_case) {
  const AdaptationSettings& settings = bench_case.settings;
  const int slots =
      bench_case.dynamics() == "diffusion" ? settings.sampler_steps : 1;
  const size_t size = bench_case.observation.size();
  std::vector<float> noise(settings.horizon * slots * settings.particles *
                           size);
  float* next = noise.data();
  for (int h = 0; h < settings.horizon; ++h) {
    for (int slot = 0; slot < slots; ++slot) {
      for (int m = 0; m < settings.particles; ++m, next += size) {
        FillNoise(
            {bench_case.seed, 0, NoiseBank::kAdaptation, settings.noise_scale},
            h, m, slot, {next, size});
      }
    }
  }
  return noise;
}

}  // namespace

absl::Status WritePeerFiles(const BenchCase& bench_case,
                            const std::filesystem::path& folder) {
  RETURN_IF_ERROR(bench_case.bundle->Save(folder));
  ASSIGN_OR_RETURN(const fused::Kernels* kernels,
                   fused::SelectKernels(fused::Variant::kAuto));
  const auto model =
      std::make_shared<const fused::Model>(bench_case.bundle, *kernels);
  fused::FusedParameters parameters(model);
  fused::FusedPolicies policies(model);
  Problem problem;
  problem.observation = bench_case.observation;
  problem.parameters = &parameters;
  problem.seed = bench_case.seed;
  problem.settings = bench_case.settings;
  policies.Begin(0, problem);
  Problem* const one = &problem;
  const Clock clock = MonotonicNow;
  const int first[] = {0};
  WorkingPolicies::Evaluation evaluation;
  policies.Differentiate(first, StopSignals({&one, 1}, clock),
                         {&evaluation, 1});
  const AdaptationSettings& settings = bench_case.settings;
  nlohmann::json json = {
      {"name", bench_case.name()},
      {"gigaflop", bench_case.gigaflop()},
      {"horizon", settings.horizon},
      {"particles", settings.particles},
      {"sampler_steps", settings.sampler_steps},
      {"steps", settings.steps},
      {"discount", settings.discount},
      {"step_size", settings.step_size},
      {"max_gradient_norm", settings.max_gradient_norm},
      {"observation", bench_case.observation},
      {"objective", evaluation.objective},
      {"gradient_norm", evaluation.gradient_norm},
  };
  const std::string text = json.dump(1);
  RETURN_IF_ERROR(Write(folder / "case.json", text.data(), text.size()));
  RETURN_IF_ERROR(Write(folder / "noise.bin", Noise(bench_case)));
  return Write(folder / "gradient.bin", policies.ExportGradient(0));
}

}  // namespace foresight
