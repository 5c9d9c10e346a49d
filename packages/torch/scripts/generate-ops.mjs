// Writes src/ops.generated.ts: a typed function (and a method if the first argument is `self`) for each operator in
// ops.txt, from the schemas of the libtorch that the addon was built against. `--check` only compares.
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const native = createRequire(import.meta.url)(join(root, "build", "salmask_torch.node"));
const target = join(root, "src", "ops.generated.ts");

const camel = (name) =>
  name
    .replace(/^_+/, "")
    .replace(/_+$/, "")
    .replace(/_([a-z0-9])/g, (_, letter) => letter.toUpperCase()) + (name.endsWith("_") ? "_" : "");

/** Splits at commas outside brackets. */
function splitTop(text) {
  const parts = [];
  let depth = 0;
  let part = "";
  for (const c of text) {
    if ("([".includes(c)) depth++;
    if (")]".includes(c)) depth--;
    if (c === "," && depth === 0) {
      parts.push(part.trim());
      part = "";
    } else part += c;
  }
  if (part.trim() !== "") parts.push(part.trim());
  return parts;
}

function parseSchema(schema) {
  const open = schema.indexOf("(");
  const arrow = schema.lastIndexOf(" -> ");
  const parameters = splitTop(schema.slice(open + 1, arrow - 1))
    .filter((part) => part !== "*")
    .map((part) => {
      const [declaration, ...rest] = part.split("=");
      const space = declaration.lastIndexOf(" ");
      const type = declaration
        .slice(0, space)
        .replace(/\([^)]*\)/g, "")
        .replaceAll("SymInt", "int");
      return {
        type,
        name: declaration.slice(space + 1),
        default: rest.length > 0 ? rest.join("=") : undefined,
      };
    });
  const returned = schema.slice(arrow + 4);
  return {
    parameters,
    inPlace: returned.includes("!"),
    returns: returned.replace(/\(([a-z!|*> -]+)\)/g, ""),
  };
}

/** The TypeScript type of a parameter, and the expression that passes it to the addon. */
function crossing(parameter) {
  const { name } = parameter;
  const optional = parameter.type.replace(/\[\d*\]\?$/, "[]").endsWith("?") || /\]\?$/.test(parameter.type);
  const type = parameter.type.replace(/\[\d+\]/, "[]").replace(/\]\?$/, "]");
  const orNull = optional ? " | null" : "";
  if (name === "dtype") return { type: "DType", pass: (v) => `scalarType(${v})` };
  if (name === "memory_format") return { type: "MemoryFormat", pass: (v) => `memoryFormatCode(${v})` };
  const sized = /\[\d+\]/.test(parameter.type) ? "number | " : "";
  switch (type) {
    case "Tensor":
      return { type: "Tensor", pass: (v, maybe) => (maybe ? `optionalHandle(${v})` : `${v}.handle`) };
    case "Tensor?":
      return { type: "Tensor | null", pass: (v) => `optionalHandle(${v})` };
    case "Tensor[]":
      return { type: "readonly Tensor[]", pass: (v) => `handles(${v})` };
    case "Tensor?[]":
      return { type: "readonly (Tensor | null)[]", pass: (v) => `optionalHandles(${v})` };
    case "int[]":
    case "float[]":
    case "Scalar[]":
      return { type: `${sized}readonly number[]${orNull}`, pass: (v) => v };
    case "bool[]":
      return { type: "readonly boolean[]", pass: (v) => v };
    case "int":
    case "int?":
    case "float":
    case "float?":
    case "Scalar":
    case "Scalar?":
      return { type: `number${orNull}`, pass: (v) => v };
    case "bool":
    case "bool?":
      return { type: "boolean", pass: (v) => v };
    case "str":
    case "str?":
    case "Device":
    case "Device?":
      return { type: "string", pass: (v) => v };
    case "Generator?":
      return { type: "Generator", pass: (v) => `${v}?.handle` };
    case "Layout":
    case "Layout?":
      return null;
    default:
      throw new Error(`${name}: no TypeScript form for ${parameter.type}`);
  }
}

const returnForms = {
  Tensor: ["Tensor", "callTensor"],
  "Tensor[]": ["Tensor[]", "callTensors"],
  bool: ["number", "callNumber"],
  int: ["number", "callNumber"],
  Scalar: ["number", "callNumber"],
};

function describe(line) {
  const [full, , as] = line.split(" ");
  const [name, overload = ""] = full.split(".");
  const index = native.findOperator(name, overload);
  if (index < 0) throw new Error(`this libtorch has no ${full}`);
  const schema = native.operatorSchema(index);
  const { parameters, inPlace, returns } = parseSchema(schema);
  const form =
    inPlace || returns === "()"
      ? ["void", "callVoid"]
      : (returnForms[returns] ?? ["Tensor[]", "callTensors"]);
  return {
    full,
    name,
    overload,
    schema,
    parameters,
    inPlace,
    form,
    js: as ?? camel(name.split("::")[1]),
  };
}

const reserved = { input: "input", var: "variance" };
const words = new Set(["var", "in", "function", "default"]);
const identifier = (name) => (words.has(name) ? `${reserved[name] ?? name}_` : camel(name));

function render(name, variants) {
  const first = variants[0];
  const isRequired = (p) => p.default === undefined;
  const used = first.parameters.filter((p) => crossing(p) !== null && p.name !== "pin_memory");
  const required = used.filter(isRequired);
  const optional = used.filter((p) => !isRequired(p));
  const js = name;
  const types = new Map(used.map((p) => [p.name, crossing(p).type]));
  let split;
  if (variants.length === 2) {
    split = first.parameters.find(
      (p, i) => variants[1].parameters[i] && crossing(p).type !== crossing(variants[1].parameters[i]).type,
    );
    const other = variants[1].parameters[first.parameters.indexOf(split)];
    types.set(split.name, `${crossing(split).type} | ${crossing(other).type}`);
  }
  const doc = variants.map((v) => ` * \`${v.schema}\``).join("\n");
  const isNullable = (p) => types.get(p.name).endsWith("| null");
  const isMethod = first.parameters[0]?.name === "self" && first.parameters[0].type === "Tensor";
  const parameterList = (list) => {
    const parts = list.map((p, i) => {
      const canOmit = isNullable(p) && list.slice(i).every(isNullable);
      return `${identifier(p.name)}${canOmit ? "?" : ""}: ${types.get(p.name)}`;
    });
    if (optional.length > 0) {
      parts.push(
        `options: { ${optional.map((p) => `${camel(p.name)}?: ${types.get(p.name)}`).join("; ")} } = {}`,
      );
    }
    return parts.join(", ");
  };
  const call = (variant) => {
    const operator = constant(variant);
    const args = variant.parameters.map((p, i) => {
      const ours = first.parameters[i] ?? p;
      const form = crossing(p);
      if (form === null || p.name === "pin_memory") return "undefined";
      return isRequired(ours)
        ? form.pass(identifier(ours.name), false)
        : form.pass(`options.${camel(ours.name)}`, true);
    });
    while (args.at(-1) === "undefined") args.pop();
    return `${variant.form[1]}(${[operator, ...args].join(", ")})`;
  };
  const result = first.inPlace ? "void" : first.form[0];
  const lines = [];
  lines.push(`/**\n${doc}\n */`, `export function ${js}(${parameterList(required)}): ${result} {`);
  const give = first.inPlace || result === "void" ? "" : "return ";
  if (split !== undefined) {
    const [tensorVariant, scalarVariant] =
      crossing(split).type === "number" ? [variants[1], first] : [first, variants[1]];
    lines.push(
      `  if (typeof ${identifier(split.name)} === "number") ${give}${call(scalarVariant)};`,
      `  else ${give}${call(tensorVariant)};`,
    );
  } else lines.push(`  ${give}${call(first)};`);
  lines.push("}");
  const method = [];
  if (isMethod) {
    const rest = required.slice(1);
    const names = [
      "this",
      ...rest.map((p) => identifier(p.name)),
      ...(optional.length > 0 ? ["options"] : []),
    ];
    const signature = ["this: Tensor", parameterList(rest)]
      .filter((part) => part !== "")
      .join(", ")
      .replace(/ = \{\}$/, "");
    const optionsOptional = optional.length > 0 ? signature.replace(/options: \{/, "options?: {") : signature;
    method.push(`  /** \`${first.schema.replace(/\(.*/, "")}\` */`);
    if (first.inPlace)
      method.push(
        `  ${js}(${optionsOptional}): Tensor {`,
        `    ${js}(${names.join(", ")});`,
        "    return this;",
        "  }",
      );
    else
      method.push(
        `  ${js}(${optionsOptional}): ${result} {`,
        `    return ${js}(${names.join(", ")});`,
        "  }",
      );
  }
  return { function: lines.join("\n"), method: method.join("\n") };
}

function constant(variant) {
  const base = camel(variant.name.split("::")[1].replace(/_$/, ""));
  const overload = camel(variant.overload).replace(/^./, (c) => c.toUpperCase());
  return `op${base[0].toUpperCase()}${base.slice(1)}${variant.name.endsWith("_") ? "InPlace" : ""}${overload}`;
}

const listed = readFileSync(join(root, "ops.txt"), "utf8")
  .split("\n")
  .map((line) => line.trim())
  .filter((line) => line !== "" && !line.startsWith("#"));
const groups = new Map();
for (const line of listed) {
  const variant = describe(line);
  groups.set(variant.js, [...(groups.get(variant.js) ?? []), variant]);
}
const operators = [...groups.values()].flat();
const rendered = [...groups.entries()]
  .sort(([a], [b]) => (a < b ? -1 : 1))
  .map(([name, variants]) => render(name, variants));
const text = `// Generated by scripts/generate-ops.mjs from ops.txt and libtorch's schemas. Do not edit.
import { ${rendered.some((r) => r.function.includes("callNumber(")) ? "callNumber, " : ""}callTensor, callTensors, callVoid, handles, optionalHandle, optionalHandles } from "./dispatch.js";
import { type DType, type MemoryFormat, memoryFormatCode, scalarType } from "./dtype.js";
import { Operator } from "./operator.js";
import type { Generator } from "./random.js";
import type { Tensor } from "./tensor.js";

${operators.map((v) => `const ${constant(v)} = new Operator("${v.name}", "${v.overload}");`).join("\n")}

${rendered.map((r) => r.function).join("\n\n")}

/** The operators whose first argument is \`self\`, as methods. */
export abstract class TensorOps {
${rendered
  .filter((r) => r.method !== "")
  .map((r) => r.method)
  .join("\n\n")}
}
`;
if (process.argv.includes("--check")) {
  if (readFileSync(target, "utf8") !== text) {
    console.error(
      "src/ops.generated.ts differs from the schemas. Run: node packages/torch/scripts/generate-ops.mjs",
    );
    process.exit(1);
  }
} else writeFileSync(target, text);
