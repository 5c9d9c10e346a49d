#include "napi_util.h"

#include <algorithm>

namespace salmask {
namespace {

/** A number as JavaScript prints it, or a description of a value that is not a number. */
std::string shown(napi_env env, napi_value v) {
  switch (typeOf(env, v)) {
    case napi_undefined: return "undefined";
    case napi_null: return "null";
    case napi_boolean: return "a boolean";
    case napi_string: return "a string";
    case napi_symbol: return "a symbol";
    case napi_object: return "an object";
    case napi_function: return "a function";
    case napi_external: return "an external value";
    case napi_bigint: return "a bigint";
    case napi_number: break;
  }
  napi_value text;
  check(napi_coerce_to_string(env, v, &text), "showing a number");
  return toString(env, text, "number");
}

}  // namespace

uint32_t toHandle(napi_env env, napi_value v, const char* what) {
  double d = 0;
  const bool isNumber = napi_get_value_double(env, v, &d) == napi_ok;
  if (isNumber && d >= 0 && d <= 4294967295.0) {
    const auto id = static_cast<uint32_t>(d);
    if (static_cast<double>(id) == d) return id;
  }
  TORCH_CHECK(false, "Expected a tensor for '", what, "', got ", shown(env, v), ".");
}

int64_t toInt(napi_env env, napi_value v, const char* what, int64_t low, int64_t high) {
  double d = 0;
  const bool isNumber = napi_get_value_double(env, v, &d) == napi_ok;
  if (isNumber && d >= static_cast<double>(low) && d <= static_cast<double>(high)) {
    const auto i = static_cast<int64_t>(d);
    if (static_cast<double>(i) == d) return i;
  }
  if (low == -kLargestInteger && high == kLargestInteger)
    TORCH_CHECK(false, "Expected an integer within 2^53 for '", what, "', got ", shown(env, v), ".");
  TORCH_CHECK(false, "Expected an integer from ", low, " to ", high, " for '", what, "', got ", shown(env, v), ".");
}

double toDouble(napi_env env, napi_value v, const char* what) {
  double d = 0;
  TORCH_CHECK(napi_get_value_double(env, v, &d) == napi_ok, "Expected a number for '", what, "', got ", shown(env, v), ".");
  return d;
}

bool toBool(napi_env env, napi_value v, const char* what) {
  bool b = false;
  TORCH_CHECK(napi_get_value_bool(env, v, &b) == napi_ok, "Expected true or false for '", what, "', got ", shown(env, v), ".");
  return b;
}

std::string toString(napi_env env, napi_value v, const char* what) {
  size_t size = 0;
  TORCH_CHECK(napi_get_value_string_utf8(env, v, nullptr, 0, &size) == napi_ok, "Expected a string for '", what, "', got ",
              shown(env, v), ".");
  std::string s(size, '\0');
  check(napi_get_value_string_utf8(env, v, s.data(), size + 1, &size), "reading a string");
  return s;
}

uint32_t listLength(napi_env env, napi_value v, const char* what) {
  uint32_t n = 0;
  TORCH_CHECK(napi_get_array_length(env, v, &n) == napi_ok, "Expected an array for '", what, "', got ", shown(env, v), ".");
  return n;
}

napi_value element(napi_env env, napi_value list, uint32_t i) {
  napi_value v;
  check(napi_get_element(env, list, i, &v), "reading an array element");
  return v;
}

std::vector<int64_t> toInts(napi_env env, napi_value v, const char* what) {
  // Grows with the elements that exist: `new Array(4e9)` has a length but no elements.
  std::vector<int64_t> out;
  const uint32_t n = listLength(env, v, what);
  out.reserve(std::min<uint32_t>(n, 16));
  for (uint32_t i = 0; i < n; ++i) out.push_back(toInt(env, element(env, v, i), what));
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

std::string firstLine(const std::exception& error) {
  const auto* const ofLibtorch = dynamic_cast<const c10::Error*>(&error);
  const std::string text = ofLibtorch == nullptr ? error.what() : ofLibtorch->what_without_backtrace();
  return text.substr(0, text.find('\n'));
}

void throwToJs(napi_env env) noexcept {
  // If JavaScript has already thrown, for example in a getter, keep that error.
  bool pending = false;
  if (napi_is_exception_pending(env, &pending) == napi_ok && pending) return;
  try {
    throw;
  } catch (const CodedError& error) {
    napi_throw_error(env, error.code, error.what());
  } catch (const c10::Error& error) {
    // The first lines say what is wrong. The C++ backtrace after them does not help in JavaScript.
    napi_throw_error(env, "TORCH", error.what_without_backtrace());
  } catch (const std::exception& error) {
    napi_throw_error(env, "TORCH", error.what());
  } catch (...) {
    napi_throw_error(env, "TORCH", "Native code threw something that is no std::exception.");
  }
}

}  // namespace salmask
