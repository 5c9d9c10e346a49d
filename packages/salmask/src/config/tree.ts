/** Nested settings, and the dotted keys of the values in them (`train.epochs`). */

export type Tree = { readonly [name: string]: unknown };

export function isTree(value: unknown): value is Tree {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Merges trees key by key; later trees override earlier ones. Lists are not merged. */
export function merge(trees: readonly Tree[]): Tree {
  const out = new Map<string, unknown>();
  for (const tree of trees) {
    for (const [name, value] of Object.entries(tree)) {
      const before = out.get(name);
      out.set(name, isTree(before) && isTree(value) ? merge([before, value]) : value);
    }
  }
  return Object.fromEntries(out);
}

/** The value at a dotted key; undefined if there is none. */
export function valueAt(tree: unknown, key: string): unknown {
  return key
    .split(".")
    .reduce<unknown>(
      (inner, name) => (isTree(inner) && Object.hasOwn(inner, name) ? inner[name] : undefined),
      tree,
    );
}

/** A copy of the tree with a value at a dotted key. */
export function withValue(tree: Tree, key: string, value: unknown): Tree {
  const [first, ...rest] = key.split(".");
  if (rest.length === 0) return { ...tree, [first]: value };
  const inner = tree[first];
  return { ...tree, [first]: withValue(isTree(inner) ? inner : {}, rest.join("."), value) };
}

/** A copy of the tree without the value at a dotted key, and without groups that become empty. */
export function without(tree: Tree, key: string): Tree {
  const [first, ...rest] = key.split(".");
  const { [first]: inner, ...others } = tree;
  if (rest.length === 0 || !isTree(inner)) return others;
  const left = without(inner, rest.join("."));
  return Object.keys(left).length === 0 ? others : { ...tree, [first]: left };
}

/** The dotted keys of all values that are not groups. */
export function keysOf(tree: Tree, prefix = ""): string[] {
  return Object.entries(tree).flatMap(([name, value]) =>
    isTree(value) && Object.keys(value).length > 0
      ? keysOf(value, `${prefix}${name}.`)
      : [`${prefix}${name}`],
  );
}
