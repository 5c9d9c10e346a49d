#!/usr/bin/env node
// Bundles the page of `salmask watch` into dist/page: one script and one style, with the charts' library in them.
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = dirname(dirname(fileURLToPath(import.meta.url)));

await build({
  entryPoints: [
    { in: join(root, "src/page/main.ts"), out: "page" },
    { in: join(root, "src/page/page.css"), out: "page" },
  ],
  outdir: join(root, "dist/page"),
  bundle: true,
  format: "esm",
  target: ["es2023"],
  minify: true,
  legalComments: "none",
  logLevel: "warning",
});
