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

}  // namespace foresight
