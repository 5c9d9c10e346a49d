#include "store.h"

#include <torch/version.h>

#include <algorithm>

#include "tables.h"

namespace salmask::distributed {
namespace {

/** Between two questions whether keys exist. */
constexpr Milliseconds kShortestPause{2}, kLongestPause{50};

Milliseconds toMilliseconds(napi_env env, napi_value v, const char* what) {
  return Milliseconds(toInt(env, v, what, 1, 1000LL * 3600 * 24 * 30));
}

std::vector<std::string> toStrings(napi_env env, napi_value list, const char* what) {
  std::vector<std::string> out;
  const uint32_t n = listLength(env, list, what);
  for (uint32_t i = 0; i < n; ++i) out.push_back(toString(env, element(env, list, i), what));
  return out;
}

StorePointer storeAt(const Arguments& args) { return tables(args).stores.get(toHandle(args.env, args[0], "store")); }

}  // namespace

std::vector<uint8_t> bytesOf(const std::string& text) { return {text.begin(), text.end()}; }
std::string textOf(const std::vector<uint8_t>& bytes) { return {bytes.begin(), bytes.end()}; }

StorePointer connectStore(const StoreAddress& address, bool isServer, int64_t worldSize, Milliseconds timeout) {
  c10d::TCPStoreOptions options;
  options.port = static_cast<uint16_t>(address.port);
  options.isServer = isServer;
  options.waitWorkers = worldSize > 0;
  if (worldSize > 0) options.numWorkers = static_cast<size_t>(worldSize);
  options.timeout = timeout;
#if TORCH_VERSION_MAJOR > 2 || (TORCH_VERSION_MAJOR == 2 && TORCH_VERSION_MINOR >= 4)
  options.useLibUV = false;  // not every build has libuv
#endif
  return c10::make_intrusive<c10d::TCPStore>(address.host, options);
}

bool waitForKeys(c10d::Store& store, const std::vector<std::string>& keys, Milliseconds limit) {
  const auto end = std::chrono::steady_clock::now() + limit;
  for (Milliseconds pause = kShortestPause; !store.check(keys); pause = std::min(2 * pause, kLongestPause)) {
    if (std::chrono::steady_clock::now() >= end) return false;
    std::this_thread::sleep_for(pause);
  }
  return true;
}

/// storeCreate(host, port, isServer, worldSize or 0, timeout) -> store
napi_value storeCreate(const Arguments& args) {
  const StoreAddress address{toString(args.env, args[0], "host"), toInt(args.env, args[1], "port", 0, 65535)};
  const bool isServer = toBool(args.env, args[2], "isServer");
  const int64_t worldSize = toInt(args.env, args[3], "worldSize", 0, kLargestInteger);
  const auto timeout = toMilliseconds(args.env, args[4], "timeout");
  StorePointer store;
  try {
    store = connectStore(address, isServer, worldSize, timeout);
  } catch (const std::exception& error) {
    throw StoreFailed(firstLine(error));
  }
  return fromHandle(args.env, tables(args).stores.add(std::move(store)));
}

/// storePort(store): the server's port, also where 0 asked for any free one
napi_value storePort(const Arguments& args) { return fromDouble(args.env, storeAt(args)->getPort()); }

/// storeSet(store, key, value, limit)
napi_value storeSet(const Arguments& args) {
  const auto key = toString(args.env, args[1], "key"), value = toString(args.env, args[2], "value");
  withDeadline(toMilliseconds(args.env, args[3], "limit"),
               [store = storeAt(args), key, value] { store->set(key, bytesOf(value)); });
  return undefined(args.env);
}

/// storeGet(store, key, limit) -> value; waits for the key
napi_value storeGet(const Arguments& args) {
  const auto key = toString(args.env, args[1], "key");
  const auto limit = toMilliseconds(args.env, args[2], "limit");
  return fromString(args.env, withDeadline(limit + Milliseconds(500), [store = storeAt(args), key, limit] {
                      if (!waitForKeys(*store, {key}, limit)) throw StoreFailed("it has no key '" + key + "'");
                      return textOf(store->get(key));
                    }));
}

/// storeAdd(store, key, n, limit) -> the sum
napi_value storeAdd(const Arguments& args) {
  const auto key = toString(args.env, args[1], "key");
  const int64_t n = toInt(args.env, args[2], "n");
  const int64_t sum = withDeadline(toMilliseconds(args.env, args[3], "limit"),
                                   [store = storeAt(args), key, n] { return store->add(key, n); });
  return fromDouble(args.env, static_cast<double>(sum));
}

/// storeCheck(store, keys, limit) -> whether all exist; asks until they do or `limit` has passed, once if it is 0
napi_value storeCheck(const Arguments& args) {
  const auto keys = toStrings(args.env, args[1], "keys");
  const Milliseconds wait(toInt(args.env, args[2], "wait", 0, kLargestInteger));
  const auto limit = toMilliseconds(args.env, args[3], "limit");
  return fromBool(args.env, withDeadline(wait + limit, [store = storeAt(args), keys, wait] {
                    return waitForKeys(*store, keys, wait);
                  }));
}

napi_value storeRelease(const Arguments& args) {
  tables(args).stores.release(toHandle(args.env, args[0], "store"));
  return undefined(args.env);
}

}  // namespace salmask::distributed
