// A folder with Debian 13 and its libtorch. debootstrap makes it once, from the mirror in this machine's apt sources.
// The folder is SALMASK_DEBIAN13 or .cache/debian13. The repository is mounted in it at /salmask.
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const suite = "trixie";
// torch.compile imports setuptools, but Debian's package of PyTorch does not depend on it.
const packages = [
  ...["nodejs", "npm", "g++", "libtorch-dev", "libgloo-dev", "libopenblas0-pthread"],
  ...["python3-torch", "python3-torchvision", "python3-setuptools"],
];
const repository = dirname(dirname(fileURLToPath(import.meta.url)));
const root = resolve(process.env.SALMASK_DEBIAN13 || join(repository, ".cache", "debian13"));
const environment = {
  PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
  HOME: "/root",
  LANG: "C.UTF-8",
  DEBIAN_FRONTEND: "noninteractive",
  ...(process.env.OMP_NUM_THREADS ? { OMP_NUM_THREADS: process.env.OMP_NUM_THREADS } : {}),
};

/** @returns {never} */
function fail(message) {
  console.error(message);
  process.exit(1);
}

function run(command, args, options = {}) {
  console.error(`$ ${[command, ...args].join(" ").replaceAll("\n", "; ")}`);
  const { status, error } = spawnSync(command, args, { stdio: ["inherit", 2, 2], ...options });
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
      "Expected an apt source of Debian's main archive, but apt-get indextargets lists none. Run: apt-get update",
    );
  }
  return sites[0];
}

/** Runs a script in the folder. Its mounts are in a separate mount namespace, so they end with the script. */
function inside(script, args, mounts, options) {
  const mount = [
    `mount -t proc proc '${root}/proc'`,
    `mount --rbind /dev '${root}/dev'`,
    `mount --rbind /sys '${root}/sys'`,
    ...mounts.map(([from, to]) => `mkdir -p '${root}${to}' && mount --bind '${from}' '${root}${to}'`),
  ];
  const all = ["set -e", ...mount, `script=$1; shift; exec chroot '${root}' /bin/sh -ec "$script" sh "$@"`];
  run("unshare", ["--mount", "sh", "-c", all.join("\n"), "sh", script, ...args], {
    env: environment,
    ...options,
  });
}

function make() {
  if (process.getuid?.() !== 0) fail("Expected root, which a folder made by debootstrap needs. Use sudo.");
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
    const install = `apt-get install -y --no-install-recommends ${packages.join(" ")}`;
    inside(`apt-get update; ${install}; apt-get clean`, [], []);
    writeFileSync(stamp, packages.join("\n"));
  }
}

/**
 * Runs a command in the repository on Debian 13, with the addon built against Debian's libtorch. Makes the folder if it
 * does not exist. An error ends this process with a message.
 *
 * @param {readonly string[]} command a program of Debian 13 and its arguments
 * @param {readonly (readonly [string, string])[]} mounts folders of this machine, each with its path for the command
 */
export function runInDebian13(command, mounts = []) {
  make();
  // The repository is mounted unchanged, including node_modules. Only files compiled against libtorch are kept
  // separately.
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
  const script = `cd /salmask
    node packages/torch/scripts/build.mjs
    node -p '"libtorch " + require("./packages/torch/build/libtorch.json").version + ", Node " + process.version' >&2
    exec "$@"`;
  inside(
    script,
    command,
    [
      [repository, "/salmask"],
      [built, "/salmask/packages/torch/build"],
      [cached, "/salmask/node_modules/.vite"],
      ...mounts,
    ],
    { stdio: "inherit" },
  );
}
