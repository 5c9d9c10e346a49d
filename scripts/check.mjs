// `npm run check`: format and lint, types, and which folder may import which. Two lines of checks at once, for two cores.
import { spawn } from "node:child_process";

const lanes = [
  ["biome ci .", "npm run check:rooms"],
  ["tsc -b", "tsc -p tsconfig.test.json"],
];

/** Whether a command succeeded. */
const succeeds = (command) =>
  new Promise((done) => {
    spawn(command, { shell: true, stdio: "inherit" })
      .on("error", () => done(false))
      .on("close", (code) => done(code === 0));
  });

async function runLane(commands) {
  let isGood = true;
  for (const command of commands) isGood = (await succeeds(command)) && isGood;
  return isGood;
}

const results = await Promise.all(lanes.map(runLane));
process.exitCode = results.every(Boolean) ? 0 : 1;
