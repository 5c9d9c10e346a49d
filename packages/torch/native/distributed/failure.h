// Failures that TypeScript explains: they reach it with a code of their own.
#pragma once
#include "../napi_util.h"

namespace salmask::distributed {

/** The store does not answer, or has no such key in time. */
struct StoreFailed : CodedError {
  explicit StoreFailed(const std::string& why) : CodedError("STORE", why) {}
};

/** A collective failed: a rank is gone or late. */
struct CollectiveFailed : CodedError {
  explicit CollectiveFailed(const std::string& why) : CodedError("COLLECTIVE", why) {}
};

/** Ranks did not come to the group in time; the message is their numbers, with commas. */
struct RanksAbsent : CodedError {
  explicit RanksAbsent(const std::string& ranks) : CodedError("ABSENT", ranks) {}
};

/** The addon was built without a backend. */
struct BackendMissing : CodedError {
  explicit BackendMissing(const std::string& what) : CodedError("BACKEND", what) {}
};

}  // namespace salmask::distributed
