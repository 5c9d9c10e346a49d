/** The page in a real browser: one Chromium for the whole file. */
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { appendFile, mkdtemp, readFile, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { type Browser, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { writeReport } from "../../src/watch/report-file.js";
import { serveWatch, type WatchServer } from "../../src/watch/server.js";
import { logLine, makeRun } from "./made.js";

const executablePath = "/usr/bin/chromium";
const hasBrowser = existsSync(executablePath);
if (!hasBrowser)
  console.warn(
    `\nSKIPPED: the page of salmask watch was not tested, because there is no ${executablePath}\n`,
  );

/** A name that would end a script, if it were put into a page as it is. */
const evil = "</script><script>document.title='broken'</script>";
const manyRows = 100_000;

let root: string;
let browser: Browser;
let server: WatchServer;
let axe: string;
const complaints: string[] = [];

beforeAll(async () => {
  if (!hasBrowser) return;
  execFileSync(process.execPath, [fileURLToPath(new URL("../../scripts/build-page.mjs", import.meta.url))]);
  axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
  root = await mkdtemp(join(tmpdir(), "salmask-page-"));
  const settings = (seed: number) =>
    `version: 2\nseed: ${seed}\ntrain: { epochs: 10 }\nmask: { fill: mean }\n`;
  await makeRun(join(root, "runs/a-live"), { settings: settings(1), hasPictures: true });
  await makeRun(join(root, "runs/b-ended"), { settings: settings(2), hasEnded: true, probe: [0.5, 0.6] });
  for (const seed of [1, 2, 3])
    await makeRun(join(root, `runs/study/row/seed-${seed}`), { probe: [0.4, 0.5], hasEnded: true });
  await makeRun(join(root, "many/long"), { lines: manyRows });
  for (let i = 1; i < 20; i++) await makeRun(join(root, `many/run-${i}`), { lines: 1000, hasEnded: true });
  browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu"] });
  server = await serveWatch({ folder: join(root, "runs"), port: 0 });
});

afterAll(async () => {
  if (!hasBrowser) return;
  await browser.close();
  await server.close();
  await rm(root, { recursive: true });
});

/** Adds what a page complains of to {@link complaints}. */
function listen(page: Page): void {
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("requestfailed", (failed) => complaints.push(`${failed.url()}: ${failed.failure()?.errorText}`));
}

/** A new window with the page at an address, its first chart drawn. */
async function open(url: string, options: Parameters<Browser["newPage"]>[0] = {}): Promise<Page> {
  const page = await browser.newPage(options);
  listen(page);
  await page.goto(url);
  // Charts are drawn when they come into the window.
  await page.locator(".charts figure").first().scrollIntoViewIfNeeded();
  await page.locator(".charts figure .u-wrap").first().waitFor();
  return page;
}

const chart = (page: Page, title: string) =>
  page.locator(".charts figure").filter({ has: page.locator("figcaption", { hasText: title }) });

/** What axe finds wrong, as `rule: element`. */
async function accessibilityFaults(page: Page): Promise<string[]> {
  // As the driver's own code: the page's policy lets no script in.
  const found: { violations: { id: string; nodes: { target: string[] }[] }[] } = await page.evaluate(
    `${axe}; axe.run(document)`,
  );
  return found.violations.flatMap(({ id, nodes }) => nodes.map(({ target }) => `${id}: ${target.join(" ")}`));
}

const isAsWideAsTheWindow = (page: Page) =>
  page.evaluate<boolean>("document.documentElement.scrollWidth <= window.innerWidth");

describe.skipIf(!hasBrowser)("the page of salmask watch", () => {
  it("shows a live run, and its points as they arrive", async () => {
    const page = await open(server.url);
    const loss = chart(page, "loss");
    await expect.poll(() => loss.locator(".readout").textContent()).toContain("step 300");
    await appendFile(join(root, "runs/a-live/metrics.jsonl"), logLine(301, 4.25));
    await expect
      .poll(() => loss.locator(".readout").textContent(), { timeout: 10_000 })
      .toMatch(/301.*4\.25/);
    expect(await page.locator(".runs tbody tr").first().textContent()).toContain("running");
    for (const title of [
      "contrast accuracy",
      "kNN",
      "learning rate",
      "seconds of a step",
      "queue fill",
      "foreground",
      "variance",
      "rank",
    ])
      expect(await chart(page, title).count(), title).toBe(1);
    await page.close();
  });

  it("shows the views, the map, the detections and the doctor's words", async () => {
    const page = await open(server.url);
    await page.locator("#views .tile").first().waitFor();
    expect(await page.getByRole("img", { name: "its saliency of b.jpg" }).count()).toBe(1);
    const map = page.getByRole("img", { name: /Map of 12 photos/ });
    await map.focus();
    await page.keyboard.press("ArrowRight");
    await expect.poll(() => page.locator(".found").textContent()).toMatch(/\d\.jpg \((cat|dog)\)/);
    expect(await page.locator("#detections img").count()).toBe(1);
    expect(await page.locator("#doctor").textContent()).toMatch(/looks wrong|--/);
    await page.close();
  });

  it("compares two runs by the keyboard alone, in a narrow window", async () => {
    const page = await open(server.url, { viewport: { width: 360, height: 700 } });
    const focused = () =>
      page.evaluate<string>(
        "document.activeElement.closest('tr')?.querySelector('label')?.textContent ?? ''",
      );
    for (let presses = 0; presses < 9 && (await focused()) !== "b-ended"; presses++)
      await page.keyboard.press("Tab");
    await page.keyboard.press("Space");
    await chart(page, "loss").scrollIntoViewIfNeeded();
    await expect.poll(() => chart(page, "loss").locator(".readout").textContent()).toContain("b-ended");
    const difference = page.getByRole("region", { name: "Settings that differ" });
    await difference.waitFor();
    expect(await difference.locator("tbody tr").allTextContents()).toEqual(["seed12"]);
    expect(new URL(page.url()).hash).toBe("#run=a-live&run=b-ended");
    const plot = chart(page, "loss").locator(".plot");
    await plot.focus();
    await page.keyboard.press("Home");
    expect(await chart(page, "loss").locator("output").textContent()).toContain("step 1");
    await page.keyboard.press("+");
    await page.getByRole("button", { name: "Show all steps" }).waitFor();
    await page.keyboard.press("0");
    await page.getByRole("button", { name: "Show all steps" }).waitFor({ state: "hidden" });
    expect(await isAsWideAsTheWindow(page)).toBe(true);
    await page.close();
  });

  it("shows an experiment's table as it fills", async () => {
    const page = await open(server.url);
    const row = page.locator("#experiments tbody tr").first();
    expect(await row.textContent()).toContain("3 of 3");
    expect(await row.textContent()).toContain("40.00 ± 0.00 (3)");
    await page.close();
  });

  it.each(["light", "dark"] as const)("has no fault that axe finds in %s colours", async (colorScheme) => {
    const page = await open(`${server.url}#run=a-live&run=b-ended`, { colorScheme });
    await page.locator("#settings").waitFor();
    expect(await accessibilityFaults(page)).toEqual([]);
    const ground = await page.evaluate<string>("getComputedStyle(document.body).backgroundColor");
    expect(ground).toBe(colorScheme === "dark" ? "rgb(20, 23, 27)" : "rgb(255, 255, 255)");
    await page.close();
  });

  it("is quick with a hundred thousand lines and twenty runs", async () => {
    // Other tests share the machine: what one of six tries can do, the page can do.
    const tries: Quickness[] = [];
    while (tries.length < 6 && !tries.some(isQuick)) tries.push(await quickness());
    console.info(
      `page, first paint / first chart / slowest interaction in ms: ${tries.map(shown).join(", ")}`,
    );
    expect(tries.some(isQuick), tries.map(shown).join(", ")).toBe(true);
  });
});

/** Milliseconds. */
interface Quickness {
  readonly paint: number;
  readonly chart: number;
  /** From a press or a click to the next frame. */
  readonly interaction: number;
}

const isQuick = ({ paint, chart, interaction }: Quickness) =>
  paint < 1000 && chart < 1000 && interaction < 100;
const shown = ({ paint, chart, interaction }: Quickness) =>
  [paint, chart, interaction].map((time) => time.toFixed(0)).join(" / ");

/** Opens a page of a server that has read nothing yet, reads values, zooms, and chooses another run. */
async function quickness(): Promise<Quickness> {
  const many = await serveWatch({ folder: join(root, "many"), port: 0 });
  const page = await browser.newPage();
  // To start a process for a new site takes the browser half a second and both cores, which says nothing about the page.
  await page.goto(`${many.url}page.css`);
  await page.waitForTimeout(700);
  listen(page);
  await openUnwatched(page, `${many.url}#run=long`);
  const { paint, first } = await page.evaluate<{ paint: number; first: number }>(
    `({ paint: performance.getEntriesByName("first-contentful-paint")[0].startTime,
        first: performance.getEntriesByName("chart")[0].startTime })`,
  );
  const readout = chart(page, "loss").locator(".readout");
  await expect.poll(() => readout.textContent(), { timeout: 20_000 }).toContain("100,000");
  await page.evaluate(`
    window.slow = [];
    new PerformanceObserver((list) => { for (const e of list.getEntries()) window.slow.push(e.duration); })
      .observe({ type: "event", durationThreshold: 16, buffered: false });`);
  await chart(page, "loss").locator(".plot").focus();
  for (const key of ["End", "ArrowLeft", "ArrowLeft", "+", "+", "0"]) {
    await page.keyboard.press(key);
    await page.waitForTimeout(150);
  }
  await page.getByRole("checkbox", { name: "run-7" }).click();
  await expect.poll(() => readout.textContent()).toContain("run-7");
  const interaction = await page.evaluate<number>("Math.max(0, ...window.slow)");
  await page.close();
  await many.close();
  return { paint, chart: first, interaction };
}

/** As {@link open}, without looking for elements meanwhile: each look is work for the page. It says by itself that it has drawn. */
async function openUnwatched(page: Page, url: string): Promise<void> {
  await page.addInitScript(`new PerformanceObserver((list) => {
      if (list.getEntriesByName("chart").length > 0) console.debug("drawn");
    }).observe({ type: "mark" });`);
  const drawn = page.waitForEvent("console", (message) => message.text() === "drawn");
  await page.goto(url, { waitUntil: "commit" });
  await drawn;
}

describe.skipIf(!hasBrowser)("salmask report", () => {
  it("opens from a file without a network, whatever its runs are called", async () => {
    // Its slashes make folders, and the run's name has them again.
    await makeRun(join(root, "reported", evil), {
      settings: `version: 2\nseed: 3\nsaliency: { truth: ${JSON.stringify(evil)} }\n`,
      hasPictures: true,
      hasEnded: true,
      probe: [0.5, 0.6],
    });
    const out = join(root, "report.html");
    expect(await writeReport({ folders: [join(root, "reported"), join(root, "runs")], out })).toHaveLength(6);
    const context = await browser.newContext({ offline: true });
    const asked: string[] = [];
    context.on("request", (request) => {
      if (!request.url().startsWith("data:")) asked.push(request.url().replace(/#.*/, ""));
    });
    const page = await context.newPage();
    page.on("pageerror", (error) => complaints.push(String(error)));
    page.on("console", (message) => complaints.push(message.text()));
    const address = pathToFileURL(out).href;
    await page.goto(`${address}#${new URLSearchParams({ run: `reported/${evil}` })}`);
    await page.locator("#views .tile").first().waitFor();
    expect(await page.title()).toBe("Salmask: 6 runs");
    expect(await page.locator(".runs tbody tr").first().textContent()).toContain(evil);
    await page.getByText("All settings", { exact: true }).first().click();
    expect(await page.locator("#settings").textContent()).toContain(evil);
    expect(await chart(page, "loss").locator("canvas").count()).toBe(1);
    const painted = await page.evaluate<number>(`document.querySelector("#detections img").naturalWidth`);
    expect(painted).toBe(64);
    expect(asked).toEqual([address]);
    expect(await accessibilityFaults(page)).toEqual([]);
    await context.close();
  });
});

it.skipIf(!hasBrowser)("leaves nothing in the console", () => {
  expect(complaints).toEqual([]);
});
