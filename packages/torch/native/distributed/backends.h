// The backends that the addon may have been built with, one file each.
#pragma once
#include <chrono>
#include <string>

#include "c10d.h"
#include "store.h"

namespace salmask::distributed {

struct Membership {
  c10::intrusive_ptr<c10d::Store> store;
  /** Where the store is: the network through which it is reached is the one that collectives use. */
  StoreAddress address;
  int rank, size;
  Milliseconds timeout;
};

/** Gloo, for tensors on the CPU. Throws `BackendMissing` if the addon was built without it. */
c10::intrusive_ptr<Backend> makeGloo(const Membership& membership);

/** NCCL, for tensors on a GPU. Throws `BackendMissing` if the addon was built without it. */
c10::intrusive_ptr<Backend> makeNccl(const Membership& membership);

}  // namespace salmask::distributed
