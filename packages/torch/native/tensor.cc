// Everything except operators: properties of tensors, copies in and out, autograd, generators, process-wide settings.
#include "tensor.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Parallel.h>
#include <ATen/autocast_mode.h>
#include <malloc.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/version.h>
#include <cstdlib>
#include <cstring>
#include <unordered_set>
#include <utility>

#include "block_cache.h"
#include "environment.h"
#include "plain.h"

namespace salmask {

namespace {

at::Tensor& tensorAt(const Arguments& args, size_t i) {
  return args.environment->tensors.get(toHandle(args.env, args[i], "tensor"));
}

at::ScalarType toScalarType(napi_env env, napi_value v) {
  return static_cast<at::ScalarType>(toInt(env, v, "dtype", 0, static_cast<int64_t>(at::ScalarType::NumOptions) - 1));
}

/** The largest number of threads that can be set: more than any machine has, and it fits an int. */
constexpr int64_t kMostThreads = 4096;

napi_value fromInts(napi_env env, at::IntArrayRef values) {
  napi_value out;
  check(napi_create_array_with_length(env, values.size(), &out), "making an array");
  for (size_t i = 0; i < values.size(); ++i)
    check(napi_set_element(env, out, i, fromDouble(env, static_cast<double>(values[i]))), "filling an array");
  return out;
}

struct Bytes {
  void* data;
  size_t size;
};

Bytes bytesOf(napi_env env, napi_value view) {
  napi_typedarray_type type;
  size_t length, offset;
  void* data;
  napi_value buffer;
  TORCH_CHECK(napi_get_typedarray_info(env, view, &type, &length, &data, &buffer, &offset) == napi_ok,
              "Expected a typed array.");
  static constexpr size_t kWidth[] = {1, 1, 1, 2, 2, 4, 4, 4, 8, 8, 8};
  TORCH_CHECK(type < 11, "Expected a typed array of a kind that Node-API 8 knows.");
  return {data, length * kWidth[type]};
}

}  // namespace

napi_value shape(const Arguments& args) { return fromInts(args.env, tensorAt(args, 0).sizes()); }
napi_value strides(const Arguments& args) { return fromInts(args.env, tensorAt(args, 0).strides()); }
napi_value scalarType(const Arguments& args) {
  return fromDouble(args.env, static_cast<double>(tensorAt(args, 0).scalar_type()));
}
napi_value device(const Arguments& args) { return fromString(args.env, tensorAt(args, 0).device().str()); }
napi_value isLeaf(const Arguments& args) { return fromBool(args.env, tensorAt(args, 0).is_leaf()); }
napi_value requiresGrad(const Arguments& args) { return fromBool(args.env, tensorAt(args, 0).requires_grad()); }
napi_value setRequiresGrad(const Arguments& args) {
  tensorAt(args, 0).set_requires_grad(toBool(args.env, args[1], "requiresGrad"));
  return undefined(args.env);
}
napi_value release(const Arguments& args) {
  args.environment->tensors.release(toHandle(args.env, args[0], "tensor"));
  return undefined(args.env);
}

napi_value item(const Arguments& args) {
  at::Scalar value = tensorAt(args, 0).item();
  return fromDouble(args.env, value.isBoolean() ? static_cast<double>(value.toBool()) : value.toDouble());
}

napi_value fromBytes(const Arguments& args) {
  auto sizes = toInts(args.env, args[1], "shape");
  auto type = toScalarType(args.env, args[2]);
  c10::Device where(toString(args.env, args[3], "device"));
  // Last: reading an array runs JavaScript where it has getters, which could take the bytes away.
  Bytes bytes = bytesOf(args.env, args[0]);
  // A copy from pinned memory is queued behind the GPU's work. From other memory this thread would wait for that work.
  at::Tensor out = at::empty(sizes, at::TensorOptions().dtype(type).pinned_memory(where.is_cuda()));
  TORCH_CHECK(out.nbytes() == bytes.size, "Expected ", out.nbytes(), " bytes for a tensor of shape ",
              at::IntArrayRef(sizes), ", got ", bytes.size, ".");
  if (bytes.size > 0) std::memcpy(out.data_ptr(), bytes.data, bytes.size);
  if (!where.is_cpu()) out = out.to(where, type, /*non_blocking=*/true);
  return fromHandle(args.env, args.environment->tensors.add(std::move(out)));
}

napi_value toBytes(const Arguments& args) {
  at::Tensor source = valuesOf(tensorAt(args, 0).detach().cpu());
  Bytes bytes = bytesOf(args.env, args[1]);
  TORCH_CHECK(source.nbytes() == bytes.size, "Expected an array of ", source.nbytes(), " bytes, got ",
              bytes.size, ".");
  if (bytes.size > 0) std::memcpy(bytes.data, source.data_ptr(), bytes.size);
  return undefined(args.env);
}

napi_value backward(const Arguments& args) {
  std::vector<at::Tensor> roots{tensorAt(args, 0)}, gradients;
  if (typeOf(args.env, args[1]) == napi_number) gradients.push_back(tensorAt(args, 1));
  else gradients.emplace_back();
  const bool retainGraph = toBool(args.env, args[2], "retainGraph");
  const auto steps = std::exchange(args.environment->beforeBackward, {});
  for (const auto& step : steps) step->prepare(roots, gradients);
  try {
    torch::autograd::backward(roots, gradients, retainGraph);
  } catch (...) {
    for (const auto& step : steps) step->failed();
    throw;
  }
  return undefined(args.env);
}

napi_value grad(const Arguments& args) {
  const at::Tensor& g = tensorAt(args, 0).grad();
  if (!g.defined()) return undefined(args.env);
  return fromHandle(args.env, args.environment->tensors.add(g));
}

napi_value setGrad(const Arguments& args) {
  const at::Tensor& tensor = tensorAt(args, 0);
  at::Tensor gradient;
  if (typeOf(args.env, args[1]) == napi_number) gradient = tensorAt(args, 1);
  if (gradient.defined()) {
    TORCH_CHECK(gradient.sizes() == tensor.sizes() && gradient.scalar_type() == tensor.scalar_type(), "Expected a gradient ",
                tensor.sizes(), " of type ", tensor.scalar_type(), ", as the tensor, got ", gradient.sizes(), " of type ",
                gradient.scalar_type(), ".");
    TORCH_CHECK(gradient.device() == tensor.device(), "Expected a gradient on ", tensor.device(), ", as the tensor, got ",
                gradient.device(), ".");
  }
  tensor.mutable_grad() = gradient;
  return undefined(args.env);
}

napi_value gradEnabled(const Arguments& args) { return fromBool(args.env, at::GradMode::is_enabled()); }
napi_value setGradEnabled(const Arguments& args) {
  const bool enabled = toBool(args.env, args[0], "enabled");
  // A weight that autocast has converted without recording would be used again where its gradient is wanted.
  if (enabled != at::GradMode::is_enabled()) at::autocast::clear_cache();
  at::GradMode::set_enabled(enabled);
  return undefined(args.env);
}

napi_value setAutocast(const Arguments& args) {
  c10::Device where(toString(args.env, args[0], "device"));
  bool enabled = toBool(args.env, args[1], "enabled");
  auto type = toScalarType(args.env, args[2]);
#if TORCH_VERSION_MAJOR > 2 || (TORCH_VERSION_MAJOR == 2 && TORCH_VERSION_MINOR >= 4)
  at::autocast::set_autocast_dtype(where.type(), type);
  at::autocast::set_autocast_enabled(where.type(), enabled);
#else
  if (where.is_cuda()) {
    at::autocast::set_autocast_gpu_dtype(type);
    at::autocast::set_enabled(enabled);
  } else {
    at::autocast::set_autocast_cpu_dtype(type);
    at::autocast::set_cpu_enabled(enabled);
  }
#endif
  if (!enabled) at::autocast::clear_cache();
  return undefined(args.env);
}

napi_value makeGenerator(const Arguments& args) {
  c10::Device where(toString(args.env, args[0], "device"));
  auto seed = static_cast<uint64_t>(toInt(args.env, args[1], "seed", 0, kLargestInteger));
  at::Generator generator = where.is_cpu() ? at::make_generator<at::CPUGeneratorImpl>(seed)
                                           : at::globalContext().defaultGenerator(where).clone();
  generator.set_current_seed(seed);
  return fromHandle(args.env, args.environment->generators.add(std::move(generator)));
}

napi_value releaseGenerator(const Arguments& args) {
  args.environment->generators.release(toHandle(args.env, args[0], "generator"));
  return undefined(args.env);
}

napi_value seedGenerator(const Arguments& args) {
  args.environment->generators.get(toHandle(args.env, args[0], "generator"))
      .set_current_seed(static_cast<uint64_t>(toInt(args.env, args[1], "seed", 0, kLargestInteger)));
  return undefined(args.env);
}

napi_value liveCount(const Arguments& args) { return fromDouble(args.env, args.environment->tensors.live()); }

napi_value liveBytes(const Arguments& args) {
  std::unordered_set<const void*> seen;
  double bytes = 0;
  for (const at::Tensor& t : args.environment->tensors.slots()) {
    if (!t.defined() || !t.has_storage()) continue;
    const void* storage = t.storage().unsafeGetStorageImpl();
    if (seen.insert(storage).second) bytes += static_cast<double>(t.storage().nbytes());
  }
  return fromDouble(args.env, bytes);
}

napi_value setNumThreads(const Arguments& args) {
  at::set_num_threads(static_cast<int>(toInt(args.env, args[0], "threads", 1, kMostThreads)));
  return undefined(args.env);
}
napi_value getNumThreads(const Arguments& args) { return fromDouble(args.env, at::get_num_threads()); }

napi_value keepFreedMemory(const Arguments& args) {
  useBlockCache();
  // Temporary memory of operators comes from the heap and stays there. If it went back to the kernel, every step would
  // cause page faults again. glibc silently rejects a threshold above 32 MiB, so mmap is not used at all for large
  // blocks.
  mallopt(M_MMAP_MAX, 0);
  mallopt(M_TRIM_THRESHOLD, 1 << 30);
  mallopt(M_TOP_PAD, 64 << 20);
  // Each heap keeps the most that it ever held, and threads take turns at them: the fewer, the sooner memory stops growing.
  mallopt(M_ARENA_MAX, 2);
  return undefined(args.env);
}

napi_value returnFreedMemory(const Arguments& args) {
  malloc_trim(0);
  return undefined(args.env);
}

napi_value setDeterministic(const Arguments& args) {
  const bool on = toBool(args.env, args[0], "on");
  // cuBLAS reads it when it is first used. Without it, its products of several streams may differ.
  if (on) setenv("CUBLAS_WORKSPACE_CONFIG", ":4096:8", /*overwrite=*/0);
  at::Context& context = at::globalContext();
  context.setDeterministicCuDNN(on);
  context.setBenchmarkCuDNN(!on);
  context.setDeterministicAlgorithms(on, /*warn_only=*/true);
#if TORCH_VERSION_MAJOR > 2 || (TORCH_VERSION_MAJOR == 2 && TORCH_VERSION_MINOR >= 4)
  // libtorch would also fill all new memory, to make reads of it repeatable.
  context.setDeterministicFillUninitializedMemory(false);
#endif
  return undefined(args.env);
}

napi_value hasCuda(const Arguments& args) { return fromBool(args.env, at::hasCUDA()); }
napi_value version(const Arguments& args) { return fromString(args.env, TORCH_VERSION); }

}  // namespace salmask
