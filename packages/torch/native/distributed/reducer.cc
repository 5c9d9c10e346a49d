#include "reducer.h"

#include <ATen/core/grad_mode.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/distributed/c10d/reducer.hpp>
#include <torch/version.h>

#include <algorithm>
#include <type_traits>
#include <unordered_map>

#include "tables.h"

namespace salmask::distributed {
namespace {

/**
 * c10d warns once where all parameters are used, because looking for unused ones takes time, and where the strides of a gradient are not
 * its bucket's. Autograd makes them equal along all axes longer than 1; for the others, as in convolutions of one pixel, they have no
 * meaning, and the gradient is copied to its bucket as any other.
 */
bool isMeant(const std::string& warning) {
  return warning.find("find_unused_parameters") != std::string::npos || warning.find("Grad strides do not match") == 0;
}

struct WithoutMeant : c10::WarningHandler {
#if TORCH_VERSION_MAJOR >= 2
  void process(const c10::Warning& warning) override {
    if (!isMeant(warning.msg())) c10::WarningHandler::process(warning);
  }
#else
  void process(const c10::SourceLocation& at, const std::string& message, const bool verbatim) override {
    if (!isMeant(message)) c10::WarningHandler::process(at, message, verbatim);
  }
#endif
};

/** For this thread, which also runs the reducers' backward passes. */
void leaveOutMeantWarnings() {
  static WithoutMeant handler;
#if TORCH_VERSION_MAJOR >= 2
  c10::WarningUtils::set_warning_handler(&handler);
#else
  c10::Warning::set_warning_handler(&handler);
#endif
}

std::vector<at::Tensor> tensorsOf(const Arguments& args, napi_value list) {
  std::vector<at::Tensor> out;
  const uint32_t n = listLength(args.env, list, "parameters");
  for (uint32_t i = 0; i < n; ++i)
    out.push_back(args.environment->tensors.get(toHandle(args.env, element(args.env, list, i), "parameter")));
  return out;
}

}  // namespace

/** c10d keeps to itself which parameters the roots do not reach. */
struct Reducer::Open : c10d::Reducer {
  using c10d::Reducer::Reducer;
  const std::vector<size_t>& unused() const { return unused_parameters_; }
};

namespace {

/** The constructors of c10d's reducers: the limits of buckets are no argument of later ones, which take more at the end. */
template <typename Made, typename Limits, typename... Rest>
std::unique_ptr<Made> make(const std::vector<at::Tensor>& parameters, const std::vector<std::vector<size_t>>& buckets,
                           const Limits& limits, const c10::intrusive_ptr<c10d::ProcessGroup>& group,
                           const std::vector<bool>& sparse, Rest... rest) {
  using Tensors = const std::vector<at::Tensor>&;
  using Buckets = const std::vector<std::vector<size_t>>&;
  using Group = const c10::intrusive_ptr<c10d::ProcessGroup>&;
  using Sparse = const std::vector<bool>&;
  if constexpr (std::is_constructible_v<Made, Tensors, Buckets, const Limits&, Group, Sparse, Rest...>)
    return std::make_unique<Made>(parameters, buckets, limits, group, sparse, rest...);
  else if constexpr (std::is_constructible_v<Made, Tensors, Buckets, Group, Sparse, Rest...>)
    return std::make_unique<Made>(parameters, buckets, group, sparse, rest...);
  else if constexpr (std::is_constructible_v<Made, Tensors, Buckets, Group, Sparse, Rest..., bool, bool>)
    return std::make_unique<Made>(parameters, buckets, group, sparse, rest..., false, false);
  else
    return std::make_unique<Made>(parameters, buckets, group, sparse, rest..., false, false, std::vector<int64_t>());
}

}  // namespace

Reducer::Reducer(const ReducerSettings& settings) : parameters_(settings.parameters), group_(settings.group) {
  leaveOutMeantWarnings();
  // The gradients of the last parameters are the first to be ready.
  std::vector<at::Tensor> reversed(parameters_.rbegin(), parameters_.rend());
  std::vector<int64_t> order;
  for (size_t i = parameters_.size(); i > 0; --i) order.push_back(static_cast<int64_t>(i) - 1);
  const std::vector<size_t> limits{static_cast<size_t>(settings.firstBucketBytes), static_cast<size_t>(settings.bucketBytes)};
  const std::vector<bool> sparse(parameters_.size(), false);
  const auto [buckets, bucketLimits] = c10d::compute_bucket_assignment_by_size(reversed, limits, sparse, order);
  std::unordered_map<size_t, std::string> names;
  for (size_t i = 0; i < settings.names.size(); ++i) names.emplace(i, settings.names[i]);
  reducer_ = make<Open>(parameters_, buckets, bucketLimits, group_->forReducer(), sparse, settings.bucketBytes,
                        /*find_unused_parameters=*/true, /*gradient_as_bucket_view=*/true, names, settings.firstBucketBytes);
  // The buckets, and a map of the parameters that are used.
  calls_ = static_cast<int64_t>(buckets.size()) + 1;
  bytes_ = static_cast<int64_t>(parameters_.size() * sizeof(int32_t));
  for (const auto& parameter : parameters_) bytes_ += static_cast<int64_t>(parameter.nbytes());
}

Reducer::~Reducer() = default;

void Reducer::prepare(std::vector<at::Tensor>& roots, std::vector<at::Tensor>& gradients) {
  group_->beginReducing(calls_, bytes_);
  reducer_->prepare_for_backward(roots);
  const std::vector<size_t> unused = reducer_->unused();
  std::vector<size_t> added;
  for (const size_t i : unused)
    if (parameters_[i].grad().defined()) added.push_back(i);
  // The reduction begins with the first gradient, and the other ranks wait for it.
  if (added.empty() && unused.size() == parameters_.size()) added.push_back(0);
  if (added.empty()) return;
  const at::AutoGradMode recording(true);
  for (const size_t i : added) {
    const at::Tensor& parameter = parameters_[i];
    roots.push_back(parameter.view_as(parameter));
    gradients.push_back(at::zeros({}, parameter.options().requires_grad(false)).expand(parameter.sizes()));
  }
  reducer_->prepare_for_backward(roots);
}

void Reducer::failed() noexcept { group_->fail(); }

/// reducerCreate(parameters, names, group, firstBucketBytes, bucketBytes) -> reducer
napi_value reducerCreate(const Arguments& args) {
  ReducerSettings settings{tensorsOf(args, args[0]), {}, nullptr, 0, 0};
  TORCH_CHECK(!settings.parameters.empty(), "Expected at least one parameter, got none.");
  const uint32_t n = listLength(args.env, args[1], "names");
  for (uint32_t i = 0; i < n; ++i) settings.names.push_back(toString(args.env, element(args.env, args[1], i), "name"));
  settings.group = tables(args).groups.get(toHandle(args.env, args[2], "group")).pointer;
  settings.firstBucketBytes = toInt(args.env, args[3], "firstBucketBytes", 1, kLargestInteger);
  settings.bucketBytes = toInt(args.env, args[4], "bucketBytes", 1, kLargestInteger);
  for (const auto& parameter : settings.parameters)
    TORCH_CHECK(parameter.requires_grad() && parameter.is_leaf(), "Expected parameters that are leaves and require a gradient.");
  return fromHandle(args.env, tables(args).reducers.add({std::make_shared<Reducer>(settings)}));
}

/// reducerPrepare(reducer): the next backward pass of this thread reduces
napi_value reducerPrepare(const Arguments& args) {
  const auto reducer = tables(args).reducers.get(toHandle(args.env, args[0], "reducer")).pointer;
  auto& waiting = args.environment->beforeBackward;
  if (std::find(waiting.begin(), waiting.end(), reducer) == waiting.end()) waiting.push_back(reducer);
  return undefined(args.env);
}

/// reducerReduce(reducer): reduces the gradients that are there, without a loss
napi_value reducerReduce(const Arguments& args) {
  const auto reducer = tables(args).reducers.get(toHandle(args.env, args[0], "reducer")).pointer;
  std::vector<at::Tensor> roots, gradients;
  reducer->prepare(roots, gradients);
  try {
    torch::autograd::backward(roots, gradients);
  } catch (...) {
    reducer->failed();
    throw;
  }
  return undefined(args.env);
}

napi_value reducerRelease(const Arguments& args) {
  const uint32_t handle = toHandle(args.env, args[0], "reducer");
  auto& waiting = args.environment->beforeBackward;
  const auto reducer = tables(args).reducers.get(handle).pointer;
  waiting.erase(std::remove(waiting.begin(), waiting.end(), reducer), waiting.end());
  tables(args).reducers.release(handle);
  return undefined(args.env);
}

}  // namespace salmask::distributed
