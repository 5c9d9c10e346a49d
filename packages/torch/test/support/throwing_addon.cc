// An addon whose function throws an exception of a given type. Its start also throws if the environment variable is
// set.
#include <cstdlib>
#include <new>
#include <stdexcept>
#include <string>

#include "../../native/napi_util.h"

namespace {

struct NoException {};

[[noreturn]] void raise(const std::string& what) {
  if (what == "c10") TORCH_CHECK(false, "of libtorch");
  if (what == "std") throw std::runtime_error("of the standard library");
  if (what == "memory") throw std::bad_alloc();
  if (what == "number") throw 42;
  throw NoException();
}

napi_value raiseNamed(const salmask::Arguments& args) { raise(salmask::toString(args.env, args[0], "what")); }

napi_value start(napi_env env, napi_value exports) {
  if (const char* what = std::getenv("SALMASK_TEST_THROW")) raise(what);
  napi_value function;
  salmask::check(napi_create_function(env, "raise", NAPI_AUTO_LENGTH, salmask::guarded<raiseNamed>, nullptr, &function), "raise");
  salmask::check(napi_set_named_property(env, exports, "raise", function), "raise");
  return exports;
}

}  // namespace

NAPI_MODULE_INIT() { return salmask::guardedStart<start>(env, exports); }
