import { isDeepStrictEqual } from "node:util";
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
export function settingsOf(schema: z.ZodType): Setting[] {
  const found = new Map<string, OfKind[]>();
  for (const { shape } of objectsOf(schema)) {
    for (const setting of collect(shape, "", schema.parse({}), null)) {
      found.set(setting.key, [...(found.get(setting.key) ?? []), setting]);
    }
  }
  return Array.from(found.values(), ofAllKinds);
}

/** A setting of one kind of a choice between kinds, such as a method; null outside of such a choice. */
interface OfKind extends Setting {
  readonly of: string | null;
}

function collect(
  shape: Record<string, z.core.$ZodType>,
  prefix: string,
  values: unknown,
  of: string | null,
): OfKind[] {
  return Object.entries(shape).flatMap(([name, type]): OfKind[] => {
    const key = `${prefix}${name}`;
    const value = isTree(values) ? values[name] : undefined;
    const kinds = objectsOf(type);
    if (kinds.length === 1) return collect(kinds[0].shape, `${key}.`, value, of);
    if (kinds.length > 1) {
      return kinds.flatMap((kind) => {
        const own = nameOf(kind);
        const usual = own === null ? value : kind.parse({ name: own });
        const ofKind = collect(kind.shape, `${key}.`, usual, own);
        // What is chosen without a word is a default of the whole, not of each kind.
        const chosen = isTree(value) ? value.name : undefined;
        return ofKind.map((setting) =>
          setting.key === `${key}.name` ? { ...setting, default: chosen } : setting,
        );
      });
    }
    const description = z.globalRegistry.get(type)?.description ?? "";
    return [{ key, description, kind: kindOf(type), default: value, of }];
  });
}

/** The `name` by which a kind is chosen, the first of several; null if it has none. */
function nameOf({ shape }: z.ZodObject): string | null {
  const { name } = shape;
  const value =
    name instanceof z.ZodEnum ? name.options[0] : name instanceof z.ZodLiteral ? name.value : null;
  return typeof value === "string" ? value : null;
}

/** One setting for all kinds that have it. Where their defaults differ, the description has them. */
function ofAllKinds(settings: readonly OfKind[]): Setting {
  const [{ key, description, default: usual }] = settings;
  const kind = settings.map((setting) => setting.kind).reduce(either);
  if (settings.every((setting) => isDeepStrictEqual(setting.default, usual))) {
    return { key, description, kind, default: usual };
  }
  const kindsWith = new Map<unknown, (string | null)[]>();
  for (const setting of settings) {
    kindsWith.set(setting.default, [...(kindsWith.get(setting.default) ?? []), setting.of]);
  }
  const said = Array.from(kindsWith, ([value, kinds]) => `${value ?? "none"} (${kinds.join(", ")})`);
  return { key, description: `${description}; default: ${said.join(", ")}`, kind, default: undefined };
}

/** The object types of a schema: one, several for a choice, or none for a plain value. */
function objectsOf(type: z.core.$ZodType): z.ZodObject[] {
  if (type instanceof z.ZodObject) return [type];
  if (type instanceof z.ZodPrefault) return objectsOf(type.unwrap());
  if (type instanceof z.ZodPipe) return objectsOf(type.out);
  if (type instanceof z.ZodDiscriminatedUnion) return type.options.flatMap(objectsOf);
  return [];
}
