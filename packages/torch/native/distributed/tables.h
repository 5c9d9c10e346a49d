// The stores, groups and reducers of one JavaScript environment.
#pragma once
#include <memory>

#include "../environment.h"
#include "../napi_util.h"
#include "group.h"
#include "reducer.h"
#include "store.h"

namespace salmask::distributed {

/** A pointer with what `Handles` asks for. */
template <typename T>
struct Shared {
  std::shared_ptr<T> pointer;
  bool defined() const { return pointer != nullptr; }
};

struct Tables {
  Handles<StorePointer> stores;
  Handles<Shared<Group>> groups;
  Handles<Shared<Reducer>> reducers;
};

/** Those of the calling thread; made when they are first asked for. */
Tables& tables(const Arguments& args);

}  // namespace salmask::distributed
