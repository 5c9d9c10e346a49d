/** The photos of bench/rival: of each class of CIFAR-10 the first ones by name. */
import { spawnSync } from "node:child_process";
import {
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";

export interface RivalPhotos {
  /** Photos to train on, all in one folder. */
  readonly train: string;
  /** The same photos as `train/CLASS` and those to score on as `test/CLASS`. */
  readonly labelled: string;
}

/** The first `count` of `train/CLASS/N.jpg`: the first of every class by name, then the second of every class, and so on. */
export function firstOfEachClass(names: readonly string[], count: number): string[] {
  const classes = new Map<string, string[]>();
  for (const name of names.toSorted()) {
    const of = dirname(name);
    classes.set(of, [...(classes.get(of) ?? []), name]);
  }
  const ranked = [...classes.values()].flatMap((own) => own.map((name, rank) => ({ name, rank })));
  return ranked
    .sort((a, b) => a.rank - b.rank)
    .slice(0, count)
    .map(({ name }) => name);
}

/**
 * Copies the photos of a folder or archive of CIFAR-10 (`train/CLASS/N.jpg`, `test/CLASS/N.jpg`) to `out`, unless an earlier call
 * did: `count` to train on, and as many to score on, if there are that many.
 */
export function takePhotos(from: string, out: string, count: number): RivalPhotos {
  const taken = { train: join(out, "photos"), labelled: join(out, "labelled") };
  const mark = join(out, "photos.json");
  const chosen = JSON.stringify({ from, count });
  if (existsSync(mark) && readFileSync(mark, "utf8") === chosen) return taken;
  for (const folder of Object.values(taken)) rmSync(folder, { recursive: true, force: true });
  const source = existsSync(from) && statSync(from).isDirectory() ? folderOf(from) : archiveOf(from);
  const names = (["train", "test"] as const).flatMap((part) => {
    const found = firstOfEachClass(
      source.names.filter((name) => new RegExp(`^${part}/.+\\.jpg$`).test(name)),
      count,
    );
    if (found.length === 0 || (part === "train" && found.length < count))
      throw new Error(`Expected ${count} photos ${part}/CLASS/N.jpg in ${from}, got ${found.length}.`);
    return found;
  });
  source.copy(names, taken.labelled);
  mkdirSync(taken.train);
  for (const name of names.filter((name) => name.startsWith("train/"))) {
    linkSync(join(taken.labelled, name), join(taken.train, name.slice("train/".length).replaceAll("/", "-")));
  }
  writeFileSync(mark, chosen);
  return taken;
}

interface Source {
  /** Relative, with `/`. */
  readonly names: readonly string[];
  copy(names: readonly string[], to: string): void;
}

function folderOf(root: string): Source {
  return {
    names: readdirSync(root, { recursive: true, encoding: "utf8" }),
    copy(names, to) {
      for (const name of names) {
        mkdirSync(dirname(join(to, name)), { recursive: true });
        copyFileSync(join(root, name), join(to, name));
      }
    },
  };
}

/** An archive whose one folder holds the photos. */
function archiveOf(path: string): Source {
  const members = tar(["--list", "--file", path]).split("\n");
  const within = (member: string) => member.slice(member.indexOf("/") + 1);
  const memberOf = new Map(members.map((member) => [within(member), member]));
  return {
    names: [...memberOf.keys()],
    copy(names, to) {
      mkdirSync(to, { recursive: true });
      const wanted = names.map((name) => memberOf.get(name)).join("\n");
      tar(["--extract", "--file", path, "--directory", to, "--strip-components=1", "--files-from=-"], wanted);
    },
  };
}

function tar(args: readonly string[], input = ""): string {
  const { status, stdout, stderr, error } = spawnSync("tar", args, {
    input,
    encoding: "utf8",
    maxBuffer: 2 ** 28,
  });
  if (status !== 0)
    throw new Error(`Expected tar ${args.join(" ")} to end with 0, got ${error?.message ?? stderr}`);
  return stdout;
}
