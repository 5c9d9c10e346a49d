/** What stands below the charts for each chosen run: scores, the doctor's words, pictures; and the settings of all. */
import { colourName, swatch } from "./colours.js";
import { type Child, make, scrolledTable, section } from "./dom.js";
import { percent } from "./format.js";
import { gallery } from "./gallery.js";
import { embeddingMap } from "./map.js";
import type { RunDetail } from "./protocol.js";

/** A chosen run with all that is known of it. */
export interface KnownRun {
  readonly id: string;
  readonly colour: number;
  readonly detail: RunDetail;
}

/** A section below the charts. */
export interface RunPart {
  /** What the section shows of a run: while that is the same, the section stays as it is. */
  readonly content: (detail: RunDetail) => unknown;
  /** null where no run has anything for it. */
  readonly make: (runs: readonly KnownRun[]) => HTMLElement | null;
}

/** In the order of the page. */
export const runParts: readonly RunPart[] = [
  perRun("Scores", "scores", ({ scores }) => scores, scoreTable),
  perRun("What the doctor says", "doctor", ({ diagnosis }) => diagnosis, doctorWords),
  perRun("Views", "views", ({ views, sheet }) => [views, sheet], viewsOf),
  perRun(
    "Embeddings",
    "map",
    ({ map }) => map,
    ({ map }, id) => (map === null ? null : embeddingMap(map, id)),
  ),
  perRun("Detections", "detections", ({ detections }) => detections, pictures),
  { content: ({ settings }) => settings, make: settingsSection },
];

/** A section in which each run that has something for it has a place. */
function perRun(
  title: string,
  name: string,
  content: RunPart["content"],
  of: (detail: RunDetail, id: string) => Child | null,
): RunPart {
  const made = (runs: readonly KnownRun[]) => {
    const places = runs.flatMap((run) => {
      const shown = of(run.detail, run.id);
      return shown === null ? [] : [ofRun(run, shown)];
    });
    return places.length === 0 ? null : section(title, name, make("div", { class: "beside" }, ...places));
  };
  return { content, make: made };
}

function ofRun({ id, colour }: KnownRun, content: Child): HTMLElement {
  const made = make("div", { class: "of-run" }, make("h3", {}, swatch(colour), id), content);
  made.style.borderColor = `var(${colourName(colour)})`;
  return made;
}

function scoreTable({ scores }: RunDetail, id: string): HTMLElement | null {
  if (scores.length === 0) return null;
  return scrolledTable(
    `Scores of ${id}`,
    ["score", "encoder", "untrained", "measured"],
    scores.map(({ name, value, untrained, how }) => [
      name,
      percent(value),
      untrained === null ? "" : percent(untrained),
      how,
    ]),
  );
}

function doctorWords({ diagnosis: { findings, said } }: RunDetail): HTMLElement {
  const found = findings.map(({ what, mend }) => make("li", {}, make("p", {}, what), make("p", {}, mend)));
  return found.length === 0 ? make("p", {}, said ?? "") : make("ul", {}, ...found);
}

function viewsOf({ views, sheet }: RunDetail, id: string): HTMLElement | null {
  if (views !== null) return gallery(views, id);
  return sheet === null
    ? null
    : make("img", { src: sheet, alt: `The views that ${id} compared`, class: "sheet" });
}

function pictures({ detections }: RunDetail): HTMLElement | null {
  if (detections.length === 0) return null;
  return make(
    "div",
    { class: "pictures" },
    ...detections.map(({ name, src }) =>
      make(
        "figure",
        {},
        make("img", { src, alt: `What was found in ${name}`, loading: "lazy" }),
        make("figcaption", {}, name),
      ),
    ),
  );
}

/** Of one run all settings; of several those that differ, and all of them on demand. */
function settingsSection(runs: readonly KnownRun[]): HTMLElement | null {
  if (runs.length === 0) return null;
  const keys = [...new Set(runs.flatMap(({ detail }) => Object.keys(detail.settings)))];
  const valuesOf = (key: string) => runs.map(({ detail }) => detail.settings[key] ?? "–");
  const table = (caption: string, shown: readonly string[]) =>
    scrolledTable(
      caption,
      ["setting", ...runs.map(({ id, colour }) => make("span", {}, swatch(colour), id))],
      shown.map((key) => [key, ...valuesOf(key)]),
    );
  const all = make("details", {}, make("summary", {}, "All settings"), table("All settings", keys));
  if (runs.length === 1) return section("Settings", "settings", all);
  const different = keys.filter((key) => new Set(valuesOf(key)).size > 1);
  const difference =
    different.length === 0
      ? make("p", {}, "These runs have the same settings.")
      : table("Settings that differ", different);
  return section("Settings", "settings", difference, all);
}
