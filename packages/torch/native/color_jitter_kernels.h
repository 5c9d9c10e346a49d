// The arithmetic of colour jitter on an image's planes of red, green and blue values in [0, 1], one after another. Loops are plain, so that
// the compiler makes vectors of any processor's from them. Comparisons are false for NaN, so that NaN passes.
#pragma once
#include <cstdint>

#pragma GCC push_options
#pragma GCC optimize("O3")

namespace salmask::colorjitter {

struct Image {
  float* values;  // [3][places]
  int64_t places;
  float* plane(int64_t channel) const { return values + channel * places; }
};

static inline float withinOne(float value) {
  const float least = value < 0.f ? 0.f : value;
  return least > 1.f ? 1.f : least;
}

/** Brightness with the weights of torchvision. */
static inline float luma(float red, float green, float blue) { return 0.2989f * red + 0.587f * green + 0.114f * blue; }

/** `factor * value + target`, clamped to [0, 1]. */
static void blendAll(const Image& image, float factor, float target) {
  for (int64_t i = 0; i < 3 * image.places; ++i) image.values[i] = withinOne(factor * image.values[i] + target);
}

static float meanLuma(const Image& image) {
  constexpr int64_t kSums = 8;
  const float *red = image.plane(0), *green = image.plane(1), *blue = image.plane(2);
  double sums[kSums] = {};
  const int64_t whole = image.places / kSums * kSums;
  for (int64_t i = 0; i < whole; i += kSums)
    for (int64_t k = 0; k < kSums; ++k) sums[k] += luma(red[i + k], green[i + k], blue[i + k]);
  for (int64_t i = whole; i < image.places; ++i) sums[0] += luma(red[i], green[i], blue[i]);
  double sum = 0;
  for (const double part : sums) sum += part;
  return static_cast<float>(sum / static_cast<double>(image.places));
}

/** Blends each place with its grey value. */
static void saturate(const Image& image, float factor) {
  float *red = image.plane(0), *green = image.plane(1), *blue = image.plane(2);
  for (int64_t i = 0; i < image.places; ++i) {
    const float grey = (1.f - factor) * luma(red[i], green[i], blue[i]);
    red[i] = withinOne(factor * red[i] + grey);
    green[i] = withinOne(factor * green[i] + grey);
    blue[i] = withinOne(factor * blue[i] + grey);
  }
}

/** The share of the chroma that a channel has, `clamp(|6 (turns mod 1) - 2| - 1, 0, 1)`, for `turns` from -2 to 4. */
static inline float share(float turns) {
  const float positive = turns + 2.f;
  // Other values, and NaN, have no whole number that the conversion could give.
  const float whole = static_cast<float>(static_cast<int32_t>(positive >= 0.f && positive < 8.f ? positive : 0.f));
  const float fraction = positive - whole;
  const float signedDistance = 6.f * fraction - 2.f;
  return withinOne((signedDistance < 0.f ? -signedDistance : signedDistance) - 1.f);
}

/**
 * Shifts the hue by `shift` turns, in [-0.5, 0.5], and keeps value and saturation (HSV). Back in RGB a channel is its place's least value
 * and a share of the chroma (the closed form of the conversion).
 */
static void turnHue(const Image& image, float shift) {
  float *reds = image.plane(0), *greens = image.plane(1), *blues = image.plane(2);
  for (int64_t i = 0; i < image.places; ++i) {
    const float red = reds[i], green = greens[i], blue = blues[i];
    const float greater = green < blue ? blue : green, smaller = green < blue ? green : blue;
    const float most = red < greater ? greater : red, least = smaller < red ? smaller : red;
    const float chroma = most - least;
    // A grey place has no hue. Any divisor except zero is correct, because the shares are multiplied by the chroma.
    const float divisor = chroma < 1e-12f ? 1e-12f : chroma;
    const float fromRed = (green - blue) / divisor;
    const float fromGreen = (blue - red) / divisor + 2.f;
    const float fromBlue = (red - green) / divisor + 4.f;
    const float sixths = red == most ? fromRed : green == most ? fromGreen : fromBlue;  // 6 hue, in [-1, 5]
    const float turns = sixths * (1.f / 6.f) + shift;
    reds[i] = share(turns + 5.f / 6.f) * chroma + least;
    greens[i] = share(turns + 3.f / 6.f) * chroma + least;
    blues[i] = share(turns + 1.f / 6.f) * chroma + least;
  }
}

}  // namespace salmask::colorjitter

#pragma GCC pop_options
