// Memory for the elements of CPU tensors. A training step needs the same large blocks as the step before. The system's
// allocator either returns them to the kernel, so that every step causes page faults again, or keeps them in one heap
// among blocks of other sizes and lifetimes, which took a third more memory than PyTorch. This cache keeps a freed
// block, and splits and merges blocks as needed. It keeps little more than the largest amount that was in use at one time.
#include "block_cache.h"

#include <c10/core/Allocator.h>
#include <c10/core/CPUAllocator.h>
#include <c10/core/impl/alloc_cpu.h>
#include <sys/mman.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <mutex>
#include <unordered_map>

namespace salmask {
namespace {

// Smaller blocks go to libtorch's own allocator: the heap handles them well.
constexpr size_t kSmallestCached = size_t{1} << 20;
constexpr size_t kPage = 4096;
// Linux maps memory in pages of this size on request, which avoids most page faults.
constexpr size_t kHugePage = size_t{2} << 20;
// The part of the largest amount in use that may be kept beside it. Without it, a block that fits nowhere gives back others that the same
// step needs next: a training step of a ResNet-18 of width 16 had 480 page faults, and has 180.
constexpr size_t kSpare = 16;

size_t roundUp(size_t n, size_t unit) { return (n + unit - 1) / unit * unit; }

class BlockCache {
 public:
  void* take(size_t bytes) {
    const size_t size = roundUp(bytes, kPage);
    std::lock_guard<std::mutex> lock(mutex_);
    const auto found = bestFit(size);
    if (found == kept_.end()) {
      while (!kept_.empty() && usedBytes_ + keptBytes_ + size > mostUsed_ + mostUsed_ / kSpare) release(oldest());
      return hold(map(size), size);
    }
    const Kept block = *found;
    forget(found);
    // The rest becomes a separate block, unless it is smaller than any block of this cache.
    const size_t rest = block.second.size - size;
    if (rest < kSmallestCached) return hold(block.first, block.second.size);
    keep(block.first + size, {rest, block.second.freed});
    return hold(block.first, size);
  }

  // Returns whether the block belongs to this cache.
  bool give(void* freed) {
    std::lock_guard<std::mutex> lock(mutex_);
    const auto used = used_.find(freed);
    if (used == used_.end()) return false;
    char* block = static_cast<char*>(freed);
    size_t size = used->second;
    used_.erase(used);
    usedBytes_ -= size;
    // Merges the block with free neighbours.
    const auto after = kept_.find(block + size);
    if (after != kept_.end()) {
      size += after->second.size;
      forget(after);
    }
    auto before = kept_.lower_bound(block);
    if (before != kept_.begin() && (--before)->first + before->second.size == block) {
      block = before->first;
      size += before->second.size;
      forget(before);
    }
    keep(block, {size, ++clock_});
    return true;
  }

 private:
  struct Block {
    size_t size;
    uint64_t freed;
  };
  // Sorted by address, to find neighbours.
  using Blocks = std::map<char*, Block>;
  using Kept = Blocks::value_type;

  // The smallest block that is large enough. Of equal ones the last freed, which is most likely still in the
  // processor's caches.
  Blocks::iterator bestFit(size_t size) {
    auto best = kept_.end();
    for (auto block = kept_.begin(); block != kept_.end(); ++block) {
      const auto& [its, freed] = block->second;
      if (its < size) continue;
      if (best == kept_.end() || its < best->second.size || (its == best->second.size && freed > best->second.freed))
        best = block;
    }
    return best;
  }

  Blocks::iterator oldest() {
    return std::min_element(kept_.begin(), kept_.end(),
                            [](const Kept& a, const Kept& b) { return a.second.freed < b.second.freed; });
  }

  void keep(char* start, Block block) {
    kept_.emplace(start, block);
    keptBytes_ += block.size;
  }

  void forget(Blocks::iterator block) {
    keptBytes_ -= block->second.size;
    kept_.erase(block);
  }

  void release(Blocks::iterator block) {
    munmap(block->first, block->second.size);
    forget(block);
  }

  void* hold(void* block, size_t size) {
    used_.emplace(block, size);
    usedBytes_ += size;
    mostUsed_ = std::max(mostUsed_, usedBytes_);
    return block;
  }

  static void* map(size_t size) {
    const size_t unit = size >= kHugePage ? kHugePage : kPage;
    const size_t reserved = size + (unit - kPage);
    void* start = mmap(nullptr, reserved, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    TORCH_CHECK(start != MAP_FAILED, "expected memory for a tensor of ", size, " bytes, but the system has none left");
    char* first = static_cast<char*>(start);
    char* block = reinterpret_cast<char*>(roundUp(reinterpret_cast<size_t>(first), unit));
    if (block > first) munmap(first, block - first);
    const size_t rest = first + reserved - (block + size);
    if (rest > 0) munmap(block + size, rest);
    // madvise fails if the kernel has no huge pages; small pages work too.
    if (unit == kHugePage) madvise(block, size, MADV_HUGEPAGE);
    return block;
  }

  std::mutex mutex_;
  Blocks kept_;
  std::unordered_map<void*, size_t> used_;
  size_t usedBytes_ = 0;
  size_t keptBytes_ = 0;
  size_t mostUsed_ = 0;
  uint64_t clock_ = 0;
};

// Never destroyed, because tensors are still freed while the process ends.
BlockCache& cache() {
  static BlockCache* const made = new BlockCache();
  return *made;
}

void giveBack(void* block) { cache().give(block); }

void giveBackAny(void* block) {
  if (!cache().give(block)) c10::free_cpu(block);
}

class CachingAllocator final : public c10::Allocator {
 public:
  // libtorch before 2.2 calls the const version, later versions the other; one of the two is an override.
  c10::DataPtr allocate(size_t bytes) const { return make(bytes); }
  c10::DataPtr allocate(size_t bytes) { return make(bytes); }
  c10::DeleterFnPtr raw_deleter() const override { return &giveBackAny; }
  void copy_data(void* to, const void* from, size_t bytes) const { std::memcpy(to, from, bytes); }

 private:
  static c10::DataPtr make(size_t bytes) {
    const c10::Device cpu(c10::DeviceType::CPU);
    if (bytes < kSmallestCached) {
      void* small = c10::alloc_cpu(bytes);
      return {small, small, &c10::free_cpu, cpu};
    }
    void* block = cache().take(bytes);
    return {block, block, &giveBack, cpu};
  }
};

}  // namespace

void useBlockCache() {
  static CachingAllocator* const allocator = new CachingAllocator();
  c10::SetCPUAllocator(allocator, /*priority=*/1);
}

}  // namespace salmask
