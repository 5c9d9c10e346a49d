#include "presence.h"

#include <torch/csrc/distributed/c10d/PrefixStore.hpp>

#include <algorithm>
#include <set>
#include <sstream>
#include <vector>

namespace salmask::distributed {
namespace {

/** A rank without a new mark for so many periods is gone. */
constexpr int kPatience = 4;
/**
 * So many periods at most the rank that holds the store waits until all others know who is missing. On a busy machine a thread can be
 * late by several, and would then find the store gone and name its holder.
 */
constexpr int kFarewell = 10;
const char* const kVerdict = "missing";

std::string listed(const char* kind, const std::vector<int>& ranks) {
  std::ostringstream out;
  for (size_t i = 0; i < ranks.size(); ++i) out << (i == 0 ? kind : ",") << (i == 0 ? " " : "") << ranks[i];
  return out.str();
}

/** The ranks that a verdict says gave no sign of life. */
std::set<int> goneIn(const std::string& verdict) {
  std::set<int> gone;
  std::istringstream text(verdict);
  std::string kind;
  text >> kind;
  if (kind == "gone")
    for (int rank; text >> rank; text.ignore(1)) gone.insert(rank);
  return gone;
}

}  // namespace

/** What the thread does. */
class Presence::Watch {
 public:
  Watch(const PresenceSettings& settings, std::shared_ptr<State> state) : settings_(settings), state_(std::move(state)) {}

  void run() {
    try {
      store_ = c10::make_intrusive<c10d::PrefixStore>(settings_.prefix,
                                                      connectStore(settings_.address, false, 0, settings_.timeout));
    } catch (const std::exception&) {
    }
    for (;;) {
      bool isAsked, isStopped;
      {
        std::unique_lock<std::mutex> lock(state_->mutex);
        state_->changed.wait_for(lock, settings_.period, [&] { return state_->isAsked || state_->isStopped; });
        isAsked = state_->isAsked && state_->verdict.empty();
        isStopped = state_->isStopped;
      }
      attempt([&] {
        if (isStopped) mark(Doing::Left);
        else if (isAsked) judge();
        else tick();
      });
      std::lock_guard<std::mutex> lock(state_->mutex);
      if (isAsked && state_->verdict.empty())
        state_->verdict = settings_.host < 0 ? "store" : listed("store", {settings_.host});
      state_->isAsked = false;
      state_->isEnded = isStopped;
      state_->changed.notify_all();
      if (isStopped) return;
    }
  }

 private:
  /** Runs `ask`; a store that is lost once is not asked again. */
  template <typename Ask>
  void attempt(const Ask& ask) {
    if (!store_.defined()) return;
    try {
      ask();
    } catch (const std::exception&) {
      store_.reset();
    }
  }

  void mark(Doing doing) {
    std::ostringstream text;
    text << ++beat_ << ' ' << state_->begun.load() << ' ' << static_cast<char>(doing);
    store_->set(markOf(settings_.rank), bytesOf(text.str()));
    ++state_->answers;
  }

  /** From now on this rank needs nothing of the store, and says so: its holder may leave. */
  void conclude(const std::string& verdict) {
    {
      std::lock_guard<std::mutex> lock(state_->mutex);
      state_->verdict = verdict;
    }
    isTold_ = true;
    mark(Doing::Told);
  }

  /** Whether another rank has found out who is missing. */
  bool isTold() {
    if (!store_->check({kVerdict})) return false;
    conclude(textOf(store_->get(kVerdict)));
    return true;
  }

  void tick() {
    mark(isTold_ ? Doing::Told : Doing::Running);
    if (!isTold_) isTold();
  }

  std::vector<Mark> marks() {
    std::vector<Mark> all;
    for (int rank = 0; rank < settings_.size; ++rank) {
      std::istringstream text(textOf(store_->get(markOf(rank))));
      Mark one{};
      char doing = 'r';
      text >> one.beat >> one.begun >> doing;
      one.doing = static_cast<Doing>(doing);
      all.push_back(one);
    }
    return all;
  }

  /** Calls `isOver` twice in a period, for so many periods, until it is true. */
  template <typename IsOver>
  void watchFor(int periods, const IsOver& isOver) {
    for (int i = 0; i < 2 * periods && !isOver(); ++i) {
      std::this_thread::sleep_for(settings_.period / 2);
      mark(isTold_ ? Doing::Told : Doing::Failed);
    }
  }

  void judge() {
    mark(Doing::Failed);
    const auto before = marks();
    auto now = before;
    const auto isSilent = [&](int rank) {
      const bool isOther = rank != settings_.rank;
      return isOther && now[rank].doing == Doing::Running && now[rank].beat == before[rank].beat;
    };
    watchFor(kPatience, [&] {
      if (isTold()) return true;
      now = marks();
      return ranksWhere(isSilent).empty();
    });
    if (!isTold_) {
      const auto verdict = verdictOf(now, ranksWhere(isSilent));
      // The first rank that concludes speaks for all.
      conclude(verdict == "nobody" ? verdict : textOf(store_->compareSet(kVerdict, {}, bytesOf(verdict))));
    }
    if (settings_.host == settings_.rank) waitForOthers();
  }

  /** The holder of the store leaves after all others that live know the verdict. */
  void waitForOthers() {
    const auto gone = goneIn(state_->verdict);
    watchFor(kFarewell, [&] {
      const auto now = marks();
      const auto isWaiting = [&](int rank) {
        const bool isOther = rank != settings_.rank && gone.count(rank) == 0;
        return isOther && (now[rank].doing == Doing::Running || now[rank].doing == Doing::Failed);
      };
      return ranksWhere(isWaiting).empty();
    });
  }

  template <typename Holds>
  std::vector<int> ranksWhere(const Holds& holds) const {
    std::vector<int> found;
    for (int rank = 0; rank < settings_.size; ++rank)
      if (holds(rank)) found.push_back(rank);
    return found;
  }

  std::string verdictOf(const std::vector<Mark>& now, const std::vector<int>& gone) const {
    if (!gone.empty()) return listed("gone", gone);
    const auto left = ranksWhere([&](int rank) { return now[rank].doing == Doing::Left; });
    if (!left.empty()) return listed("left", left);
    const auto behind = ranksWhere([&](int rank) { return now[rank].begun < now[settings_.rank].begun; });
    if (!behind.empty()) return listed("behind", behind);
    return "nobody";
  }

  const PresenceSettings settings_;
  const std::shared_ptr<State> state_;
  c10::intrusive_ptr<c10d::Store> store_;
  int64_t beat_ = 0;
  bool isTold_ = false;
};

std::string Presence::firstMark() { return "0 0 r"; }

Presence::Presence(const PresenceSettings& settings) : settings_(settings), state_(std::make_shared<State>()) {
  thread_ = std::thread([watch = std::make_shared<Watch>(settings_, state_)] { watch->run(); });
}

std::string Presence::missing() {
  std::unique_lock<std::mutex> lock(state_->mutex);
  state_->isAsked = true;
  state_->changed.notify_all();
  // A late thread is waited for as long as the store answers it.
  for (int64_t answers = -1; state_->isAsked && answers != state_->answers;) {
    answers = state_->answers;
    state_->changed.wait_for(lock, settings_.period * (kPatience + 1), [&] { return !state_->isAsked; });
  }
  if (!state_->verdict.empty()) return state_->verdict;
  return settings_.host < 0 ? "store" : listed("store", {settings_.host});
}

Presence::~Presence() {
  bool isEnded = false;
  {
    std::unique_lock<std::mutex> lock(state_->mutex);
    state_->isStopped = true;
    state_->changed.notify_all();
    isEnded = state_->changed.wait_for(lock, settings_.period * 2, [&] { return state_->isEnded; });
  }
  if (isEnded) thread_.join();
  else thread_.detach();  // it waits for the store; what it uses is its own
}

}  // namespace salmask::distributed
