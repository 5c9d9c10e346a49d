// Which rank is missing: every rank leaves marks in the store while it lives, and after a failed collective the others read them.
#pragma once
#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>

#include "store.h"

namespace salmask::distributed {

struct PresenceSettings {
  StoreAddress address;
  /** Before the keys of this group's marks. */
  std::string prefix;
  int rank, size;
  /** The rank that holds the store; -1 if none of them does. */
  int host;
  /** Between two marks. */
  Milliseconds period;
  /** For the connection to the store. */
  Milliseconds timeout;
};

/**
 * A thread that writes this rank's mark again and again: a count that grows while the process lives, how many collectives it has
 * begun, and what it is doing. It has a connection of its own to the store, so that nobody waits with it when the store does not
 * answer.
 */
class Presence {
 public:
  explicit Presence(const PresenceSettings& settings);
  /** Leaves a mark that this rank has left. Does not wait for a store that does not answer. */
  ~Presence();

  /** This rank has begun another collective. */
  void begin() { ++state_->begun; }

  /**
   * After a failed collective: who is missing, on all ranks the same. `gone 1,2`: no mark for four periods; `left 1`: ended its
   * group; `behind 1`: has begun fewer collectives; `store 0` or `store`: the store does not answer, and which rank holds it;
   * `nobody`.
   */
  std::string missing();

  /** The mark with which a rank comes to a group. */
  static std::string firstMark();
  static std::string markOf(int rank) { return "mark/" + std::to_string(rank); }

 private:
  enum class Doing : char { Running = 'r', Told = 't', Failed = 'f', Left = 'l' };
  struct Mark {
    int64_t beat, begun;
    Doing doing;
  };
  struct State {
    std::mutex mutex;
    std::condition_variable changed;
    std::atomic<int64_t> begun{0}, answers{0};  // collectives, and marks that the store took
    bool isAsked = false, isStopped = false, isEnded = false;
    std::string verdict;  // empty until it is known
  };
  class Watch;

  PresenceSettings settings_;
  std::shared_ptr<State> state_;
  std::thread thread_;
};

}  // namespace salmask::distributed
