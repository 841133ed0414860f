#include "models/bundle/sampler.h"

#include <cmath>

namespace foresight {

DiffusionSchedule MakeDiffusionSchedule(absl::Span<const float> betas) {
  DiffusionSchedule schedule;
  double previous = 1;  // abar_0
  for (const double beta : betas) {
    const double alpha = 1 - beta;
    const double alpha_bar = previous * alpha;
    schedule.alpha_bar.push_back(alpha_bar);
    schedule.c1.push_back(1 / std::sqrt(alpha));
    schedule.c2.push_back(beta / (std::sqrt(alpha) * std::sqrt(1 - alpha_bar)));
    schedule.sigma.push_back(
        std::sqrt(beta * (1 - previous) / (1 - alpha_bar)));
    previous = alpha_bar;
  }
  return schedule;
}

std::vector<double> TimeEmbedding(double p, int width) {
  const int half = width / 2;
  std::vector<double> embedding(width);
  for (int i = 0; i < half; ++i) {
    const double frequency = std::pow(10000.0, -static_cast<double>(i) / half);
    embedding[i] = std::sin(p * frequency);
    embedding[half + i] = std::cos(p * frequency);
  }
  return embedding;
}

std::vector<double> DiffusionEmbedding(int k, int width) {
  return TimeEmbedding(k, width);
}

std::vector<double> MeanFlowEmbedding(double t, double r, int width) {
  std::vector<double> embedding = TimeEmbedding(1000 * t, width / 2);
  const std::vector<double> span = TimeEmbedding(1000 * (t - r), width / 2);
  embedding.insert(embedding.end(), span.begin(), span.end());
  return embedding;
}

SamplerSteps DiffusionSteps(absl::Span<const float> betas, int width) {
  const DiffusionSchedule schedule = MakeDiffusionSchedule(betas);
  SamplerSteps steps;
  for (int k = static_cast<int>(betas.size()); k > 0; --k) {
    steps.c1.push_back(schedule.c1[k - 1]);
    steps.c2.push_back(schedule.c2[k - 1]);
    steps.sigma.push_back(schedule.sigma[k - 1]);
    steps.embeddings.push_back(DiffusionEmbedding(k, width));
  }
  steps.slots = steps.size();
  return steps;
}

SamplerSteps MeanFlowSteps(int n, int width) {
  SamplerSteps steps;
  for (int i = 0; i < n; ++i) {
    const double t = 1 - static_cast<double>(i) / n;
    const double r = 1 - static_cast<double>(i + 1) / n;
    steps.c1.push_back(1);
    steps.c2.push_back(t - r);
    steps.sigma.push_back(0);
    steps.embeddings.push_back(MeanFlowEmbedding(t, r, width));
  }
  return steps;
}

}  // namespace foresight
