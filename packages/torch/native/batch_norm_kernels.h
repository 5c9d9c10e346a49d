// The arithmetic of batch normalisation on plain memory: rows `[rows][channels]`, channels a multiple of eight. Only
// batch_norm.cc includes this file, between the pragmas that choose the instructions.
#pragma once
#include <cstdint>

#include "vector.h"

namespace salmask::batchnorm {

// Both compare with `<= 0`, which is false for NaN. So NaN passes, forward and backward, as in libtorch's ReLU.
static inline Vector positive(Vector value) { return value <= 0.f ? Vector{} : value; }
static inline Vector whereOpen(Vector output, Vector gradient) { return output <= 0.f ? Vector{} : gradient; }

/** What follows the normalisation. */
enum class Then { Nothing, Relu, AddAndRelu };

/** Adds the sums of rows minus `shift` `[channels]`, and of their squares, to `sums` and `squares` `[channels]`. */
static void addMoments(const float* rows, int64_t count, int64_t channels, const float* shift, float* sums, float* squares) {
  for (int64_t row = 0; row < count; ++row, rows += channels) {
    for (int64_t c = 0; c < channels; c += kLanes) {
      const Vector value = load(rows + c) - load(shift + c);
      store(sums + c, load(sums + c) + value);
      store(squares + c, load(squares + c) + value * value);
    }
  }
}

/** `input * scale + shift`, then the operations of `then`. Only AddAndRelu reads `residual`. */
template <Then then>
static void normalize(const float* input, const float* residual, float* output, int64_t count, int64_t channels,
                      const float* scale, const float* shift) {
  for (int64_t row = 0; row < count; ++row, input += channels, residual += channels, output += channels) {
    for (int64_t c = 0; c < channels; c += kLanes) {
      Vector value = load(input + c) * load(scale + c) + load(shift + c);
      if (then == Then::AddAndRelu) value += load(residual + c);
      store(output + c, then == Then::Nothing ? value : positive(value));
    }
  }
}

/** The part of `gradient` that reaches the normalisation: all of it, or only where ReLU was open. */
template <Then then>
static inline Vector passed(const float* gradient, const float* input, const float* output, const float* scale,
                            const float* shift) {
  const Vector whole = load(gradient);
  if (then == Then::Nothing) return whole;
  const Vector value = then == Then::Relu ? load(input) * load(scale) + load(shift) : load(output);
  return whereOpen(value, whole);
}

/**
 * Adds the gradients that pass ReLU to `sums` `[channels]`, and their products with `input - mean` to `products`
 * `[channels]`. AddAndRelu reads `output` and also writes these gradients to `residualGradient`; Relu computes the
 * output again.
 */
template <Then then>
static void addGradientMoments(const float* gradient, const float* input, const float* output, float* residualGradient,
                               int64_t count, int64_t channels, const float* scale, const float* shift,
                               const float* mean, float* sums, float* products) {
  for (int64_t row = 0; row < count; ++row) {
    const int64_t at = row * channels;
    for (int64_t c = 0; c < channels; c += kLanes) {
      const Vector g = passed<then>(gradient + at + c, input + at + c, output + at + c, scale + c, shift + c);
      if (then == Then::AddAndRelu) store(residualGradient + at + c, g);
      store(sums + c, load(sums + c) + g);
      store(products + c, load(products + c) + g * (load(input + at + c) - load(mean + c)));
    }
  }
}

/** Adds sums to those in float64, and sets them to 0. */
static void moveSums(float* sums, double* totals, int64_t count) {
  for (int64_t i = 0; i < count; ++i) {
    totals[i] += sums[i];
    sums[i] = 0;
  }
}

/**
 * The input's gradient: `scale * g + slope * (input - mean) + constant`. For AddAndRelu `gradient` has already passed
 * ReLU.
 */
template <Then then>
static void writeInputGradient(const float* gradient, const float* input, float* inputGradient, int64_t count,
                               int64_t channels, const float* scale, const float* shift, const float* mean,
                               const float* slope, const float* constant) {
  constexpr Then stops = then == Then::AddAndRelu ? Then::Nothing : then;
  for (int64_t row = 0; row < count; ++row) {
    const int64_t at = row * channels;
    for (int64_t c = 0; c < channels; c += kLanes) {
      const Vector g = passed<stops>(gradient + at + c, input + at + c, nullptr, scale + c, shift + c);
      const Vector centred = load(input + at + c) - load(mean + c);
      store(inputGradient + at + c, load(scale + c) * g + load(slope + c) * centred + load(constant + c));
    }
  }
}

}  // namespace salmask::batchnorm
