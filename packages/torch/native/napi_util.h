// Node-API calls that throw C++ exceptions, and the wrapper that turns C++ exceptions into JavaScript errors.
#pragma once
#include <c10/util/Exception.h>
#include <node_api.h>
#include <string>
#include <vector>

namespace salmask {

inline void check(napi_status status, const char* what) {
  TORCH_CHECK(status == napi_ok, "Node-API: ", what, " failed with status ", static_cast<int>(status));
}

struct Arguments {
  static constexpr size_t kMax = 24;
  napi_env env;
  napi_value values[kMax];
  size_t count = kMax;

  Arguments(napi_env e, napi_callback_info info) : env(e) {
    check(napi_get_cb_info(env, info, &count, values, nullptr, nullptr), "reading arguments");
    TORCH_CHECK(count <= kMax, "expected at most ", kMax, " arguments, but ", count, " came");
  }
  napi_value operator[](size_t i) const {
    TORCH_CHECK(i < count, "expected at least ", i + 1, " arguments, but ", count, " came");
    return values[i];
  }
};

inline napi_valuetype typeOf(napi_env env, napi_value v) {
  napi_valuetype type;
  check(napi_typeof(env, v, &type), "typeof");
  return type;
}

uint32_t toHandle(napi_env env, napi_value v, const char* what);
int64_t toInt(napi_env env, napi_value v, const char* what);
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

void throwJs(napi_env env, const std::exception& error);

/// Runs `fn(args)`; a C++ exception becomes a JavaScript one.
template <napi_value (*fn)(const Arguments&)>
napi_value guarded(napi_env env, napi_callback_info info) {
  try {
    return fn(Arguments(env, info));
  } catch (const std::exception& error) {
    throwJs(env, error);
    return nullptr;
  }
}

}  // namespace salmask
