// Loops whose threads take the next piece when they are ready. at::parallel_for gives each thread an equal part, so that all wait for one
// that another process held up.
#pragma once
#include <ATen/Parallel.h>

#include <algorithm>
#include <atomic>

namespace salmask {

/** Calls `work(begin, end)` for pieces of `[0, count)`, which have `piece` items but for the last one, on libtorch's threads. */
template <typename Work>
void shareOut(int64_t count, int64_t piece, const Work& work) {
  const int64_t pieces = (count + piece - 1) / piece;
  std::atomic<int64_t> next{0};
  at::parallel_for(0, std::min<int64_t>(pieces, at::get_num_threads()), 1, [&](int64_t, int64_t) {
    for (int64_t taken = next++; taken < pieces; taken = next++)
      work(taken * piece, std::min(count, (taken + 1) * piece));
  });
}

}  // namespace salmask
