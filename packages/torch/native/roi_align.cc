// `salmask::fast_roi_align`: region of interest alignment (He et al. 2017, section 3) on a CPU, from the feature maps of
// several levels at once. torchvision's kernel reads planes row by row, one channel after another, on one thread: it took
// a fifth of a detector's step on one thread. With channels last a bin is a sum of vectors, and the layers that follow
// get the layout that they want.
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/library.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "plain.h"
#include "roi_align_kernels.h"
#include "saved.h"

namespace salmask {
namespace {

using roialign::Share;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

/** Places and bins along a side, and samples of a bin, at most: coordinates up to here are whole in float32. */
constexpr int64_t kMost = int64_t{1} << 24;
/** Channels that a thread adds gradients to, at least: a line of the processor's cache. */
constexpr int64_t kLeastChannels = 16;

struct Pooling {
  std::vector<double> scales;  // of each level
  int64_t rows, columns, samplingRatio;
  bool aligned;
};

struct Plane {
  int64_t height, width;
};

/** The places of a line that the samples of each bin lie between, each once, and their shares of the bin. */
struct Line {
  std::vector<Share> shares;
  std::vector<size_t> ends;  // of each bin

  /** `bins` from one coordinate to another along `side` places, in the order of operations of torchvision's kernel. */
  void fill(float from, float to, int64_t bins, int64_t side, const Pooling& pooling) {
    shares.clear();
    ends.clear();
    const float length = pooling.aligned ? to - from : std::max(to - from, 1.f);
    const float step = length / static_cast<float>(bins);
    const int64_t samples = pooling.samplingRatio > 0 ? pooling.samplingRatio : static_cast<int64_t>(std::ceil(step));
    const float share = 1.f / static_cast<float>(std::max<int64_t>(samples, 1));
    for (int64_t bin = 0; bin < bins; ++bin) {
      const size_t start = shares.size();
      for (int64_t i = 0; i < samples; ++i) {
        const float at = from + static_cast<float>(bin) * step +
                         (static_cast<float>(i) + .5f) * step / static_cast<float>(samples);
        // A sample more than one place outside is 0.
        if (at < -1.f || at > static_cast<float>(side)) continue;
        const float inside = std::min(std::max(at, 0.f), static_cast<float>(side - 1));
        const int64_t low = static_cast<int64_t>(inside);
        const float part = inside - static_cast<float>(low);
        add(start, low, (1.f - part) * share);
        if (part > 0.f) add(start, low + 1, part * share);
      }
      ends.push_back(shares.size());
    }
  }

  size_t begin(size_t bin) const { return bin == 0 ? 0 : ends[bin - 1]; }

 private:
  void add(size_t start, int64_t place, float weight) {
    // Samples are in order, so that a known place is one of the last two.
    for (size_t i = shares.size(); i > start && i + 2 > shares.size(); --i) {
      if (shares[i - 1].offset != place) continue;
      shares[i - 1].weight += weight;
      return;
    }
    shares.push_back({place, weight});
  }
};

/** Regions `[R, 5]`, each at one of the levels. */
struct Regions {
  const at::Tensor &rois, &levels;
  const std::vector<Plane>& planes;
  const Pooling& pooling;
  int64_t channels;

  int64_t bins() const { return pooling.rows * pooling.columns; }
  int64_t levelOf(int64_t region) const { return levels.data_ptr<int64_t>()[region]; }

  /** Calls `visit(bin, shares, how many)` for each bin of a region; offsets are from the start of its level's maps. */
  template <typename Visit>
  void eachBin(int64_t region, const Visit& visit) const {
    thread_local Line down, across;
    thread_local std::vector<Share> shares;
    const float* roi = rois.data_ptr<float>() + 5 * region;
    const int64_t level = levelOf(region), image = static_cast<int64_t>(roi[0]);
    const Plane plane = planes[level];
    const float scale = static_cast<float>(pooling.scales[level]), shift = pooling.aligned ? .5f : 0.f;
    const auto scaled = [&](int64_t side) { return roi[side] * scale - shift; };
    across.fill(scaled(1), scaled(3), pooling.columns, plane.width, pooling);
    down.fill(scaled(2), scaled(4), pooling.rows, plane.height, pooling);
    for (int64_t bin = 0; bin < bins(); ++bin) {
      const size_t y = bin / pooling.columns, x = bin % pooling.columns;
      shares.clear();
      for (size_t i = down.begin(y); i < down.ends[y]; ++i) {
        const int64_t row = (image * plane.height + down.shares[i].offset) * plane.width;
        for (size_t j = across.begin(x); j < across.ends[x]; ++j)
          shares.push_back({(row + across.shares[j].offset) * channels, down.shares[i].weight * across.shares[j].weight});
      }
      visit(bin, shares.data(), static_cast<int64_t>(shares.size()));
    }
  }
};

at::Tensor channelsLast(at::IntArrayRef shape, const at::TensorOptions& options) {
  return at::empty(shape, options, at::MemoryFormat::ChannelsLast);
}

struct RoiAlign : torch::autograd::Function<RoiAlign> {
  static at::Tensor forward(AutogradContext* ctx, at::TensorList maps, const at::Tensor& rois, const at::Tensor& levels,
                            const Pooling& pooling) {
    std::vector<Plane> planes;
    std::vector<const float*> values;
    std::vector<int64_t> sides;
    for (const auto& level : maps) {
      planes.push_back({level.size(2), level.size(3)});
      values.push_back(level.data_ptr<float>());
      sides.insert(sides.end(), {level.size(2), level.size(3)});
    }
    const int64_t channels = maps[0].size(1);
    saveWithShapes(ctx, {rois, levels});
    ctx->saved_data["sides"] = sides;
    ctx->saved_data["images"] = maps[0].size(0);
    ctx->saved_data["scales"] = pooling.scales;
    ctx->saved_data["rows"] = pooling.rows;
    ctx->saved_data["columns"] = pooling.columns;
    ctx->saved_data["samplingRatio"] = pooling.samplingRatio;
    ctx->saved_data["aligned"] = pooling.aligned;
    const auto output = channelsLast({rois.size(0), channels, pooling.rows, pooling.columns}, maps[0].options());
    const Regions regions{rois, levels, planes, pooling, channels};
    float* to = output.data_ptr<float>();
    at::parallel_for(0, rois.size(0), 1, [&](int64_t begin, int64_t end) {
      for (int64_t region = begin; region < end; ++region) {
        const float* from = values[regions.levelOf(region)];
        regions.eachBin(region, [&](int64_t bin, const Share* shares, int64_t count) {
          roialign::sum(from, shares, count, channels, to + (region * regions.bins() + bin) * channels);
        });
      }
    });
    return output;
  }

  static variable_list backward(AutogradContext* ctx, variable_list gradients) {
    const auto saved = savedAsShaped(ctx);
    auto& data = ctx->saved_data;
    const Pooling pooling{data["scales"].toDoubleVector(), data["rows"].toInt(), data["columns"].toInt(),
                          data["samplingRatio"].toInt(), data["aligned"].toBool()};
    const auto sides = data["sides"].toIntVector();
    const int64_t images = data["images"].toInt(), channels = gradients[0].size(1);
    const auto gradient = inMemory(gradients[0], at::MemoryFormat::ChannelsLast);
    std::vector<Plane> planes;
    std::vector<float*> values;
    variable_list ofMaps;
    for (size_t level = 0; level < sides.size() / 2; ++level) {
      planes.push_back({sides[2 * level], sides[2 * level + 1]});
      ofMaps.push_back(channelsLast({images, channels, planes[level].height, planes[level].width}, gradient.options()).zero_());
      values.push_back(ofMaps[level].data_ptr<float>());
    }
    const Regions regions{saved[0], saved[1], planes, pooling, channels};
    const float* from = gradient.data_ptr<float>();
    // Regions overlap, so threads share the channels out, not the regions: each sum has one order.
    const int64_t parts = (channels + kLeastChannels - 1) / kLeastChannels;
    at::parallel_for(0, parts, 1, [&](int64_t begin, int64_t end) {
      const int64_t first = begin * kLeastChannels, count = std::min(end * kLeastChannels, channels) - first;
      for (int64_t region = 0; region < saved[0].size(0); ++region) {
        float* to = values[regions.levelOf(region)] + first;
        regions.eachBin(region, [&](int64_t bin, const Share* shares, int64_t places) {
          roialign::spread(from + (region * regions.bins() + bin) * channels + first, shares, places, count, to);
        });
      }
    });
    ofMaps.resize(ofMaps.size() + 3);
    return ofMaps;
  }
};

/** Whether the tensor's values are stored unchanged, and as this type, in this process's memory. */
void expectMaps(at::TensorList maps, const std::vector<double>& scales) {
  TORCH_CHECK(!maps.empty() && maps.size() == scales.size(), "Expected a scale of each of at least one level, got ",
              maps.size(), " levels and ", scales.size(), " scales.");
  for (const auto& level : maps) {
    TORCH_CHECK(isPlain(level, at::kFloat), "Expected float32 feature maps on the CPU, got ", level.scalar_type(), " on ",
                level.device(), ".");
    TORCH_CHECK(level.dim() == 4 && level.numel() > 0 && level.size(2) <= kMost && level.size(3) <= kMost,
                "Expected feature maps [B, C, H, W], got ", level.sizes(), ".");
    TORCH_CHECK(level.size(0) == maps[0].size(0) && level.size(1) == maps[0].size(1),
                "Expected feature maps of ", maps[0].size(0), " pictures and ", maps[0].size(1),
                " channels, as of the first level, got ", level.sizes(), ".");
  }
}

void expectRegions(const at::Tensor& rois, const at::Tensor& levels, const std::vector<double>& scales, int64_t images) {
  const auto* sides = rois.data_ptr<float>();
  const auto* of = levels.data_ptr<int64_t>();
  const int64_t count = static_cast<int64_t>(scales.size());
  for (int64_t region = 0; region < rois.size(0); ++region, sides += 5) {
    TORCH_CHECK(of[region] >= 0 && of[region] < count, "Expected regions of ", count, " levels, got one of level ",
                of[region], ".");
    const float image = sides[0];
    TORCH_CHECK(image >= 0 && image < static_cast<float>(images) && image == std::floor(image),
                "Expected regions of the batch's ", images, " pictures, got one of picture ", image, ".");
    for (int64_t side = 1; side < 5; ++side) {
      // As the kernel computes it.
      const float place = sides[side] * static_cast<float>(scales[of[region]]);
      // False for NaN, which has no place.
      TORCH_CHECK(std::abs(place) <= static_cast<float>(kMost), "Expected regions within ", kMost, " places, got a side at ", place, ".");
    }
  }
}

at::Tensor roiAlign(at::TensorList maps, const at::Tensor& rois, const at::Tensor& levels, at::ArrayRef<double> scales,
                    int64_t rows, int64_t columns, int64_t samplingRatio, bool aligned) {
  const Pooling pooling{scales.vec(), rows, columns, samplingRatio, aligned};
  expectMaps(maps, pooling.scales);
  TORCH_CHECK(rois.dim() == 2 && rois.size(1) == 5 && isPlain(rois, at::kFloat), "Expected float32 regions [R, 5] on the CPU, got ",
              rois.scalar_type(), " ", rois.sizes(), " on ", rois.device(), ".");
  TORCH_CHECK(levels.dim() == 1 && levels.size(0) == rois.size(0) && isPlain(levels, at::kLong),
              "Expected int64 levels [", rois.size(0), "] on the CPU, got ", levels.scalar_type(), " ", levels.sizes(), " on ",
              levels.device(), ".");
  TORCH_CHECK(rows >= 1 && rows <= kMost && columns >= 1 && columns <= kMost, "Expected from 1 to ", kMost,
              " rows and columns of bins, got ", rows, " and ", columns, ".");
  TORCH_CHECK(samplingRatio <= kMost, "Expected a sampling ratio up to ", kMost, ", got ", samplingRatio, ".");
  const auto regions = rois.detach().contiguous(), places = levels.detach().contiguous();
  expectRegions(regions, places, pooling.scales, maps[0].size(0));
  std::vector<at::Tensor> laid;
  for (const auto& level : maps) laid.push_back(level.contiguous(at::MemoryFormat::ChannelsLast));
  return RoiAlign::apply(at::TensorList(laid), regions, places, pooling);
}

}  // namespace

TORCH_LIBRARY_FRAGMENT(salmask, library) {
  library.def(
      "fast_roi_align(Tensor[] maps, Tensor rois, Tensor levels, float[] scales, int rows, int columns, int sampling_ratio, "
      "bool aligned) -> Tensor",
      &roiAlign);
}

}  // namespace salmask
