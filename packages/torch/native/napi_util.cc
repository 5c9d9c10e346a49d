#include "napi_util.h"

namespace salmask {

uint32_t toHandle(napi_env env, napi_value v, const char* what) {
  uint32_t id = 0;
  TORCH_CHECK(napi_get_value_uint32(env, v, &id) == napi_ok, "expected a tensor for '", what, "'");
  return id;
}

int64_t toInt(napi_env env, napi_value v, const char* what) {
  double d = 0;
  TORCH_CHECK(napi_get_value_double(env, v, &d) == napi_ok, "expected an integer for '", what, "'");
  auto i = static_cast<int64_t>(d);
  TORCH_CHECK(static_cast<double>(i) == d, "expected an integer for '", what, "', but ", d, " came");
  return i;
}

double toDouble(napi_env env, napi_value v, const char* what) {
  double d = 0;
  TORCH_CHECK(napi_get_value_double(env, v, &d) == napi_ok, "expected a number for '", what, "'");
  return d;
}

bool toBool(napi_env env, napi_value v, const char* what) {
  bool b = false;
  TORCH_CHECK(napi_get_value_bool(env, v, &b) == napi_ok, "expected true or false for '", what, "'");
  return b;
}

std::string toString(napi_env env, napi_value v, const char* what) {
  size_t size = 0;
  TORCH_CHECK(napi_get_value_string_utf8(env, v, nullptr, 0, &size) == napi_ok,
              "expected a string for '", what, "'");
  std::string s(size, '\0');
  check(napi_get_value_string_utf8(env, v, s.data(), size + 1, &size), "reading a string");
  return s;
}

uint32_t listLength(napi_env env, napi_value v, const char* what) {
  uint32_t n = 0;
  TORCH_CHECK(napi_get_array_length(env, v, &n) == napi_ok, "expected an array for '", what, "'");
  return n;
}

napi_value element(napi_env env, napi_value list, uint32_t i) {
  napi_value v;
  check(napi_get_element(env, list, i, &v), "reading an array element");
  return v;
}

std::vector<int64_t> toInts(napi_env env, napi_value v, const char* what) {
  std::vector<int64_t> out(listLength(env, v, what));
  for (uint32_t i = 0; i < out.size(); ++i) out[i] = toInt(env, element(env, v, i), what);
  return out;
}

napi_value fromHandle(napi_env env, uint32_t id) {
  napi_value v;
  check(napi_create_uint32(env, id, &v), "making a number");
  return v;
}

napi_value fromDouble(napi_env env, double d) {
  napi_value v;
  check(napi_create_double(env, d, &v), "making a number");
  return v;
}

napi_value fromBool(napi_env env, bool b) {
  napi_value v;
  check(napi_get_boolean(env, b, &v), "making a boolean");
  return v;
}

napi_value fromString(napi_env env, const std::string& s) {
  napi_value v;
  check(napi_create_string_utf8(env, s.data(), s.size(), &v), "making a string");
  return v;
}

napi_value undefined(napi_env env) {
  napi_value v;
  check(napi_get_undefined(env, &v), "making undefined");
  return v;
}

void throwJs(napi_env env, const std::exception& error) {
  bool pending = false;
  napi_is_exception_pending(env, &pending);
  if (pending) return;
  auto torch = dynamic_cast<const c10::Error*>(&error);
  // The first line or two say what is wrong; the C++ backtrace behind them helps nobody in JavaScript.
  napi_throw_error(env, "TORCH", torch ? torch->what_without_backtrace() : error.what());
}

}  // namespace salmask
