/** The files of examples/launch, run with stand-ins of what starts them. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { chmod, mkdir, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { expect, it } from "vitest";
import { parse } from "yaml";
import { run } from "../src/cli/main.js";
import { placeIn } from "../src/ranks/environment.js";
import { temporaryFolder } from "./support/photos.js";

const root = resolve(import.meta.dirname, "../../..");
const fileOf = (name: string) => join(root, "examples/launch", name);

/** What a program was started with. */
interface Started {
  readonly environment: Record<string, string>;
  readonly args: readonly string[];
}

/** Runs a script with programs of these names and texts on its path; `node` writes what it was started with. */
async function started(
  script: string,
  programs: Readonly<Record<string, string>>,
  environment: Readonly<Record<string, string>>,
): Promise<Started> {
  const folder = await temporaryFolder();
  const bin = join(folder, "bin");
  await mkdir(bin);
  const node = `#!/bin/bash\nprintf '%s\\0' "$@" > ${folder}/args\nenv -0 > ${folder}/environment\n`;
  for (const [name, text] of Object.entries({ ...programs, node })) {
    await writeFile(join(bin, name), text);
    await chmod(join(bin, name), 0o755);
  }
  execFileSync("bash", [fileOf(script)], { env: { PATH: `${bin}:/usr/bin:/bin`, ...environment } });
  const read = (name: string) => readFileSync(join(folder, name), "utf8").split("\0").slice(0, -1);
  const pairs = read("environment").map((line) => [
    line.slice(0, line.indexOf("=")),
    line.slice(line.indexOf("=") + 1),
  ]);
  return { args: read("args"), environment: Object.fromEntries(pairs) };
}

/** The options of a command line, which salmask has to know. */
async function expectKnown(args: readonly string[]): Promise<void> {
  const [command] = args;
  let help = "";
  const take = (text: string) => {
    help += text;
  };
  expect(await run([command, "--help"], { out: take, err: () => {} })).toBe(0);
  for (const option of args.filter((arg) => arg.startsWith("--"))) expect(help).toContain(`${option} `);
}

const given = {
  PHOTOS: "/data/my photos",
  OUT: "/data/out",
  CONFIG: "/data/run.yaml",
  SALMASK: "/opt/salmask",
};
const commandLine = [
  "/opt/salmask/packages/salmask/bin/salmask.js",
  ...["pretrain", "/data/my photos", "--out", "/data/out", "--config", "/data/run.yaml"],
];

it("Slurm's file gives each process of srun its place, on the first machine's address", async () => {
  const out = join(await temporaryFolder(), "out");
  await mkdir(out);
  await writeFile(join(out, ".lock"), "1 elsewhere\n");
  const srun =
    '#!/bin/bash\nwhile [[ "$1" == --* ]]; do shift; done\nSLURM_PROCID=5 SLURM_LOCALID=1 exec "$@"\n';
  // The pause shows a reader that closes after the first name, which would end the job.
  const scontrol =
    '#!/bin/bash\n[ "$*" = "show hostnames node-[3-4]" ] && echo node-3 && sleep 0.2 && echo node-4\n';
  const job = {
    SLURM_JOB_ID: "70123",
    SLURM_JOB_NODELIST: "node-[3-4]",
    SLURM_NTASKS: "8",
    SLURM_CPUS_PER_TASK: "6",
  };
  const { args, environment } = await started(
    "slurm.sbatch",
    { srun, scontrol },
    { ...given, ...job, OUT: out, SLURM_SUBMIT_DIR: "/home/me", SLURM_RESTART_COUNT: "1" },
  );
  expect(placeIn(environment)).toMatchObject({
    rank: 5,
    worldSize: 8,
    localRank: 1,
    host: "node-3",
    port: 30123,
    restarts: 1,
  });
  expect(args.slice(0, 7)).toEqual(commandLine.map((arg) => (arg === given.OUT ? out : arg)));
  expect(args.slice(7)).toEqual(["--threads", "6", "--rank-timeout", "10m", "--resume", "auto"]);
  expect(() => readFileSync(join(out, ".lock"))).toThrow("ENOENT");
  await expectKnown(args.slice(1));
  // srun's and sbatch's own options, which no stand-in checks.
  const options = readFileSync(fileOf("slurm.sbatch"), "utf8").match(/(?<=^#SBATCH )--[a-z-]+/gm);
  expect(options).toEqual(
    expect.arrayContaining(["--nodes", "--ntasks-per-node", "--gpus-per-node", "--requeue", "--signal"]),
  );
});

it("torchrun's file starts the command on every machine", async () => {
  const torchrun =
    '#!/bin/bash\necho "$*" > "$TOLD"\nwhile [ "$1" != --no_python ]; do shift; done; shift\nexec "$@"\n';
  const told = join(await temporaryFolder(), "told");
  const size = { HEAD: "node-3", NODES: "2", PROCESSES: "4", TOLD: told };
  const { args } = await started("torchrun.sh", { torchrun }, { ...given, ...size });
  expect(args).toEqual([...commandLine, "--rank-timeout", "10m"]);
  expect(readFileSync(told, "utf8")).toContain(
    "--nnodes 2 --nproc_per_node 4 --max_restarts 3 --rdzv_backend c10d --rdzv_endpoint node-3:29400",
  );
  await expectKnown(args.slice(1));
});

it("Kubernetes' file asks for pods whose container starts the command with known options", async () => {
  const job = parse(readFileSync(fileOf("pytorchjob.yaml"), "utf8"));
  expect(job).toMatchObject({ apiVersion: "kubeflow.org/v1", kind: "PyTorchJob" });
  const { Master, Worker } = job.spec.pytorchReplicaSpecs;
  expect([Master.replicas, Worker.replicas]).toEqual([1, 3]);
  for (const { restartPolicy, template } of [Master, Worker]) {
    expect(restartPolicy).toBe("OnFailure");
    const [container] = template.spec.containers;
    expect(container.name).toBe("pytorch");
    expect(container.command).toEqual(["node", "/opt/salmask/packages/salmask/bin/salmask.js"]);
    await expectKnown(container.args);
    const mounted = container.volumeMounts.map(({ name }: { name: string }) => name);
    expect(template.spec.volumes.map(({ name }: { name: string }) => name)).toEqual(mounted);
  }
});
