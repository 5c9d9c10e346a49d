// Winograd's convolutions for vectors of SALMASK_LANES floats, which the including file says: winograd_eight.cc and
// winograd_sixteen.cc are this file with two sets of instructions. Sums have the same order in both.
#include <algorithm>

#include "share_out.h"
#include "vector.h"
#include "winograd.h"

#include "vector_target.h"
#include "winograd_kernels.h"
#pragma GCC pop_options

namespace salmask::winograd::SALMASK_WIDTH {
namespace {

/** Tiles that one thread computes through all three stages, so that intermediate values stay in its cache. */
constexpr int64_t kBlockTiles = 24;
/** Bytes of transformed tiles between the stages of the weight gradient, shared by all threads. */
constexpr int64_t kSharedBytes = 16 << 20;
/** Inputs times outputs up to which the weight gradient's sums of a part fit a thread's cache beside its tiles. */
constexpr int64_t kFewChannels = 32 * 32;
/** Parts of the tiles whose sums are added in order, so that the number of threads does not matter. */
constexpr int64_t kParts = 16;
/** Prevents points at a distance of a power of two from using the same cache lines. */
constexpr int64_t kSkew = 16;
/** Outputs per panel of the transformed kernel. */
constexpr int64_t kPanel = 2 * kLanes;

int64_t roundUp(int64_t value, int64_t to) { return (value + to - 1) / to * to; }

Planes planesOf(const at::Tensor& tensor) {
  return {tensor.size(0), tensor.size(2), tensor.size(3), tensor.size(1)};
}

at::Tensor floats(int64_t count) { return at::empty({count}, at::kFloat); }

/** `[36][out / kPanel][in][kPanel]`. The last panel is kLanes wide if `out` is not a multiple of kPanel. */
struct TransformedKernel {
  int64_t in, out, stride;
  at::Tensor storage = floats(kPoints * stride);
  float* values = storage.data_ptr<float>();

  int64_t width(int64_t panel) const { return std::min(kPanel, out - panel * kPanel); }
  int64_t panels() const { return roundUp(out, kPanel) / kPanel; }
  float* at(int64_t point, int64_t panel) const {
    return values + point * stride + panel * kPanel * in;
  }
};

TransformedKernel transform(const Kernel& kernel) {
  const TransformedKernel to{kernel.in, kernel.out, kernel.in * kernel.out + kSkew};
  shareOut(kernel.in, kLanes, [&](int64_t begin, int64_t end) {
    for (int64_t panel = 0; panel < to.panels(); ++panel) {
      const int64_t width = to.width(panel);
      for (int64_t in = begin; in < end; ++in)
        for (int64_t lane = 0; lane < width; lane += kLanes)
          transformKernel(kernel, panel * kPanel + lane, in, to.at(0, panel) + in * width + lane, to.stride);
    }
  });
  return to;
}

/** Convolves `input` `[B, in, H, W]` with a kernel of `out` outputs: `[B, out, H, W]`. */
at::Tensor convolve(const at::Tensor& input, const Kernel& kernel) {
  const Planes from = planesOf(input);
  const Planes to{from.images, from.height, from.width, kernel.out};
  auto output = at::empty({to.images, to.channels, to.height, to.width}, input.options(), at::MemoryFormat::ChannelsLast);
  const TransformedKernel weight = transform(kernel);

  const int64_t tiles = from.tiles(), threads = at::get_num_threads();
  // Aims at a multiple of the number of threads, so that few threads are idle in the last round.
  const int64_t rounds = (tiles + kBlockTiles * threads - 1) / (kBlockTiles * threads);
  const int64_t capacity = roundUp((tiles + rounds * threads - 1) / (rounds * threads), kRows);
  const int64_t blocks = (tiles + capacity - 1) / capacity;
  const int64_t inStride = capacity * from.channels + kSkew, outStride = capacity * to.channels + kSkew;
  const at::Tensor scratch = floats(threads * kPoints * (inStride + outStride));
  const at::Tensor zeros = at::zeros({from.channels}, at::kFloat);
  float* const rooms = scratch.data_ptr<float>();
  const float *source = input.data_ptr<float>(), *outside = zeros.data_ptr<float>();
  float* target = output.data_ptr<float>();

  shareOut(blocks, 1, [&](int64_t begin, int64_t end) {
    float* own = rooms + at::get_thread_num() * kPoints * (inStride + outStride);
    const Transformed values{own, capacity, inStride}, products{own + kPoints * inStride, capacity, outStride};
    for (int64_t block = begin; block < end; ++block) {
      const int64_t first = block * capacity, count = std::min(capacity, tiles - first);
      transformTiles<inputLine, kTile>(source, from, 1, first, count, outside, values, 0);
      const int64_t rows = roundUp(count, kRows);  // values of rows after `count` are undefined and are not written
      for (int64_t point = 0; point < kPoints; ++point) {
        for (int64_t panel = 0; panel < weight.panels(); ++panel) {
          auto* product = weight.width(panel) == kPanel ? multiply<2> : multiply<1>;
          product(values.at(point, 0, 0), weight.at(point, panel), products.at(point, 2 * panel, 0), rows, capacity,
                  from.channels);
        }
      }
      writeTiles(products, first, count, target, to);
    }
  });
  return output;
}

at::Tensor convolution(const at::Tensor& input, const at::Tensor& weight) {
  const int64_t out = weight.size(0), in = weight.size(1), taps = kKernel * kKernel;
  return convolve(input, {weight.data_ptr<float>(), out, in, in * taps, taps, false});
}

at::Tensor inputGradient(const at::Tensor& gradient, const at::Tensor& weight) {
  const int64_t out = weight.size(0), in = weight.size(1), taps = kKernel * kKernel;
  return convolve(gradient, {weight.data_ptr<float>(), in, out, taps, in * taps, true});
}

/** The products of input and gradient at all points: `[36][in][out]`, with `stride` floats from one point to the next. */
struct Products {
  int64_t in, out, stride;
  Products(const Planes& from, const Planes& to)
      : in(from.channels), out(to.channels), stride(from.channels * to.channels + kSkew) {}
  int64_t size() const { return kPoints * stride; }
  int64_t jobs() const { return kPoints * (in / kLanes); }

  /** Adds the products of `count` tiles at one point for one block of inputs, which `job` says. */
  void add(int64_t job, const Transformed& values, const Transformed& gradients, int64_t count, float* sums) const {
    const int64_t point = job / (in / kLanes), block = job % (in / kLanes);
    for (int64_t column = 0; column < out; column += kPanel) {
      auto* add = out - column >= kPanel ? addOuterProducts<2> : addOuterProducts<1>;
      for (int64_t row = 0; row < kLanes; row += kGradientRows) {
        float* sum = sums + point * stride + (block * kLanes + row) * out + column;
        add(values.at(point, block, 0) + row, gradients.at(point, column / kLanes, 0), sum, count, values.capacity, out);
      }
    }
  }
};

/** What the products are made of. */
struct Factors {
  const float *source, *slope;
  Planes from, to;
  at::Tensor zeros;

  int64_t strideOf(const Planes& planes, int64_t capacity) const { return capacity * planes.channels + kSkew; }
  /** Floats for `capacity` transformed tiles of both. */
  int64_t room(int64_t capacity) const { return kPoints * (strideOf(from, capacity) + strideOf(to, capacity)); }
  Transformed values(float* room, int64_t capacity) const { return {room, capacity, strideOf(from, capacity)}; }
  Transformed gradients(float* room, int64_t capacity) const {
    return {room + kPoints * strideOf(from, capacity), capacity, strideOf(to, capacity)};
  }
  /** Transforms tiles `first` to `first + count` of both to `room`, from position `place`. */
  void transform(int64_t first, int64_t count, float* room, int64_t capacity, int64_t place) const {
    const float* outside = zeros.data_ptr<float>();
    transformTiles<inputLine, kTile>(source, from, 1, first, count, outside, values(room, capacity), place);
    transformTiles<outputGradientLine, kOutput>(slope, to, 0, first, count, outside, gradients(room, capacity), place);
  }
};

/** Few channels: each thread adds up parts of the tiles by itself, so that transformed values stay in its cache. */
void addPartByPart(const Factors& factors, const Products& products, float* sums) {
  const int64_t tiles = factors.from.tiles(), room = factors.room(kBlockTiles);
  const at::Tensor scratch = floats(at::get_num_threads() * room);
  const at::Tensor parts = at::zeros({kParts, products.size()}, at::kFloat);
  shareOut(kParts, 1, [&](int64_t part, int64_t) {
    float* own = scratch.data_ptr<float>() + at::get_thread_num() * room;
    float* sum = parts.data_ptr<float>() + part * products.size();
    const int64_t end = tiles * (part + 1) / kParts;
    for (int64_t first = tiles * part / kParts; first < end; first += kBlockTiles) {
      const int64_t count = std::min(kBlockTiles, end - first);
      factors.transform(first, count, own, kBlockTiles, 0);
      for (int64_t job = 0; job < products.jobs(); ++job)
        products.add(job, factors.values(own, kBlockTiles), factors.gradients(own, kBlockTiles), count, sum);
    }
  });
  for (int64_t part = 0; part < kParts; ++part) {
    const float* sum = parts.data_ptr<float>() + part * products.size();
    for (int64_t i = 0; i < products.size(); ++i) sums[i] += sum[i];
  }
}

/** Many channels: all threads transform as many tiles as fit, and then each adds up some of the sums. */
void addTogether(const Factors& factors, const Products& products, float* sums) {
  const int64_t tiles = factors.from.tiles();
  const int64_t shared = kSharedBytes / (factors.room(1) * static_cast<int64_t>(sizeof(float)));
  const int64_t capacity = std::min(std::max(shared, kBlockTiles), tiles);
  const at::Tensor scratch = floats(factors.room(capacity));
  float* room = scratch.data_ptr<float>();
  for (int64_t first = 0; first < tiles; first += capacity) {
    const int64_t count = std::min(capacity, tiles - first);
    shareOut(count, kBlockTiles, [&](int64_t begin, int64_t end) {
      factors.transform(first + begin, end - begin, room, capacity, begin);
    });
    shareOut(products.jobs(), 1, [&](int64_t job, int64_t) {
      products.add(job, factors.values(room, capacity), factors.gradients(room, capacity), count, sums);
    });
  }
}

at::Tensor weightGradient(const at::Tensor& input, const at::Tensor& gradient) {
  const Planes from = planesOf(input), to = planesOf(gradient);
  const Factors factors{input.data_ptr<float>(), gradient.data_ptr<float>(), from, to,
                        at::zeros({std::max(from.channels, to.channels)}, at::kFloat)};
  const Products products(from, to);
  const at::Tensor sums = at::zeros({products.size()}, at::kFloat);
  const bool areFew = from.channels * to.channels <= kFewChannels;
  (areFew ? addPartByPart : addTogether)(factors, products, sums.data_ptr<float>());

  auto result = at::empty({to.channels, from.channels, kKernel, kKernel}, input.options());
  const int64_t taps = kKernel * kKernel;
  shareOut(from.channels, kLanes, [&](int64_t begin, int64_t end) {
    for (int64_t in = begin; in < end; ++in)
      for (int64_t out = 0; out < to.channels; out += kLanes)
        writeKernelGradient(sums.data_ptr<float>() + in * to.channels + out, products.stride,
                            result.data_ptr<float>() + (out * from.channels + in) * taps, from.channels * taps);
  });
  return result;
}

}  // namespace

const Width kWidth{kLanes, hasVectorUnit, convolution, inputGradient, weightGradient};

}  // namespace salmask::winograd::SALMASK_WIDTH
