// A process group: collectives of c10d, counted, and who is missing when one fails.
#pragma once
#include <ATen/ATen.h>

#include <atomic>
#include <memory>

#include "backends.h"
#include "presence.h"

namespace salmask::distributed {

enum class Reduction { Sum, Average, Maximum, Minimum };

/** What a kind of collective has taken from this rank so far. */
struct Traffic {
  std::atomic<int64_t> calls{0}, bytes{0};
  void add(int64_t moreCalls, int64_t moreBytes) {
    calls += moreCalls;
    bytes += moreBytes;
  }
};

struct GroupSettings {
  std::string backend;
  StorePointer store;
  bool holdsStore;
  int rank, size;
  Milliseconds timeout;
  std::string name;
};

class Group {
 public:
  /** Waits for all ranks. Throws `RanksAbsent`, `BackendMissing`, `StoreFailed` or `CollectiveFailed`. */
  explicit Group(const GroupSettings& settings);

  const int rank, size;

  /** In place; not recorded by autograd. Throws `CollectiveFailed`, as all of these. */
  void allReduce(const at::Tensor& tensor, Reduction reduction = Reduction::Sum);
  /** `[W, ...]` of tensors of the same shape. */
  at::Tensor allGather(const at::Tensor& tensor);
  void broadcast(const at::Tensor& tensor, int source);
  void barrier();

  /** For c10d's reducer. */
  const c10::intrusive_ptr<c10d::ProcessGroup>& forReducer() const { return group_; }
  /** The reducer begins a collective, which takes so much. */
  void beginReducing(int64_t calls, int64_t bytes);
  void fail() { hasFailed_ = true; }
  bool hasFailed() const { return hasFailed_; }

  /** What a rank has last said of itself; it changes while the rank's process lives. Throws `StoreFailed`. */
  std::string markOf(int rank) const;

  /** After a failure; see `Presence::missing`. */
  std::string missing() { return presence_->missing(); }

  Traffic allReduced, allGathered, broadcasted, reduced;

 private:
  template <typename Start>
  void run(const Start& start);
  void expectOurs(const at::Tensor& tensor) const;

  const bool isOnGpu_;
  const c10::intrusive_ptr<c10d::Store> store_;
  const Milliseconds timeout_;
  c10::intrusive_ptr<Backend> backend_;
  c10::intrusive_ptr<c10d::ProcessGroup> group_;
  std::unique_ptr<Presence> presence_;
  std::atomic<bool> hasFailed_{false};
};

/** The group of a number that `groupNumber` gave, of any thread. Throws if it was disposed. */
std::shared_ptr<Group> groupOf(int64_t number);

napi_value groupCreate(const Arguments&);
napi_value groupNumber(const Arguments&);
napi_value groupAllReduce(const Arguments&);
napi_value groupAllGather(const Arguments&);
napi_value groupBroadcast(const Arguments&);
napi_value groupBarrier(const Arguments&);
napi_value groupTraffic(const Arguments&);
napi_value groupHasFailed(const Arguments&);
napi_value groupMark(const Arguments&);
napi_value groupMissing(const Arguments&);
napi_value groupRelease(const Arguments&);
napi_value allReduceSum(const Arguments&);
napi_value allGatherCat(const Arguments&);

}  // namespace salmask::distributed
