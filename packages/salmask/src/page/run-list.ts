/** The list of runs, in which people choose those that are shown. */
import { swatch } from "./colours.js";
import { make } from "./dom.js";
import { shortNumber } from "./format.js";
import type { RunLine } from "./protocol.js";

export interface RunListOptions {
  onChoose(id: string, isChosen: boolean): void;
}

interface Row {
  readonly element: HTMLTableRowElement;
  readonly box: HTMLInputElement;
  readonly colour: HTMLElement;
  readonly cells: readonly HTMLTableCellElement[];
}

const heads = ["run", "kind", "state", "step", "loss"];

export class RunList {
  private readonly body = make("tbody");
  private readonly rows = new Map<string, Row>();
  readonly element = make(
    "div",
    { class: "scrolled runs", tabindex: 0, role: "region", "aria-label": "List of runs" },
    make(
      "table",
      {},
      make("thead", {}, make("tr", {}, ...heads.map((head) => make("th", { scope: "col" }, head)))),
      this.body,
    ),
  );

  constructor(private readonly options: RunListOptions) {}

  /** `colours` has the chosen runs with the places of their colours. */
  show(runs: readonly RunLine[], colours: ReadonlyMap<string, number>): void {
    const there = new Set(runs.map(({ id }) => id));
    for (const [id, row] of this.rows) {
      if (there.has(id)) continue;
      row.element.remove();
      this.rows.delete(id);
    }
    for (const [place, run] of runs.entries()) {
      const row = this.rows.get(run.id) ?? this.add(run.id);
      // Moving a row would take the focus from it.
      if (this.body.children[place] !== row.element)
        this.body.insertBefore(row.element, this.body.children[place] ?? null);
      fill(row, run, colours.get(run.id) ?? null);
    }
  }

  private add(id: string): Row {
    const box = make("input", { type: "checkbox" });
    box.addEventListener("change", () => this.options.onChoose(id, box.checked));
    const colour = make("span", { class: "place" });
    const cells = heads.slice(1).map(() => make("td"));
    const element = make(
      "tr",
      {},
      make("th", { scope: "row" }, make("label", {}, box, colour, make("span", {}, id))),
      ...cells,
    );
    const row = { element, box, colour, cells };
    this.rows.set(id, row);
    return row;
  }
}

function fill({ box, colour, cells }: Row, run: RunLine, place: number | null): void {
  box.checked = place !== null;
  colour.replaceChildren(...(place === null ? [] : [swatch(place)]));
  const texts = [
    run.kind,
    run.state,
    run.step === null ? "" : shortNumber(run.step),
    run.loss === null ? "" : shortNumber(run.loss),
  ];
  for (const [i, text] of texts.entries()) if (cells[i].textContent !== text) cells[i].textContent = text;
}
