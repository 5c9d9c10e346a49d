// c10d's TCPStore, asked with deadlines.
#pragma once
#include <torch/csrc/distributed/c10d/TCPStore.hpp>

#include <chrono>
#include <future>
#include <memory>
#include <thread>
#include <type_traits>

#include "failure.h"

namespace salmask::distributed {

using Milliseconds = std::chrono::milliseconds;
using StorePointer = c10::intrusive_ptr<c10d::TCPStore>;

/** What clients of a store connect to. */
struct StoreAddress {
  std::string host;
  int64_t port;
};

/** A client of the store at an address, or its server. Waits for the connection at most `timeout`. */
StorePointer connectStore(const StoreAddress& address, bool isServer, int64_t worldSize, Milliseconds timeout);

/**
 * Runs `ask` on a thread of its own and waits for it at most `limit`. c10d's client waits for an answer without a limit, so that a
 * server behind a network that was cut would hold up the caller for minutes. What `ask` refers to has to live as long as it runs.
 */
template <typename Ask>
auto withDeadline(Milliseconds limit, Ask ask) -> std::invoke_result_t<Ask> {
  using Answer = std::invoke_result_t<Ask>;
  auto task = std::make_shared<std::packaged_task<Answer()>>(std::move(ask));
  auto answer = task->get_future();
  std::thread([task] { (*task)(); }).detach();
  if (answer.wait_for(limit) != std::future_status::ready)
    throw StoreFailed("it did not answer within " + std::to_string(limit.count() / 1000.0) + " s");
  try {
    return answer.get();
  } catch (const CodedError&) {
    throw;
  } catch (const std::exception& error) {
    throw StoreFailed(firstLine(error));
  }
}

/** Whether all keys exist before `limit` has passed. Asks again and again: a wait that c10d breaks off can confuse its client. */
bool waitForKeys(c10d::Store& store, const std::vector<std::string>& keys, Milliseconds limit);

std::vector<uint8_t> bytesOf(const std::string& text);
std::string textOf(const std::vector<uint8_t>& bytes);

napi_value storeCreate(const Arguments&);
napi_value storePort(const Arguments&);
napi_value storeSet(const Arguments&);
napi_value storeGet(const Arguments&);
napi_value storeAdd(const Arguments&);
napi_value storeCheck(const Arguments&);
napi_value storeRelease(const Arguments&);

}  // namespace salmask::distributed
