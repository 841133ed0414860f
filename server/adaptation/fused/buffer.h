// Aligned memory for the kernels.
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <new>
#include <utility>
#include <vector>

#include "server/adaptation/fused/kernels/kernels.h"

namespace foresight::fused {

// `size` floats, initially zero, aligned for the kernels. A buffer that is made
// without a size or moved from has no memory.
class Buffer {
 public:
  Buffer() = default;
  Buffer(Buffer&& other) noexcept
      : data_(std::move(other.data_)), size_(std::exchange(other.size_, 0)) {}
  Buffer& operator=(Buffer&& other) noexcept {
    data_ = std::move(other.data_);
    size_ = std::exchange(other.size_, 0);
    return *this;
  }
  explicit Buffer(size_t size) : size_(Padded(size)) {
    data_.reset(static_cast<float*>(
        ::operator new (size_ * sizeof(float), std::align_val_t{kAlignment})));
    std::fill_n(data_.get(), size_, 0.0f);
  }

  float* data() { return data_.get(); }
  const float* data() const { return data_.get(); }
  size_t size() const { return size_; }

  // Rounds up to whole tiles, at least one.
  static size_t Padded(size_t size) {
    return std::max<size_t>(1, (size + kTile - 1) / kTile) * kTile;
  }

 private:
  struct Free {
    void operator()(float* memory) const {
      ::operator delete (memory, std::align_val_t{kAlignment});
    }
  };
  std::unique_ptr<float, Free> data_;
  size_t size_ = 0;
};

// Memory for one decision after another. It allocates nothing once it has grown
// to a decision's needs, and does not clear the memory that it hands out.
//
// Not thread-safe.
class Arena {
 public:
  // Takes everything back.
  void Reset() {
    if (chunks_.size() > 1) {
      const size_t total = size();
      chunks_.clear();
      chunks_.emplace_back(total);
    }
    used_ = 0;
  }

  // `size` floats, valid until Reset.
  float* Take(size_t size) {
    size = Buffer::Padded(size);
    if (chunks_.empty() || used_ + size > chunks_.back().size()) {
      chunks_.emplace_back(std::max(size, kSmallestChunk));
      used_ = 0;
    }
    used_ += size;
    return chunks_.back().data() + used_ - size;
  }

  // All its floats, taken or not.
  size_t size() const {
    size_t size = 0;
    for (const Buffer& chunk : chunks_) size += chunk.size();
    return size;
  }

  // A matrix [rows, 16 tiles].
  Matrix TakeMatrix(int rows, int tiles) {
    return {Take(size_t(rows) * tiles * kTile), ptrdiff_t{rows} * kTile};
  }

 private:
  static constexpr size_t kSmallestChunk = size_t{1} << 18;

  std::vector<Buffer> chunks_;
  size_t used_ = 0;  // In the last chunk.
};

}  // namespace foresight::fused
