/** What stands below the charts for each chosen run: scores, the doctor's words, pictures; and the settings of all. */
import { colourName, swatch } from "./colours.js";
import { type Child, make, scrolledTable, section } from "./dom.js";
import { percent } from "./format.js";
import { gallery } from "./gallery.js";
import { embeddingMap } from "./map.js";
import type { Picture, RunDetail, Score } from "./protocol.js";

/** A chosen run with all that is known of it. */
export interface KnownRun {
  readonly id: string;
  readonly colour: number;
  readonly detail: RunDetail;
}

/** The sections, without those that no run has anything for. */
export function runParts(runs: readonly KnownRun[]): HTMLElement[] {
  const each = (title: string, name: string, of: (detail: RunDetail, id: string) => Child | null) => {
    const found = runs.flatMap((run) => {
      const content = of(run.detail, run.id);
      return content === null ? [] : [ofRun(run, content)];
    });
    return found.length === 0 ? [] : [section(title, name, make("div", { class: "beside" }, ...found))];
  };
  return [
    ...each("Scores", "scores", ({ scores }, id) => (scores.length === 0 ? null : scoreTable(scores, id))),
    ...each("What the doctor says", "doctor", doctorWords),
    ...each("Views", "views", ({ views, sheet }, id) =>
      views === null ? sheetOf(sheet, id) : gallery(views, id),
    ),
    ...each("Embeddings", "map", ({ map }, id) => (map === null ? null : embeddingMap(map, id))),
    ...each("Detections", "detections", ({ detections }) =>
      detections.length === 0 ? null : pictures(detections),
    ),
    ...(runs.length === 0 ? [] : [settingsSection(runs)]),
  ];
}

function ofRun({ id, colour }: KnownRun, content: Child): HTMLElement {
  const made = make("div", { class: "of-run" }, make("h3", {}, swatch(colour), id), content);
  made.style.borderColor = `var(${colourName(colour)})`;
  return made;
}

function scoreTable(scores: readonly Score[], id: string): HTMLElement {
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

const sheetOf = (src: string | null, id: string) =>
  src === null ? null : make("img", { src, alt: `The views that ${id} compared`, class: "sheet" });

function pictures(all: readonly Picture[]): HTMLElement {
  return make(
    "div",
    { class: "pictures" },
    ...all.map(({ name, src }) =>
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
function settingsSection(runs: readonly KnownRun[]): HTMLElement {
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
