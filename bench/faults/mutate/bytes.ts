/** Damage that any file can have: cut, flipped, overwritten, moved. */
import type { KeyedRandom } from "@salmask/torch";

/** A file that was damaged, and how. */
export interface Mutated {
  /** How it was damaged, such as `flipped bits`. */
  readonly how: string;
  /** Name of the file, with its extension. */
  readonly name: string;
  readonly bytes: Buffer;
  /** Other files that belong to it, by their paths beside it. */
  readonly beside?: Readonly<Record<string, Buffer>>;
}

/** Makes the damaged file number `index`; the same random numbers give the same file. */
export type Mutate = (random: KeyedRandom, index: number) => Mutated;

export function pick<T>(random: KeyedRandom, from: readonly T[]): T {
  return from[random.integer(from.length)];
}

export function noise(random: KeyedRandom, length: number): Buffer {
  return Buffer.from(Uint8Array.from({ length }, () => random.integer(256)));
}

const extremes = [0, 1, 0x7f, 0x80, 0xff, 0x7fff, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff];

type Damage = (bytes: Buffer, random: KeyedRandom) => Buffer;

/** A part of the bytes, from its begin to its end. */
function part(bytes: Buffer, random: KeyedRandom): [begin: number, end: number] {
  const begin = random.integer(bytes.length);
  return [begin, Math.min(bytes.length, begin + 1 + random.integer(64))];
}

function changed(bytes: Buffer, change: (copy: Buffer) => void): Buffer {
  const copy = Buffer.from(bytes);
  change(copy);
  return copy;
}

const without = (bytes: Buffer, begin: number, end: number) =>
  Buffer.concat([bytes.subarray(0, begin), bytes.subarray(end)]);

const withInserted = (bytes: Buffer, at: number, more: Buffer) =>
  Buffer.concat([bytes.subarray(0, at), more, bytes.subarray(at)]);

function flipBits(bytes: Buffer, random: KeyedRandom, reach: number): Buffer {
  return changed(bytes, (copy) => {
    for (let left = 1 + random.integer(8); left > 0; left--) {
      copy[random.integer(Math.min(reach, copy.length))] ^= 1 << random.integer(8);
    }
  });
}

const damages: Readonly<Record<string, Damage>> = {
  cut: (bytes, random) => bytes.subarray(0, random.integer(bytes.length)),
  "flipped bits": (bytes, random) => flipBits(bytes, random, bytes.length),
  "flipped bits at the beginning": (bytes, random) => flipBits(bytes, random, 64),
  "overwritten part": (bytes, random) => {
    const [begin, end] = part(bytes, random);
    return changed(bytes, (copy) => void noise(random, end - begin).copy(copy, begin));
  },
  "part of zeros": (bytes, random) => {
    const [begin, end] = part(bytes, random);
    return changed(bytes, (copy) => void copy.fill(0, begin, end));
  },
  "part missing": (bytes, random) => without(bytes, ...part(bytes, random)),
  "part twice": (bytes, random) => {
    const [begin, end] = part(bytes, random);
    return withInserted(bytes, end, bytes.subarray(begin, end));
  },
  "noise inserted": (bytes, random) =>
    withInserted(bytes, random.integer(bytes.length), noise(random, 1 + random.integer(64))),
  "extreme number": (bytes, random) =>
    changed(bytes, (copy) => {
      if (copy.length < 4) return;
      const [value, at] = [pick(random, extremes), random.integer(Math.min(copy.length, 512) - 3)];
      if (random.integer(2) === 0) copy.writeUInt32LE(value, at);
      else copy.writeUInt32BE(value, at);
    }),
};

const names = Object.keys(damages);

/** The bytes with one kind of damage, and its name. */
export function damaged(bytes: Buffer, random: KeyedRandom): { how: string; bytes: Buffer } {
  const how = pick(random, names);
  return { how, bytes: damages[how](bytes, random) };
}
