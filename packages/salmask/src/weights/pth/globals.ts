/** The few names of Python's that files of weights need. */
import type { DType } from "@salmask/torch";
import type { EntryBudget } from "./budget.js";
import { damaged, foreign } from "./fault.js";
import type { PickleHost } from "./pickle.js";
import { isOf, type StorageValue, type TensorValue, type Value } from "./value.js";

const storageTypes: Readonly<Record<string, DType>> = {
  "torch.FloatStorage": "float32",
  "torch.DoubleStorage": "float64",
  "torch.HalfStorage": "float16",
  "torch.BFloat16Storage": "bfloat16",
  "torch.LongStorage": "int64",
  "torch.IntStorage": "int32",
  "torch.ShortStorage": "int16",
  "torch.CharStorage": "int8",
  "torch.ByteStorage": "uint8",
  "torch.BoolStorage": "bool",
};

const functions: Readonly<Record<string, (args: readonly Value[], budget: EntryBudget) => Value>> = {
  "collections.OrderedDict": orderedDict,
  "torch._utils._rebuild_tensor": rebuiltTensor,
  "torch._utils._rebuild_tensor_v2": rebuiltTensor,
  "torch._utils._rebuild_parameter": ([data]) => {
    if (data !== undefined && isOf(data, "tensor")) return data;
    throw damaged("a parameter without a tensor");
  },
  "torch.Size": ([sizes]) => sizes ?? null,
};

/** Types of elements, which some files name. */
const elementTypes = /^torch[.](u?int\d+|float\d+|bfloat16|bool)$/;
const mostDimensions = 64;
/** Of a storage's key: a number, or in older files an address. A pickle can refer to a long text once for each of many storages. */
const longestKey = 200;

/**
 * The meaning of names, calls and references in a file of weights. `seen` is told each storage; what calls build is spent from the
 * budget. Throws CheckpointError `foreign-class` for any other name.
 */
export function weightsHost(seen: (storage: StorageValue) => void, budget: EntryBudget): PickleHost {
  return {
    global(name) {
      const isKnown =
        Object.hasOwn(functions, name) || Object.hasOwn(storageTypes, name) || elementTypes.test(name);
      if (!isKnown) throw foreign(name);
      return { kind: "global", name };
    },
    call(callee, args) {
      if (isOf(callee, "global") && Object.hasOwn(functions, callee.name))
        return functions[callee.name](args, budget);
      throw damaged("a call of something that cannot be called");
    },
    persistent(id) {
      const storage = storageOf(id);
      seen(storage);
      return storage;
    },
  };
}

function orderedDict([pairs]: readonly Value[], budget: EntryBudget): Value {
  if (pairs === undefined) return { kind: "dict", entries: [] };
  if (!isOf(pairs, "list")) throw damaged("a dictionary of something other than pairs");
  budget.spend(pairs.items.length);
  const entries = pairs.items.map((pair): [Value, Value] => {
    const isPair = isOf(pair, "tuple") || isOf(pair, "list");
    if (!isPair || pair.items.length !== 2) throw damaged("a dictionary of something other than pairs");
    return [pair.items[0], pair.items[1]];
  });
  return { kind: "dict", entries };
}

/** `("storage", type, key, device, elements)`, in the older format with a view or None behind. */
function storageOf(id: Value): StorageValue {
  if (!isOf(id, "tuple")) throw damaged("a reference that is no storage");
  const [tag, type, key, , numel, view = null] = id.items;
  const what = shortText(tag);
  if (what === "module") throw foreign("a whole module with its source");
  const isNamed = isOf(type ?? null, "global") && Object.hasOwn(storageTypes, nameOf(type));
  const name = shortText(key);
  if (what !== "storage" || !isNamed || name === null) throw damaged("a reference that is no storage");
  const whole = count(numel);
  const shared = { kind: "storage", key: name, dtype: storageTypes[nameOf(type)], numel: whole } as const;
  if (view === null) return { ...shared, from: 0, length: whole };
  const [, from, length] = isOf(view, "tuple") ? view.items : [];
  const part = { from: count(from), length: count(length) };
  if (part.from + part.length > whole) throw damaged("a view beyond the end of its storage");
  return { ...shared, ...part };
}

const nameOf = (value: Value | undefined): string =>
  value !== undefined && isOf(value, "global") ? value.name : "";

/** Null for what is no text, and for one that no storage's tag or key has. */
function shortText(value: Value | undefined): string | null {
  if (typeof value === "string") return value.length <= longestKey ? value : null;
  const isBytes = value !== undefined && isOf(value, "bytes") && value.bytes.length <= longestKey;
  return isBytes ? value.bytes.toString("latin1") : null;
}

function count(value: Value | undefined): number {
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) return value;
  throw damaged("a size that is no count");
}

function counts(value: Value | undefined, budget: EntryBudget): number[] {
  const isList = value !== undefined && (isOf(value, "tuple") || isOf(value, "list"));
  if (!isList || value.items.length > mostDimensions) throw damaged("sizes that are no counts");
  budget.spend(value.items.length);
  return value.items.map(count);
}

/** `(storage, offset, sizes, strides, ...)`; what follows is of training. */
function rebuiltTensor([storage, first, sizes, steps]: readonly Value[], budget: EntryBudget): TensorValue {
  if (storage === undefined || !isOf(storage, "storage")) throw damaged("a tensor without a storage");
  const [offset, shape, strides] = [count(first), counts(sizes, budget), counts(steps, budget)];
  if (shape.length !== strides.length) throw damaged("a tensor with other strides than sizes");
  const last = offset + shape.reduce((sum, side, i) => sum + (side - 1) * strides[i], 0);
  const isEmpty = shape.includes(0);
  if (!isEmpty && !(last < storage.length)) {
    throw damaged(
      `a tensor of [${shape.join(", ")}] beyond the end of its storage of ${storage.length} elements`,
    );
  }
  return { kind: "tensor", storage, offset: storage.from + offset, shape, strides };
}
