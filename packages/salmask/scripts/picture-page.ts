/** Makes a picture of the page of `salmask watch`: `npx tsx packages/salmask/scripts/picture-page.ts RUNS FILE.png`. */
import { chromium } from "playwright-core";
import sharp from "sharp";
import { writeFileAtomic } from "../src/base/files.js";
import { serveWatch } from "../src/watch/server.js";

const [folder, out, ...chosen] = process.argv.slice(2);
if (folder === undefined || out === undefined)
  throw new Error("Expected a folder with runs, a PNG file, and runs' names to choose.");
const server = await serveWatch({ folder, port: 0 });
const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox"] });
try {
  const page = await browser.newPage({ viewport: { width: 1200, height: 900 }, colorScheme: "light" });
  const address = new URLSearchParams(chosen.map((id): [string, string] => ["run", id]));
  await page.goto(`${server.url}#${address}`);
  await page.locator("#settings").waitFor();
  // Charts below the window are drawn when they come into it.
  await page.setViewportSize({ width: 1200, height: 3000 });
  await page.waitForTimeout(1500);
  const height = Math.ceil((await page.locator("body").boundingBox())?.height ?? 900);
  await page.setViewportSize({ width: 1200, height });
  await page.waitForTimeout(1500);
  const picture = await page.screenshot();
  const small = sharp(picture)
    .resize({ width: 560 })
    .png({ palette: true, colours: 16, dither: 0, effort: 10 });
  await writeFileAtomic(out, await small.toBuffer());
} finally {
  await browser.close();
  await server.close();
}
