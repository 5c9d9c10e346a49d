#!/usr/bin/env node
import { existsSync } from "node:fs";

const main = new URL("../dist/cli/main.js", import.meta.url);
if (!existsSync(main)) {
  console.error("Salmask is not built yet. Run: npm run setup");
  process.exit(1);
}
const { tuneProcess } = await import("@salmask/torch");
tuneProcess();
const { run } = await import(main);
process.exitCode = await run(process.argv.slice(2));
