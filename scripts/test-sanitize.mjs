// Runs the engine's tests with AddressSanitizer and UndefinedBehaviorSanitizer in its native code:
// `npm run test:sanitize`.
// Fails if a test fails, or if any process of the tests wrote a report. Arguments select other tests.
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { compiler } from "../packages/torch/scripts/toolchain.mjs";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const tests = process.argv.length > 2 ? process.argv.slice(2) : ["packages/torch/test"];

// Names of tests that count the pages that the process gets from the kernel: a sanitizer's shadow memory takes pages
// too.
const countPages = [
  "without new pages",
  "small blocks make room for a large one",
  "keeps the memory of tensors that are freed",
];

function fail(message) {
  console.error(message);
  process.exit(1);
}

function run(args, env) {
  const { status, error } = spawnSync(process.execPath, args, { cwd: root, stdio: "inherit", env });
  if (error) fail(`${args[0]}: ${error.message}`);
  return status;
}

// Node is not built with the sanitizers, so their runtime must be loaded first.
const runtime = execFileSync(compiler, ["-print-file-name=libasan.so"], { encoding: "utf8" }).trim();
if (!runtime.startsWith("/")) {
  fail(`Expected the AddressSanitizer that belongs to ${compiler}, got none. On Debian: apt-get install g++`);
}
const preload = realpathSync(runtime);
if (run([join(root, "packages/torch/scripts/build.mjs"), "--sanitize"], process.env) !== 0) process.exit(1);

const reports = mkdtempSync(join(tmpdir(), "salmask-sanitize-"));
const status = run(
  [
    ...[join(root, "node_modules/vitest/vitest.mjs"), "run", "--testTimeout", "900000", ...tests],
    ...["--testNamePattern", `^(?!.*(${countPages.join("|")})).*$`],
  ],
  {
    ...process.env,
    SALMASK_TORCH_BUILD: join(root, "packages/torch/build/sanitized"),
    SALMASK_TEST_PRELOAD: preload,
    LD_PRELOAD: preload,
    // Node itself leaks memory when it ends. Freed memory is not kept for long, because tests measure the size of the
    // process.
    ASAN_OPTIONS: `detect_leaks=0:quarantine_size_mb=16:log_path=${join(reports, "address")}`,
    UBSAN_OPTIONS: `print_stacktrace=1:log_path=${join(reports, "undefined")}`,
  },
);
const left = readdirSync(reports);
for (const name of left) console.error(`${name}:\n${readFileSync(join(reports, name), "utf8")}`);
rmSync(reports, { recursive: true });
if (left.length > 0) fail(`Expected no report of the sanitizers, got ${left.length}.`);
if (status !== 0) fail(`The tests ended with ${status}.`);
console.error("No report of the sanitizers.");
