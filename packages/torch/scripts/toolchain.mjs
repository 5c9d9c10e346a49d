// The compiler and its flags for code that uses libtorch and Node-API: the addon and the addons of its tests.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

export const compiler = process.env.CXX ?? "g++";

/** Compiler and linker flags for the libtorch that was found. */
export function flagsFor(libtorch) {
  const [major, minor] = libtorch.version.split(".").map(Number);
  const napi = createRequire(import.meta.url)("node-api-headers").include_dir;
  const compile = [
    major > 2 || (major === 2 && minor >= 10) ? "-std=c++20" : "-std=c++17",
    // libtorch's parallel loops are templates that run on one thread if OpenMP is off.
    ...["-O2", "-fopenmp", "-fPIC", "-fvisibility=hidden", "-Wall", "-DNAPI_VERSION=8"],
    `-D_GLIBCXX_USE_CXX11_ABI=${libtorch.cxx11Abi ? 1 : 0}`,
    // A flag for /usr/include would move it before the compiler's own headers.
    ...[napi, ...libtorch.include]
      .filter((dir) => dir !== "/usr/include")
      .flatMap((dir) => ["-isystem", dir]),
  ];
  const libraries = ["torch", "torch_cpu", "c10"];
  for (const name of ["torch_cuda", "c10_cuda"])
    if (existsSync(join(libtorch.lib, `lib${name}.so`))) libraries.push(name);
  const link = [
    "-fopenmp",
    `-L${libtorch.lib}`,
    `-Wl,-rpath,${libtorch.lib}`,
    "-Wl,--no-as-needed",
    ...libraries.map((l) => `-l${l}`),
  ];
  return { compile, link };
}

/** The flags of the sanitizers. A report ends the process. */
export const sanitizing = [
  "-fsanitize=address,undefined",
  "-fno-sanitize-recover=all",
  "-fno-omit-frame-pointer",
  "-g1",
];

/** Runs the compiler, and says whether it succeeded; what it says itself is not shown. */
export function canCompile(args) {
  return compile(args, "ignore").then(
    () => true,
    () => false,
  );
}

/** Runs the compiler. Rejects where it cannot be started or fails. */
export function compile(args, shown = "inherit") {
  return new Promise((resolve, reject) => {
    const child = spawn(compiler, args, { stdio: ["ignore", shown, shown] });
    child.on("error", reject);
    child.on("exit", (code) =>
      code === 0 ? resolve() : reject(new Error(`${compiler} ended with ${code}`)),
    );
  });
}
