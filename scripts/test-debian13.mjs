// Runs the engine's tests on Debian 13's libtorch, in a debootstrap folder: `npm run test:debian13`, as root.
// The folder (SALMASK_DEBIAN13, or .cache/debian13) is made once, from the mirror that this machine's apt uses;
// a second run only builds what changed and tests. Arguments name other tests: `npm run test:debian13 -- packages`.
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const suite = "trixie";
const packages = [
  ...["nodejs", "g++", "libtorch-dev", "libopenblas0-pthread"],
  ...["python3-torch", "python3-torchvision"],
];
const repository = dirname(dirname(fileURLToPath(import.meta.url)));
const root = resolve(process.env.SALMASK_DEBIAN13 || join(repository, ".cache", "debian13"));
const tests =
  process.argv.length > 2 ? process.argv.slice(2) : ["packages/torch", "models/resnet", "test/compute"];
const environment = {
  PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
  HOME: "/root",
  LANG: "C.UTF-8",
  DEBIAN_FRONTEND: "noninteractive",
  ...(process.env.OMP_NUM_THREADS ? { OMP_NUM_THREADS: process.env.OMP_NUM_THREADS } : {}),
};

function fail(message) {
  console.error(message);
  process.exit(1);
}

function run(command, args, options = {}) {
  console.error(`$ ${[command, ...args].join(" ").replaceAll("\n", "; ")}`);
  const { status, error } = spawnSync(command, args, { stdio: "inherit", ...options });
  if (error) fail(`${command}: ${error.message}`);
  if (status !== 0) fail(`${command} ended with ${status}`);
}

function hasCommand(name) {
  return spawnSync("sh", ["-c", `command -v ${name}`], { stdio: "ignore" }).status === 0;
}

/** The address of Debian's main archive in this machine's own apt sources. */
function mirror() {
  const targets = [
    "indextargets",
    "--format",
    "$(SITE)",
    "Created-By: Packages",
    "Origin: Debian",
    "Label: Debian",
  ];
  const sites = execFileSync("apt-get", targets, { encoding: "utf8" }).trim().split("\n");
  if (sites[0] === "") {
    fail(
      "expected an apt source of Debian's main archive, but apt-get indextargets lists none. Run: apt-get update",
    );
  }
  return sites[0];
}

/** Runs a script in the folder. Its mounts live in a mount namespace of their own, so they end with the script. */
function inside(script, mounts = []) {
  const mount = [
    `mount -t proc proc '${root}/proc'`,
    `mount --rbind /dev '${root}/dev'`,
    ...mounts.map(([from, to]) => `mkdir -p '${root}${to}' && mount --bind '${from}' '${root}${to}'`),
  ];
  const all = ["set -e", ...mount, `exec chroot '${root}' /bin/sh -ec "$1"`].join("\n");
  run("unshare", ["--mount", "sh", "-c", all, "sh", script], { env: environment });
}

if (process.getuid() !== 0) fail("A debootstrap folder needs root. Run: sudo npm run test:debian13");
if (!hasCommand("debootstrap")) {
  run("apt-get", ["update"]);
  run("apt-get", ["install", "-y", "--no-install-recommends", "debootstrap"]);
}

if (!existsSync(root)) {
  const partial = `${root}.partial`;
  rmSync(partial, { recursive: true, force: true });
  mkdirSync(dirname(root), { recursive: true });
  run("debootstrap", ["--variant=minbase", suite, partial, mirror()]);
  renameSync(partial, root);
}
const stamp = join(root, "var", "salmask-packages");
if (!existsSync(stamp) || readFileSync(stamp, "utf8") !== packages.join("\n")) {
  inside(`apt-get update; apt-get install -y --no-install-recommends ${packages.join(" ")}; apt-get clean`);
  writeFileSync(stamp, packages.join("\n"));
}

// The tree is seen as it is, node_modules too; only what is compiled against libtorch has a folder of its own.
const built = join(root, "var", "salmask-build");
const cached = join(root, "var", "salmask-cache");
for (const dir of [
  built,
  cached,
  join(repository, "packages/torch/build"),
  join(repository, "node_modules/.vite"),
]) {
  mkdirSync(dir, { recursive: true });
}
inside(
  `cd /salmask
  node packages/torch/scripts/build.mjs
  node -p '"libtorch " + require("./packages/torch/build/libtorch.json").version + ", Node " + process.version'
  node node_modules/vitest/vitest.mjs run ${tests.map((name) => `'${name}'`).join(" ")}`,
  [
    [repository, "/salmask"],
    [built, "/salmask/packages/torch/build"],
    [cached, "/salmask/node_modules/.vite"],
  ],
);
