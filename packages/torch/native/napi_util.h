// Node-API calls that throw C++ exceptions, and wrappers that convert C++ exceptions to JavaScript errors.
#pragma once
#include <c10/util/Exception.h>
#include <node_api.h>

#include <stdexcept>
#include <string>
#include <vector>

namespace salmask {

struct Environment;

inline void check(napi_status status, const char* what) {
  TORCH_CHECK(status == napi_ok, "Node-API: ", what, " failed with status ", static_cast<int>(status));
}

struct Arguments {
  static constexpr size_t kMax = 24;
  napi_env env;
  Environment* environment;  // that of the calling thread
  napi_value values[kMax];
  size_t count = kMax;

  Arguments(napi_env e, napi_callback_info info) : env(e) {
    void* data = nullptr;
    check(napi_get_cb_info(env, info, &count, values, nullptr, &data), "reading arguments");
    environment = static_cast<Environment*>(data);
    TORCH_CHECK(count <= kMax, "Expected at most ", kMax, " arguments, got ", count, ".");
  }
  napi_value operator[](size_t i) const {
    TORCH_CHECK(i < count, "Expected at least ", i + 1, " arguments, got ", count, ".");
    return values[i];
  }
};

inline napi_valuetype typeOf(napi_env env, napi_value v) {
  napi_valuetype type;
  check(napi_typeof(env, v, &type), "typeof");
  return type;
}

/** The largest number up to which JavaScript represents every whole number: 2^53 - 1. */
constexpr int64_t kLargestInteger = 9007199254740991;

uint32_t toHandle(napi_env env, napi_value v, const char* what);
/** A whole number from `low` to `high`. Throws for NaN, for fractions and for numbers that JavaScript rounds. */
int64_t toInt(napi_env env, napi_value v, const char* what, int64_t low = -kLargestInteger, int64_t high = kLargestInteger);
double toDouble(napi_env env, napi_value v, const char* what);
bool toBool(napi_env env, napi_value v, const char* what);
std::string toString(napi_env env, napi_value v, const char* what);
std::vector<int64_t> toInts(napi_env env, napi_value v, const char* what);
uint32_t listLength(napi_env env, napi_value v, const char* what);
napi_value element(napi_env env, napi_value list, uint32_t i);

napi_value fromHandle(napi_env env, uint32_t id);
napi_value fromDouble(napi_env env, double v);
napi_value fromBool(napi_env env, bool v);
napi_value fromString(napi_env env, const std::string& v);
napi_value undefined(napi_env env);

/** An error that reaches JavaScript with a code of its own. */
struct CodedError : std::runtime_error {
  const char* const code;
  CodedError(const char* c, const std::string& what) : std::runtime_error(what), code(c) {}
};

/** What an exception says, without the C++ backtrace that libtorch adds. */
std::string firstLine(const std::exception& error);

/** Throws the current C++ exception, of any type, as a JavaScript error. Call it in a catch block. */
void throwToJs(napi_env env) noexcept;

/** Runs `fn(args)`; a C++ exception becomes a JavaScript one. */
template <napi_value (*fn)(const Arguments&)>
napi_value guarded(napi_env env, napi_callback_info info) noexcept {
  try {
    return fn(Arguments(env, info));
  } catch (...) {
    throwToJs(env);
    return nullptr;
  }
}

/** Runs the start function of a module. A C++ exception becomes the error that `require` throws. */
template <napi_value (*fn)(napi_env, napi_value)>
napi_value guardedStart(napi_env env, napi_value exports) noexcept {
  try {
    return fn(env, exports);
  } catch (...) {
    throwToJs(env);
    return nullptr;
  }
}

}  // namespace salmask
