// Runs the engine's tests with its native code under AddressSanitizer and UndefinedBehaviorSanitizer: `npm run test:sanitize`.
// Fails where a test fails, or where any process of the tests left a report. Arguments name other tests.
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { compiler } from "../packages/torch/scripts/toolchain.mjs";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const tests = process.argv.length > 2 ? process.argv.slice(2) : ["packages/torch/test"];

// Names of tests that count the pages which the process gets from the kernel: a sanitizer's shadow memory takes pages too.
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

// Node is not built with the sanitizers, so their runtime has to be there before it.
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
    // Node itself leaves memory behind when it ends. Freed memory is not held back for long, since tests weigh the process.
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
