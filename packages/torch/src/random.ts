/**
 * Random numbers that depend only on a key, not on earlier draws: Philox4x32-10 (Salmon et al., "Parallel random
 * numbers: as easy as 1, 2, 3", SC 2011). Each decision has its own stream. So a resumed run, or a run with another
 * number of workers, draws the same numbers.
 */
import { native } from "./native.js";

const M0 = 0xd2511f53;
const M1 = 0xcd9e8d57;
const W0 = 0x9e3779b9;
const W1 = 0xbb67ae85;

/** The high 32 bits of a 32 x 32 bit product. */
function mulHigh(a: number, b: number): number {
  const aLow = a & 0xffff;
  const aHigh = a >>> 16;
  const bLow = b & 0xffff;
  const bHigh = b >>> 16;
  const middle = aHigh * bLow + ((aLow * bLow) >>> 16);
  const carry = aLow * bHigh + (middle & 0xffff);
  return (aHigh * bHigh + (middle >>> 16) + Math.floor(carry / 65536)) >>> 0;
}

/** Ten rounds of Philox on a counter of four 32-bit words with a key of two words. Overwrites the counter. */
export function philox4x32(counter: Uint32Array, key0: number, key1: number): Uint32Array {
  let [k0, k1] = [key0 >>> 0, key1 >>> 0];
  let [c0, c1, c2, c3] = counter;
  for (let round = 0; round < 10; round++) {
    const high0 = mulHigh(M0, c0);
    const high1 = mulHigh(M1, c2);
    const low0 = Math.imul(M0, c0) >>> 0;
    const low1 = Math.imul(M1, c2) >>> 0;
    [c0, c1, c2, c3] = [(high1 ^ c1 ^ k0) >>> 0, low1, (high0 ^ c3 ^ k1) >>> 0, low0];
    k0 = (k0 + W0) >>> 0;
    k1 = (k1 + W1) >>> 0;
  }
  counter[0] = c0;
  counter[1] = c1;
  counter[2] = c2;
  counter[3] = c3;
  return counter;
}

/** A stream of random numbers, identified by a tuple of integers such as (seed, purpose, epoch, image, view). */
export class KeyedRandom {
  private readonly key0: number;
  private readonly key1: number;
  private readonly block = new Uint32Array(4);
  private blocks = 0;
  private used = 4;

  /**
   * Each part of the key is a whole number from 0 to 2^53 - 1. Different tuples, also of different length, have
   * different streams.
   */
  constructor(...key: number[]) {
    let [k0, k1] = [key.length, 0];
    for (const [i, part] of key.entries()) {
      if (!Number.isSafeInteger(part) || part < 0) {
        throw new RangeError(`expected whole numbers from 0 to 2^53 - 1 in a random key, got ${part}`);
      }
      const words = philox4x32(Uint32Array.of(part >>> 0, Math.floor(part / 2 ** 32), i, 0x6b6579), k0, k1);
      [k0, k1] = [words[0], words[1]];
    }
    this.key0 = k0;
    this.key1 = k1;
  }

  /** 32 random bits as a whole number. */
  uint32(): number {
    if (this.used === 4) {
      this.block.set([this.blocks >>> 0, Math.floor(this.blocks / 2 ** 32), 0, 0]);
      philox4x32(this.block, this.key0, this.key1);
      this.blocks++;
      this.used = 0;
    }
    return this.block[this.used++];
  }

  /** Uniform in [0, 1), in steps of 2^-32. */
  uniform(): number {
    return this.uint32() / 2 ** 32;
  }

  /** Uniform in [low, high). */
  uniformIn(low: number, high: number): number {
    return low + (high - low) * this.uniform();
  }

  /** A uniform whole number from 0 to n - 1, unbiased by rejection sampling. n is from 1 to 2^32. */
  integer(n: number): number {
    if (!Number.isInteger(n) || n < 1 || n > 2 ** 32) {
      throw new RangeError(`expected a whole number from 1 to 2^32 as the upper limit of a draw, got ${n}`);
    }
    const limit = 2 ** 32 - (2 ** 32 % n);
    let bits = this.uint32();
    while (bits >= limit) bits = this.uint32();
    return bits % n;
  }

  /** Standard normal (Box and Muller 1958). */
  normal(): number {
    const radius = Math.sqrt(-2 * Math.log(1 - this.uniform()));
    return radius * Math.cos(2 * Math.PI * this.uniform());
  }

  /** The numbers 0 to n - 1 in random order (Fisher and Yates). */
  permutation(n: number): Int32Array {
    const order = Int32Array.from({ length: n }, (_, i) => i);
    for (let i = n - 1; i > 0; i--) {
      const j = this.integer(i + 1);
      [order[i], order[j]] = [order[j], order[i]];
    }
    return order;
  }
}

const generatorNet = new FinalizationRegistry<number>((handle) => native.releaseGenerator(handle));

/** libtorch's own generator, for operators that fill tensors with random numbers. */
export class Generator {
  readonly handle: number;

  /** `seed` is a whole number from 0 to 2^53 - 1. */
  constructor(seed: number, device = "cpu") {
    this.handle = native.makeGenerator(device, seed);
    generatorNet.register(this, this.handle);
  }

  /** Restarts from a seed. Returns itself. */
  manualSeed(seed: number): this {
    native.seedGenerator(this.handle, seed);
    return this;
  }
}
