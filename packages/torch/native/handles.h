// Tensors and generators that JavaScript holds, each under a small integer. An integer costs much less than a wrapped
// object (no finalizer, no heap object). This keeps the call of a small operator below three microseconds.
#pragma once
#include <c10/util/Exception.h>

#include <cstdint>
#include <vector>

namespace salmask {

template <typename T>
class Handles {
 public:
  uint32_t add(T value) {
    ++live_;
    if (!free_.empty()) {
      uint32_t id = free_.back();
      free_.pop_back();
      slots_[id] = std::move(value);
      return id;
    }
    slots_.push_back(std::move(value));
    return static_cast<uint32_t>(slots_.size() - 1);
  }
  T& get(uint32_t id) {
    TORCH_CHECK(id > 0 && id < slots_.size() && slots_[id].defined(), "Expected a live handle, got ", id,
                ", which was freed or never made.");
    return slots_[id];
  }
  void release(uint32_t id) {
    get(id) = T();
    free_.push_back(id);
    --live_;
  }
  uint32_t live() const { return live_; }
  const std::vector<T>& slots() const { return slots_; }

 private:
  std::vector<T> slots_{T()};  // index 0 stays empty: 0 is never a handle
  std::vector<uint32_t> free_;
  uint32_t live_ = 0;
};

}  // namespace salmask
