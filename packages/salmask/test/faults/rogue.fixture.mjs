/** Reads files as badly as possible, one after another: each in another way that must be noticed. */
import { writeFileSync } from "node:fs";
import { createInterface } from "node:readline";

const answer = (text) => process.stdout.write(`${JSON.stringify(text)}\n`);
const held = [];
let index = 0;

const ways = [
  () => answer({ kind: "refused", code: "not-it", peak: 0 }),
  () => answer({ kind: "untyped", message: "TypeError: x", peak: 0 }),
  () => {
    writeFileSync("canary", "");
    answer({ kind: "read", content: null, peak: 0 });
  },
  () => {
    // Next to the file that was read.
    writeFileSync(`${path}.more`, "");
    answer({ kind: "read", content: null, peak: 0 });
  },
  () => {
    held.push(Buffer.alloc(3e8, 1));
    setTimeout(() => answer({ kind: "read", content: null, peak: 0 }), 2000);
  },
];
let path = "";
console.log("ready");
for await (const request of createInterface({ input: process.stdin })) {
  path = request.slice(request.indexOf(" ") + 1);
  ways[index++]();
}
