/** The page: keeps what is chosen, asks for what is missing or new, and shows it. */
import { forgetColours } from "./colours.js";
import { make, section } from "./dom.js";
import { experimentParts } from "./experiment-part.js";
import type { Charts, Overview, Range, RunDetail, RunLine } from "./protocol.js";
import { RunList } from "./run-list.js";
import { runParts } from "./run-parts.js";
import { findSource } from "./source.js";

/** Milliseconds between questions for news. */
const askEvery = 1500;
/** The same while a log is being read. */
const askSoon = 200;
/** The doctor looks again at a run that goes on. */
const detailEvery = 15_000;

const source = findSource();
/** The list of runs, and charts of the runs in the address, which are asked for before that list is here. */
let firstOverview: Promise<Overview | null> | null = source.overview();
const firstCharts = new Map(chosenByAddress().map((id) => [id, source.charts(id, null).catch(() => null)]));
// The library of the charts takes a tenth of a second to start, in which the first answers come.
const { ChartWall } = await import("./charts.js");
const charts = new Map<string, { logSize: number; range: Range; data: Charts }>();
const details = new Map<string, { stamp: string; at: number; data: RunDetail }>();
/** Runs whose details are on their way. */
const onTheWay = new Set<string>();
let overview: Overview | null = null;
let chosen: string[] = chosenByAddress();
/** Whether a person said which runs are shown; it may be none. */
let isChoiceMade = chosen.length > 0;
let range: Range = null;
/** What the charts show, in short. */
let shownCharts = "";
const shownTexts = new WeakMap<HTMLElement, string>();

const status = make("p", { id: "status", role: "status" }, "Reading the runs …");
const runList = new RunList({ onChoose: choose });
const allSteps = make("button", { type: "button", hidden: true }, "Show all steps");
allSteps.addEventListener("click", () => setRange(null));
const wall = new ChartWall(setRange);
const parts = runParts.map((part) => ({ ...part, place: make("div") }));
const experiments = make("div");
const title = make("h1", {}, "Salmask");

document
  .getElementById("page")
  ?.replaceChildren(
    make("a", { class: "skip", href: "#charts" }, "Go to the charts"),
    make("header", {}, title, status),
    make(
      "main",
      {},
      section("Runs", "runs", runList.element),
      experiments,
      section(
        "Charts",
        "charts",
        make(
          "p",
          { class: "hint" },
          "Draw over a chart to enlarge a part of it; a double click shows all steps. By keyboard: arrows, +, - and 0. ",
          allSteps,
        ),
        wall.element,
      ),
      ...parts.map(({ place }) => place),
    ),
  );

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  forgetColours();
  wall.repaint();
});
addEventListener("hashchange", () => {
  chosen = chosenByAddress();
  showList();
  update().catch(fail);
});
void ask();

/** Asks for news for as long as the page is open. */
async function ask(): Promise<void> {
  if (!document.hidden) await askOnce();
  const isReading = chosen.some((id) => charts.get(id)?.data.isComplete === false);
  if (source.isLive) setTimeout(() => void ask(), isReading ? askSoon : askEvery);
}

async function askOnce(): Promise<void> {
  try {
    const asked = firstOverview ?? source.overview();
    firstOverview = null;
    const news = await asked;
    if (news !== null) {
      overview = news;
      if (!isChoiceMade && chosen.length === 0) chosen = usualChoice(news.runs);
      showOverview();
    }
    await update();
    if (source.isLive) say("live");
  } catch (error) {
    fail(error);
  }
}

function fail(error: unknown): void {
  say(error instanceof TypeError ? "no answer from salmask watch: has it ended?" : String(error));
}

function say(state: string): void {
  const count = overview?.runs.length ?? 0;
  const runs = count === 0 ? "no runs yet" : count === 1 ? "1 run" : `${count} runs`;
  const text = `${overview?.folder ?? ""}: ${runs}, ${state}`;
  if (status.textContent !== text) status.textContent = text;
}

/** The first run that goes on; else the first of all. */
function usualChoice(runs: readonly RunLine[]): string[] {
  const first = runs.find(({ state }) => state === "running") ?? runs[0];
  return first === undefined ? [] : [first.id];
}

function chosenByAddress(): string[] {
  return new URLSearchParams(location.hash.slice(1)).getAll("run");
}

function choose(id: string, isChosen: boolean): void {
  isChoiceMade = true;
  chosen = isChosen ? [...chosen, id] : chosen.filter((one) => one !== id);
  const address = new URLSearchParams(chosen.map((one) => ["run", one]));
  history.replaceState(null, "", `#${address}`);
  showList();
  update().catch(fail);
}

function setRange(wanted: Range): void {
  range = wanted;
  allSteps.hidden = range === null;
  showCharts();
  update().catch(fail);
}

/** The places of the chosen runs' colours. */
const colours = () => new Map(chosen.map((id, place) => [id, place]));

function showOverview(): void {
  if (overview === null) return;
  say(source.isLive ? "live" : "a report");
  const [only] = overview.runs;
  document.title =
    overview.runs.length === 1 ? `Salmask: ${only.id}` : `Salmask: ${overview.runs.length} runs`;
  showList();
  showOnce(experiments, overview.experiments, () => experimentParts(overview?.experiments ?? []));
}

function showList(): void {
  runList.show(overview?.runs ?? [], colours());
}

/** Gets what is missing or out of date of the chosen runs, and shows it. */
async function update(): Promise<void> {
  const runs = (overview?.runs ?? []).filter(({ id }) => chosen.includes(id));
  showParts();
  await Promise.all(runs.map(updateCharts));
  showCharts();
  // The doctor looks at whole logs, which may take a while, and charts go on meanwhile.
  for (const run of runs) updateDetail(run).catch(fail);
}

async function updateCharts({ id, logSize }: RunLine): Promise<void> {
  const known = charts.get(id);
  if (known?.logSize === logSize && known.range === range && known.data.isComplete) return;
  const wanted = range;
  const before = wanted === null ? firstCharts.get(id) : undefined;
  firstCharts.delete(id);
  const data = await (before ?? source.charts(id, wanted));
  if (data === null || wanted !== range) return;
  // The log may have grown since they were asked for.
  charts.set(id, { logSize: before === undefined ? logSize : -1, range: wanted, data });
}

async function updateDetail({ id, stamp, state }: RunLine): Promise<void> {
  const known = details.get(id);
  const isFresh = state !== "running" || performance.now() - (known?.at ?? 0) < detailEvery;
  if ((known?.stamp === stamp && isFresh) || onTheWay.has(id)) return;
  onTheWay.add(id);
  try {
    const data = await source.detail(id);
    if (data !== null) details.set(id, { stamp, at: performance.now(), data });
  } finally {
    onTheWay.delete(id);
  }
  showParts();
}

function showCharts(): void {
  const runs = chosen.map((id, colour) => ({ id, colour, charts: charts.get(id)?.data ?? null }));
  const text = JSON.stringify([
    range,
    runs.map(({ id, charts: known }) => [id, known?.rows, charts.get(id)?.range]),
  ]);
  if (text === shownCharts) return;
  shownCharts = text;
  wall.show(runs, range);
}

function showParts(): void {
  const known = chosen.flatMap((id, colour) => {
    const detail = details.get(id)?.data;
    return detail === undefined ? [] : [{ id, colour, detail }];
  });
  for (const { place, content, make: made } of parts) {
    const shown = known.map(({ id, colour, detail }) => [id, colour, content(detail)]);
    showOnce(place, shown, () => [made(known)].filter((one) => one !== null));
  }
}

/** Replaces a part of the page only where its content is another: whoever reads or scrolls it is not disturbed. */
function showOnce(place: HTMLElement, content: unknown, made: () => HTMLElement[]): void {
  const text = JSON.stringify(content);
  if (shownTexts.get(place) === text) return;
  shownTexts.set(place, text);
  place.replaceChildren(...made());
}
