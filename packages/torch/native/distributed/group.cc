#include "group.h"

#include <ATen/core/grad_mode.h>
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>

#include <algorithm>
#include <map>

#include "../plain.h"
#include "tables.h"

namespace salmask::distributed {
namespace {

constexpr Milliseconds kShortestPeriod{250}, kLongestPeriod{1000};
const char* const kHost = "host";

std::string prefixOf(const GroupSettings& settings) { return "salmask/" + settings.name; }

Milliseconds periodOf(Milliseconds timeout) { return std::clamp(timeout / 40, kShortestPeriod, kLongestPeriod); }

/** What a collective may take, so that there is time left to find out who is missing. */
Milliseconds patienceOf(Milliseconds timeout) { return std::max(timeout - 5 * periodOf(timeout), timeout / 2); }

/** What a mark of another rank may take to read, so that there is time left here, too. */
Milliseconds patienceForMarks(Milliseconds timeout) { return timeout / 4; }

/** Tells the others that this rank is here, and waits for them. Returns the rank that holds the store, or -1. */
int meet(const GroupSettings& settings, const c10::intrusive_ptr<c10d::Store>& store) {
  std::vector<std::string> all;
  for (int rank = 0; rank < settings.size; ++rank) all.push_back(Presence::markOf(rank));
  return withDeadline(settings.timeout + kLongestPeriod, [=]() -> int {
    if (settings.holdsStore) store->set(kHost, bytesOf(std::to_string(settings.rank)));
    store->set(all[settings.rank], bytesOf(Presence::firstMark()));
    if (!waitForKeys(*store, all, settings.timeout)) {
      std::string absent;
      for (int rank = 0; rank < settings.size; ++rank)
        if (!store->check({all[rank]})) absent += (absent.empty() ? "" : ",") + std::to_string(rank);
      throw RanksAbsent(absent);
    }
    return store->check({kHost}) ? std::stoi(textOf(store->get(kHost))) : -1;
  });
}

c10d::ReduceOp toC10d(Reduction reduction) {
  switch (reduction) {
    case Reduction::Maximum: return c10d::ReduceOp::MAX;
    case Reduction::Minimum: return c10d::ReduceOp::MIN;
    default: return c10d::ReduceOp::SUM;
  }
}

std::mutex numbersMutex;
std::map<int64_t, std::weak_ptr<Group>>& numbers() {
  static auto* const all = new std::map<int64_t, std::weak_ptr<Group>>();
  return *all;
}

std::shared_ptr<Group> groupAt(const Arguments& args, size_t i = 0) {
  return tables(args).groups.get(toHandle(args.env, args[i], "group")).pointer;
}

at::Tensor tensorAt(const Arguments& args, size_t i) {
  return args.environment->tensors.get(toHandle(args.env, args[i], "tensor"));
}

}  // namespace

Group::Group(const GroupSettings& settings)
    : rank(settings.rank),
      size(settings.size),
      isOnGpu_(settings.backend == "nccl"),
      store_(c10::make_intrusive<c10d::PrefixStore>(prefixOf(settings), settings.store)),
      timeout_(settings.timeout) {
  const int host = meet(settings, store_);
  const StoreAddress address{settings.store->getHost(), settings.store->getPort()};
  const Membership membership{c10::make_intrusive<c10d::PrefixStore>("backend", store_), address, rank, size,
                              patienceOf(settings.timeout)};
  presence_ = std::make_unique<Presence>(
      PresenceSettings{address, prefixOf(settings), rank, size, host, periodOf(settings.timeout), settings.timeout});
  try {
    backend_ = isOnGpu_ ? makeNccl(membership) : makeGloo(membership);
  } catch (const CodedError&) {
    throw;
  } catch (const std::exception& error) {
    throw CollectiveFailed(firstLine(error));
  }
#ifdef SALMASK_HAS_BACKENDS
  const auto type = isOnGpu_ ? c10d::ProcessGroup::BackendType::NCCL : c10d::ProcessGroup::BackendType::GLOO;
#if TORCH_VERSION_MAJOR > 2 || (TORCH_VERSION_MAJOR == 2 && TORCH_VERSION_MINOR >= 6)
  group_ = c10::make_intrusive<c10d::ProcessGroup>(store_, rank, size);
  group_->setDefaultBackend(type);
#else
  group_ = c10::make_intrusive<c10d::ProcessGroup>(store_, rank, size,
                                                   c10::make_intrusive<c10d::ProcessGroup::Options>(settings.backend, settings.timeout));
#endif
  group_->setBackend(isOnGpu_ ? c10::DeviceType::CUDA : c10::DeviceType::CPU, type, backend_);
#else
  group_ = backend_;
#endif
}

template <typename Start>
void Group::run(const Start& start) {
  if (hasFailed_) throw CollectiveFailed("an earlier collective of the group failed");
  presence_->begin();
  try {
    start()->wait();
  } catch (const std::exception& error) {
    hasFailed_ = true;
    throw CollectiveFailed(firstLine(error));
  }
}

void Group::expectOurs(const at::Tensor& tensor) const {
  TORCH_CHECK(tensor.layout() == at::kStrided, "Expected a dense tensor for a collective, got one with the layout ",
              tensor.layout(), ".");
  TORCH_CHECK(tensor.is_cuda() == isOnGpu_ && (isOnGpu_ || tensor.is_cpu()), "Expected a tensor on ",
              isOnGpu_ ? "a GPU, as the backend is nccl" : "the CPU, as the backend is gloo", ", got one on ", tensor.device(),
              ".");
  switch (tensor.scalar_type()) {
    case at::kFloat:
    case at::kDouble:
    case at::kHalf:
    case at::kInt:
    case at::kLong:
    case at::kByte:
    case at::kChar: return;
    default:
      TORCH_CHECK(isOnGpu_ && tensor.scalar_type() == at::kBFloat16,
                  "Expected a tensor of float32, float64, float16, int32, int64, uint8 or int8 for a collective, got one of ",
                  tensor.scalar_type(), ".");
  }
}

void Group::allReduce(const at::Tensor& tensor, Reduction reduction) {
  expectOurs(tensor);
  TORCH_CHECK(reduction != Reduction::Average || at::isFloatingType(tensor.scalar_type()),
              "Expected a tensor of a floating type for a mean over ranks, got one of ", tensor.scalar_type(), ".");
  const at::NoGradGuard constants;
  const at::Tensor plain = tensor.detach();
  std::vector<at::Tensor> buffer{valuesOf(plain)};
  allReduced.add(1, static_cast<int64_t>(plain.nbytes()));
  c10d::AllreduceOptions options;
  options.reduceOp = toC10d(reduction);
  run([&] { return backend_->allreduce(buffer, options); });
  if (reduction == Reduction::Average) buffer[0].div_(size);
  if (!buffer[0].is_same(plain)) plain.copy_(buffer[0]);
  tensor.unsafeGetTensorImpl()->bump_version();
}

at::Tensor Group::allGather(const at::Tensor& tensor) {
  expectOurs(tensor);
  const at::NoGradGuard constants;
  std::vector<at::Tensor> own{valuesOf(tensor.detach())};
  auto shape = own[0].sizes().vec();
  shape.insert(shape.begin(), size);
  const at::Tensor all = at::empty(shape, own[0].options());  // [W, ...]
  std::vector<std::vector<at::Tensor>> slices{all.unbind(0)};
  allGathered.add(1, static_cast<int64_t>(own[0].nbytes()));
  run([&] { return backend_->allgather(slices, own); });
  return all;
}

void Group::broadcast(const at::Tensor& tensor, int source) {
  expectOurs(tensor);
  TORCH_CHECK(source >= 0 && source < size, "Expected a rank from 0 to ", size - 1, " to broadcast from, got ", source, ".");
  const at::NoGradGuard constants;
  const at::Tensor plain = tensor.detach();
  std::vector<at::Tensor> buffer{valuesOf(plain)};
  broadcasted.add(1, static_cast<int64_t>(plain.nbytes()));
  c10d::BroadcastOptions options;
  options.rootRank = source;
  run([&] { return backend_->broadcast(buffer, options); });
  if (!buffer[0].is_same(plain)) plain.copy_(buffer[0]);
  tensor.unsafeGetTensorImpl()->bump_version();
}

void Group::barrier() {
  run([&] { return backend_->barrier(); });
}

void Group::beginReducing(int64_t calls, int64_t bytes) {
  if (hasFailed_) throw CollectiveFailed("an earlier collective of the group failed");
  presence_->begin();
  reduced.add(calls, bytes);
}

std::string Group::markOf(int other) const {
  TORCH_CHECK(other >= 0 && other < size, "Expected a rank from 0 to ", size - 1, ", got ", other, ".");
  return withDeadline(patienceForMarks(timeout_), [store = store_, key = Presence::markOf(other)] { return textOf(store->get(key)); });
}

std::shared_ptr<Group> groupOf(int64_t number) {
  const std::lock_guard<std::mutex> lock(numbersMutex);
  const auto found = numbers().find(number);
  const auto group = found == numbers().end() ? nullptr : found->second.lock();
  TORCH_CHECK(group != nullptr, "Expected a live process group, got number ", number, ", which was disposed or never made.");
  return group;
}

/// groupCreate(backend, store, holdsStore, rank, size, timeout, name) -> group
napi_value groupCreate(const Arguments& args) {
  const int64_t size = toInt(args.env, args[4], "worldSize", 1, 1 << 20);
  const GroupSettings settings{
      toString(args.env, args[0], "backend"),
      tables(args).stores.get(toHandle(args.env, args[1], "store")),
      toBool(args.env, args[2], "holdsStore"),
      static_cast<int>(toInt(args.env, args[3], "rank", 0, size - 1)),
      static_cast<int>(size),
      Milliseconds(toInt(args.env, args[5], "timeout", 1, kLargestInteger)),
      toString(args.env, args[6], "name"),
  };
  return fromHandle(args.env, tables(args).groups.add({std::make_shared<Group>(settings)}));
}

/// groupNumber(group): the same number in all threads of this process, for operators that take one
napi_value groupNumber(const Arguments& args) {
  static std::atomic<int64_t> next{1};
  const int64_t number = next++;
  const auto group = groupAt(args);
  const std::lock_guard<std::mutex> lock(numbersMutex);
  numbers()[number] = group;
  return fromDouble(args.env, static_cast<double>(number));
}

/// groupAllReduce(group, tensor, reduction)
napi_value groupAllReduce(const Arguments& args) {
  groupAt(args)->allReduce(tensorAt(args, 1), static_cast<Reduction>(toInt(args.env, args[2], "op", 0, 3)));
  return undefined(args.env);
}

/// groupAllGather(group, tensor) -> tensor
napi_value groupAllGather(const Arguments& args) {
  return fromHandle(args.env, args.environment->tensors.add(groupAt(args)->allGather(tensorAt(args, 1))));
}

/// groupBroadcast(group, tensor, source)
napi_value groupBroadcast(const Arguments& args) {
  groupAt(args)->broadcast(tensorAt(args, 1), static_cast<int>(toInt(args.env, args[2], "source", 0, 1 << 20)));
  return undefined(args.env);
}

napi_value groupBarrier(const Arguments& args) {
  groupAt(args)->barrier();
  return undefined(args.env);
}

/// groupTraffic(group) -> calls and bytes of all-reduce, all-gather, broadcast and the reducer, one after the other
napi_value groupTraffic(const Arguments& args) {
  const auto group = groupAt(args);
  napi_value out;
  check(napi_create_array_with_length(args.env, 8, &out), "making an array");
  uint32_t i = 0;
  for (const Traffic* traffic : {&group->allReduced, &group->allGathered, &group->broadcasted, &group->reduced})
    for (const int64_t value : {traffic->calls.load(), traffic->bytes.load()})
      check(napi_set_element(args.env, out, i++, fromDouble(args.env, static_cast<double>(value))), "filling an array");
  return out;
}

napi_value groupHasFailed(const Arguments& args) { return fromBool(args.env, groupAt(args)->hasFailed()); }

/// groupMark(group, rank) -> what the rank has last said of itself
napi_value groupMark(const Arguments& args) {
  return fromString(args.env, groupAt(args)->markOf(static_cast<int>(toInt(args.env, args[1], "rank", 0, 1 << 20))));
}

napi_value groupMissing(const Arguments& args) { return fromString(args.env, groupAt(args)->missing()); }

napi_value groupRelease(const Arguments& args) {
  tables(args).groups.release(toHandle(args.env, args[0], "group"));
  return undefined(args.env);
}

}  // namespace salmask::distributed
