import { z } from "zod";
import { either, type Kind } from "./kind.js";
import { kindOf } from "./kind-of-schema.js";
import { isTree } from "./tree.js";

/** A setting for users: its dotted key, its description, the values that it accepts, and its default. */
export interface Setting {
  readonly key: string;
  readonly description: string;
  readonly kind: Kind;
  readonly default: unknown;
}

/**
 * Every setting of a schema in which all settings have defaults, in order. For a choice between kinds: those of each
 * kind.
 */
export function settingsOf(schema: z.ZodObject): Setting[] {
  const found = new Map<string, Setting>();
  for (const setting of collect(schema.shape, "", schema.parse({}))) {
    const before = found.get(setting.key);
    if (before === undefined) found.set(setting.key, setting);
    else found.set(setting.key, { ...before, kind: either(before.kind, setting.kind) });
  }
  return [...found.values()];
}

function collect(shape: Record<string, z.core.$ZodType>, prefix: string, values: unknown): Setting[] {
  return Object.entries(shape).flatMap(([name, type]) => {
    const key = `${prefix}${name}`;
    const value = isTree(values) ? values[name] : undefined;
    const kinds = objectsOf(type);
    if (kinds.length > 0) return kinds.flatMap(({ shape: inner }) => collect(inner, `${key}.`, value));
    const description = z.globalRegistry.get(type)?.description ?? "";
    return [{ key, description, kind: kindOf(type), default: value }];
  });
}

/** The object types of a schema: one, several for a choice, or none for a plain value. */
function objectsOf(type: z.core.$ZodType): z.ZodObject[] {
  if (type instanceof z.ZodObject) return [type];
  if (type instanceof z.ZodPrefault) return objectsOf(type.unwrap());
  if (type instanceof z.ZodPipe) return objectsOf(type.out);
  if (type instanceof z.ZodDiscriminatedUnion) return type.options.flatMap(objectsOf);
  return [];
}
