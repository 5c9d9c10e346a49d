import { statSync } from "node:fs";
import { resolve } from "node:path";
import { EngineError, native } from "./native.js";

/**
 * Loads a shared library that registers operators with libtorch, as torchvision's does; {@link Operator} finds them from then
 * on. It stays loaded, and loading it twice is allowed. Its initialisers run in this process: give only what you trust, built
 * for the libtorch in use. Throws an {@link EngineError} `not-a-file` where the path is none, and `no-library` where it cannot
 * be loaded.
 */
export function loadOperatorLibrary(path: string): void {
  // A name without a folder would be looked for among the system's libraries.
  const file = resolve(path);
  if (statSync(file, { throwIfNoEntry: false })?.isFile() !== true)
    throw new EngineError(
      "not-a-file",
      `Expected a library of operators to load, got ${file}, which is no file.`,
    );
  try {
    native.loadLibrary(file);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new EngineError(
      "no-library",
      `Expected a library of operators that can be loaded, got ${file}: ${why}`,
      error,
    );
  }
}
