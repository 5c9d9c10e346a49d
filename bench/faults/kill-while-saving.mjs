/**
 * Loaded before the program: ends its process by SIGKILL while a checkpoint is written. SALMASK_KILL is
 * `CHECKPOINT,MOMENT,WRITES`: which checkpoint of the process, from 1; the moment; and for `write`, after how many calls.
 */
import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";

const [checkpoint, moment, writes] = (process.env.SALMASK_KILL ?? "").split(",");
const wanted = Number(checkpoint);
const { openSync, writeSync, fsyncSync, renameSync } = fs;
const isCheckpoint = (path) => /\.step-\d+\.safetensors\..*\.tmp$/.test(String(path));
const end = () => process.kill(process.pid, "SIGKILL");

let begun = 0;
let written = 0;
let file = -1;

fs.openSync = (path, ...rest) => {
  if (!isCheckpoint(path) || ++begun !== wanted) return openSync(path, ...rest);
  if (moment === "open") end();
  file = openSync(path, ...rest);
  return file;
};

fs.writeSync = (descriptor, data, ...rest) => {
  if (descriptor !== file || moment !== "write" || written++ < Number(writes)) {
    return writeSync(descriptor, data, ...rest);
  }
  // A part of it is written, as when a machine loses its power.
  writeSync(descriptor, data, 0, data.byteLength >> 1);
  return end();
};

fs.fsyncSync = (descriptor) => {
  if (descriptor === file && moment === "sync") end();
  return fsyncSync(descriptor);
};

fs.renameSync = (from, to) => {
  const isWanted = isCheckpoint(from) && begun === wanted;
  if (isWanted && moment === "rename") end();
  renameSync(from, to);
  if (isWanted && moment === "renamed") end();
};

syncBuiltinESMExports();
