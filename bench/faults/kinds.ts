/** The kinds of files that are damaged: how many of each there are in a whole count, and what they are called. */

/** Random numbers depend on a kind's place, so a new kind comes last. */
const kinds = [
  { kind: "images", title: "images", files: 2000 },
  { kind: "tensors", title: "checkpoints and safetensors", files: 500 },
  { kind: "pth", title: ".pth files", files: 500 },
  { kind: "tars", title: "archives", files: 500 },
  { kind: "texts", title: "settings and annotations", files: 500 },
  { kind: "shards", title: "archives, as shards", files: 500 },
] as const;

export type Kind = (typeof kinds)[number]["kind"];

export const kindNames: readonly Kind[] = kinds.map(({ kind }) => kind);

/** The kinds with a text in their names or titles. */
export const kindsWith = (text: string) =>
  kinds.filter(({ kind, title }) => kind.includes(text) || title.includes(text));
