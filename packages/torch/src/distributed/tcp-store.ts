import { native } from "../native.js";
import { DistributedError, nativeCode, reasonOf } from "./distributed-error.js";

/** What a {@link TCPStore} connects to. */
export interface TCPStoreOptions {
  /** A name or an address: the server's own, or that of the server to connect to. */
  host: string;
  /** 1 to 65,535; 0 lets a server take any free one. */
  port: number;
  /** Whether this process serves the store. Exactly one does; it has to outlive the others. */
  isServer: boolean;
  /** How many processes will connect, the server included: the server's constructor then waits for all of them. */
  worldSize?: number;
  /** How long the connection, and every question, may take. Default: 300. */
  timeoutSeconds?: number;
}

/** Checked seconds as whole milliseconds, at least 1. */
export function milliseconds(name: string, seconds: number): number {
  if (!(seconds > 0 && seconds <= 30 * 24 * 3600))
    throw new RangeError(
      `Expected ${name} to be a number of seconds above 0, up to 30 days, got ${seconds}.`,
    );
  return Math.max(1, Math.round(seconds * 1000));
}

/** Throws a `RangeError` unless `value` is a whole number from `low` to `high`. */
export function expectWhole(name: string, value: number, low: number, high: number): void {
  if (!(Number.isInteger(value) && value >= low && value <= high))
    throw new RangeError(`Expected ${name} to be a whole number from ${low} to ${high}, got ${value}.`);
}

/**
 * libtorch's `TCPStore`: keys with values that all processes share, held by one of them. Every call blocks until the answer is
 * there or the timeout has passed, and then throws a {@link DistributedError} `store-failed`.
 */
export class TCPStore {
  /** The host that was given. */
  readonly host: string;
  /** The port that the server listens on. */
  readonly port: number;
  /** Whether this process serves the store. */
  readonly isServer: boolean;
  readonly #timeout: number;
  #handle: number;

  constructor({ host, port, isServer, worldSize, timeoutSeconds = 300 }: TCPStoreOptions) {
    if (host === "") throw new RangeError("Expected the host of a store, got an empty one.");
    expectWhole("the port of a store", port, isServer ? 0 : 1, 65_535);
    if (worldSize !== undefined) expectWhole("worldSize", worldSize, 1, 2 ** 20);
    this.#timeout = milliseconds("timeoutSeconds", timeoutSeconds);
    this.host = host;
    this.isServer = isServer;
    const where = isServer ? `a store served at ${host}:${port}` : `a store at ${host}:${port} to connect to`;
    this.#handle = answered(where, () =>
      native.storeCreate(host, port, isServer, worldSize ?? 0, this.#timeout),
    );
    this.port = native.storePort(this.#handle);
  }

  /** The addon's integer for this store. Throws if it was disposed. */
  get handle(): number {
    if (this.#handle === 0) throw new Error("Expected a live store, got one that was disposed.");
    return this.#handle;
  }

  /** Gives a key a value. The answer may take `timeoutSeconds`; default: the store's timeout. */
  set(key: string, value: string, timeoutSeconds?: number): void {
    const limit = this.#limit(timeoutSeconds);
    this.#ask(`an answer to '${key}'`, () => native.storeSet(this.handle, key, value, limit));
  }

  /** The value of a key. Waits for the key for `timeoutSeconds`; default: the store's timeout. */
  get(key: string, timeoutSeconds?: number): string {
    const limit = this.#limit(timeoutSeconds);
    return this.#ask(`the value of '${key}'`, () => native.storeGet(this.handle, key, limit));
  }

  /** Adds a whole number to a counter, which begins at 0. Returns the sum. */
  add(key: string, n: number): number {
    expectWhole("what is added", n, Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER);
    return this.#ask(`the sum of '${key}'`, () => native.storeAdd(this.handle, key, n, this.#timeout));
  }

  /** Whether all keys have a value. The answer may take `timeoutSeconds`; default: the store's timeout. */
  check(keys: readonly string[], timeoutSeconds?: number): boolean {
    const limit = this.#limit(timeoutSeconds);
    return this.#ask("an answer to which keys there are", () =>
      native.storeCheck(this.handle, keys, 0, limit),
    );
  }

  /** Waits until all keys have a value. Default: as long as the store's timeout. */
  wait(keys: readonly string[], timeoutSeconds?: number): void {
    const limit = this.#limit(timeoutSeconds);
    const wanted = keys.map((key) => `'${key}'`).join(", ");
    const areThere = this.#ask(wanted, () => native.storeCheck(this.handle, keys, limit, this.#timeout));
    if (areThere) return;
    const lacking = keys.filter((key) => !this.check([key]));
    throw new DistributedError(
      "store-failed",
      `Expected ${wanted} in the store at ${this.host}:${this.port} within ${limit / 1000} s, ` +
        `got none of ${lacking.map((key) => `'${key}'`).join(", ")}.`,
    );
  }

  /** Closes the connection, and of the server the store. A second call has no effect. */
  dispose(): void {
    if (this.#handle === 0) return;
    native.storeRelease(this.#handle);
    this.#handle = 0;
  }

  /** Closes the connection at the end of a block that declares it with `using`. */
  [Symbol.dispose](): void {
    this.dispose();
  }

  #limit(timeoutSeconds: number | undefined): number {
    return timeoutSeconds === undefined ? this.#timeout : milliseconds("timeoutSeconds", timeoutSeconds);
  }

  #ask<T>(wanted: string, ask: () => T): T {
    return answered(`${wanted} from the store at ${this.host}:${this.port}`, ask);
  }
}

/** What `ask` returns; a store that fails becomes an error that says what was expected. */
function answered<T>(wanted: string, ask: () => T): T {
  try {
    return ask();
  } catch (error) {
    if (nativeCode(error) !== "STORE") throw error;
    throw new DistributedError("store-failed", `Expected ${wanted}, got a failure: ${reasonOf(error)}.`, {
      cause: error,
    });
  }
}
