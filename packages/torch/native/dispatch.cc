#include "dispatch.h"

#include <sstream>

#include "environment.h"
#include "optional.h"

namespace salmask {
namespace {

using c10::IValue;
using c10::TypeKind;

Kind kindOf(const c10::TypePtr& type, const std::string& where) {
  switch (type->kind()) {
    case TypeKind::TensorType: return Kind::Tensor;
    case TypeKind::IntType:
    case TypeKind::SymIntType: return Kind::Int;
    case TypeKind::FloatType: return Kind::Float;
    case TypeKind::NumberType: return Kind::Scalar;
    case TypeKind::BoolType: return Kind::Bool;
    case TypeKind::StringType: return Kind::String;
    case TypeKind::DeviceObjType: return Kind::Device;
    case TypeKind::GeneratorType: return Kind::Generator;
    default: TORCH_CHECK(false, where, " takes a ", type->str(), ", which has no JavaScript form");
  }
}

Parameter prepare(const c10::Argument& argument, const std::string& op) {
  Parameter p;
  p.name = argument.name();
  c10::TypePtr type = argument.type();
  if (auto optional = type->cast<c10::OptionalType>()) {
    p.optional = true;
    type = optional->getElementType();
  }
  if (auto list = type->cast<c10::ListType>()) {
    p.list = true;
    p.size = argument.N().value_or(0);
    type = list->getElementType();
    if (auto optional = type->cast<c10::OptionalType>()) {
      p.optionalElement = true;
      type = optional->getElementType();
    }
  }
  p.kind = kindOf(type, op + ": '" + p.name + "'");
  if (argument.default_value()) {
    p.hasDefault = true;
    p.defaultValue = *argument.default_value();
  }
  return p;
}

c10::Scalar toScalar(napi_env env, napi_value v, const char* what) {
  if (typeOf(env, v) == napi_boolean) return c10::Scalar(toBool(env, v, what));
  double d = toDouble(env, v, what);
  // JavaScript has one type of number. A whole number becomes an integer in libtorch, like an integer literal in
  // Python.
  if (d >= -9007199254740992.0 && d <= 9007199254740992.0 && d == static_cast<double>(static_cast<int64_t>(d)))
    return c10::Scalar(static_cast<int64_t>(d));
  return c10::Scalar(d);
}

IValue convertList(const Arguments& args, napi_value v, const Parameter& p) {
  const napi_env env = args.env;
  auto& tensors = args.environment->tensors;
  const char* what = p.name.c_str();
  if (p.size > 0 && typeOf(env, v) == napi_number) {
    if (p.kind == Kind::Int)
      return c10::List<int64_t>(std::vector<int64_t>(p.size, toInt(env, v, what)));
    if (p.kind == Kind::Float) return c10::List<double>(std::vector<double>(p.size, toDouble(env, v, what)));
  }
  uint32_t n = listLength(env, v, what);
  switch (p.kind) {
    case Kind::Int: return c10::List<int64_t>(toInts(env, v, what));
    case Kind::Float: {
      c10::List<double> out;
      for (uint32_t i = 0; i < n; ++i) out.push_back(toDouble(env, element(env, v, i), what));
      return out;
    }
    case Kind::Bool: {
      c10::List<bool> out;
      for (uint32_t i = 0; i < n; ++i) out.push_back(toBool(env, element(env, v, i), what));
      return out;
    }
    case Kind::Tensor: {
      if (p.optionalElement) {
        c10::List<optional<at::Tensor>> out;
        for (uint32_t i = 0; i < n; ++i) {
          napi_value e = element(env, v, i);
          if (typeOf(env, e) == napi_null) out.push_back(optional<at::Tensor>());
          else out.push_back(optional<at::Tensor>(tensors.get(toHandle(env, e, what))));
        }
        return out;
      }
      c10::List<at::Tensor> out;
      for (uint32_t i = 0; i < n; ++i) out.push_back(tensors.get(toHandle(env, element(env, v, i), what)));
      return out;
    }
    case Kind::Scalar: {
      c10::List<c10::Scalar> list;
      for (uint32_t i = 0; i < n; ++i) list.push_back(toScalar(env, element(env, v, i), what));
      return list;
    }
    default: TORCH_CHECK(false, "'", p.name, "' is a list of a kind that has no JavaScript form");
  }
}

IValue convert(const Arguments& args, napi_value v, const Parameter& p) {
  const napi_env env = args.env;
  const char* what = p.name.c_str();
  napi_valuetype type = typeOf(env, v);
  if (type == napi_undefined) {
    TORCH_CHECK(p.hasDefault || p.optional, "Expected a value for '", p.name, "', got none.");
    return p.hasDefault ? p.defaultValue : IValue();
  }
  if (type == napi_null) {
    TORCH_CHECK(p.optional, "Expected a value for '", p.name, "', got null.");
    return IValue();
  }
  if (p.list) return convertList(args, v, p);
  switch (p.kind) {
    case Kind::Tensor: return args.environment->tensors.get(toHandle(env, v, what));
    case Kind::Int: return type == napi_boolean ? static_cast<int64_t>(toBool(env, v, what)) : toInt(env, v, what);
    case Kind::Float: return toDouble(env, v, what);
    case Kind::Scalar: return toScalar(env, v, what);
    case Kind::Bool: return toBool(env, v, what);
    case Kind::String: return toString(env, v, what);
    case Kind::Device: return c10::Device(toString(env, v, what));
    case Kind::Generator: return args.environment->generators.get(toHandle(env, v, what));
  }
  return IValue();
}

const Operator& operatorAt(const Arguments& args) {
  const auto& operators = args.environment->operators;
  const uint32_t index = toHandle(args.env, args[0], "operator");
  TORCH_CHECK(index < operators.size(), "Expected one of the ", operators.size(), " operators that were looked up, got ", index, ".");
  return operators[index];
}

napi_value arrayOf(napi_env env, size_t n) {
  napi_value out;
  check(napi_create_array_with_length(env, n, &out), "making an array");
  return out;
}

napi_value convertBack(const Arguments& args, const IValue& value) {
  const napi_env env = args.env;
  auto& tensors = args.environment->tensors;
  if (value.isTensor()) {
    const at::Tensor& t = value.toTensor();
    if (t.defined()) return fromHandle(env, tensors.add(t));
    napi_value none;
    check(napi_get_null(env, &none), "making null");
    return none;
  }
  if (value.isInt()) return fromDouble(env, static_cast<double>(value.toInt()));
  if (value.isDouble()) return fromDouble(env, value.toDouble());
  if (value.isBool()) return fromBool(env, value.toBool());
  if (value.isNone()) return undefined(env);
  if (value.isScalar()) return fromDouble(env, value.toScalar().toDouble());
  if (value.isString()) return fromString(env, value.toStringRef());
  if (value.isTensorList()) {
    auto list = value.toTensorList();
    napi_value out = arrayOf(env, list.size());
    for (size_t i = 0; i < list.size(); ++i)
      check(napi_set_element(env, out, i, fromHandle(env, tensors.add(list.get(i)))), "filling an array");
    return out;
  }
  if (value.isIntList()) {
    auto list = value.toIntVector();
    napi_value out = arrayOf(env, list.size());
    for (size_t i = 0; i < list.size(); ++i)
      check(napi_set_element(env, out, i, fromDouble(env, static_cast<double>(list[i]))), "filling an array");
    return out;
  }
  TORCH_CHECK(false, "a result of type ", value.tagKind(), " has no JavaScript form");
}

}  // namespace

napi_value findOperator(const Arguments& args) {
  std::string name = toString(args.env, args[0], "name");
  std::string overload = toString(args.env, args[1], "overload");
  auto handle = c10::Dispatcher::singleton().findSchema({name, overload});
  if (!handle) return fromDouble(args.env, -1);
  const auto& schema = handle->schema();
  Operator op{*handle, {}, false};
  for (const auto& argument : schema.arguments()) op.parameters.push_back(prepare(argument, name));
  for (const auto& ret : schema.returns())
    if (ret.alias_info() && ret.alias_info()->isWrite()) op.returnsSelf = true;
  auto& operators = args.environment->operators;
  operators.push_back(std::move(op));
  return fromDouble(args.env, static_cast<double>(operators.size() - 1));
}

napi_value callOperator(const Arguments& args) {
  const Operator& op = operatorAt(args);
  const size_t given = args.count - 1;
  TORCH_CHECK(given <= op.parameters.size(), "Expected at most ", op.parameters.size(), " arguments of ",
              op.handle.schema().name(), ", got ", given, ".");
  torch::jit::Stack stack;
  stack.reserve(op.parameters.size());
  for (size_t i = 0; i < op.parameters.size(); ++i) {
    const Parameter& p = op.parameters[i];
    if (i < given) {
      stack.push_back(convert(args, args.values[i + 1], p));
    } else {
      TORCH_CHECK(p.hasDefault || p.optional, "Expected a value for '", p.name, "' of ", op.handle.schema().name(), ", got none.");
      stack.push_back(p.hasDefault ? p.defaultValue : IValue());
    }
  }
  op.handle.callBoxed(&stack);
  if (op.returnsSelf || stack.empty()) return undefined(args.env);
  if (stack.size() == 1) return convertBack(args, stack[0]);
  napi_value out = arrayOf(args.env, stack.size());
  for (size_t i = 0; i < stack.size(); ++i)
    check(napi_set_element(args.env, out, i, convertBack(args, stack[i])), "filling an array");
  return out;
}

napi_value operatorSchema(const Arguments& args) {
  std::ostringstream out;
  out << operatorAt(args).handle.schema();
  return fromString(args.env, out.str());
}

napi_value operatorNames(const Arguments& args) {
  auto names = c10::Dispatcher::singleton().getAllOpNames();
  napi_value out = arrayOf(args.env, names.size());
  for (size_t i = 0; i < names.size(); ++i) {
    std::string full = names[i].overload_name.empty() ? names[i].name : names[i].name + "." + names[i].overload_name;
    check(napi_set_element(args.env, out, i, fromString(args.env, full)), "filling an array");
  }
  return out;
}

}  // namespace salmask
