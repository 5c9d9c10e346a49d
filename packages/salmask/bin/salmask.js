#!/usr/bin/env -S MALLOC_ARENA_MAX=2 node
// At most two heaps from the start: threads that Node made before the first line runs would each keep one of their own, and grow it.
import { existsSync } from "node:fs";

// While the command line loads nothing has begun that would have to end well.
const stop = () => process.exit(130);
const endings = ["SIGINT", "SIGTERM", "SIGHUP"];
for (const signal of endings) process.on(signal, stop);

const main = new URL("../dist/cli/main.js", import.meta.url);
if (!existsSync(main)) {
  console.error("salmask: Expected the built library, got none in packages/salmask/dist. Run: npm run setup");
  process.exit(1);
}
const { tuneProcess } = await import("@salmask/torch/tune");
tuneProcess();
const { run } = await import(main);
const code = run(process.argv.slice(2)); // listens for signals itself from its first line on
for (const signal of endings) process.off(signal, stop);
process.exitCode = await code;
