/** Makes elements. Texts are set as texts, never as HTML: names of runs and settings can hold anything. */

type Attributes = Readonly<Record<string, string | number | boolean>>;
export type Child = Node | string;

/** An element with attributes and children; `false` leaves an attribute out, `true` sets it without a value. */
export function make<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== false) made.setAttribute(name, value === true ? "" : String(value));
  }
  made.append(...children);
  return made;
}

/** A part of the page with a heading, which is also its name for screen readers. */
export function section(title: string, name: string, ...children: readonly Child[]): HTMLElement {
  return make(
    "section",
    { id: name, "aria-labelledby": `${name}-title` },
    make("h2", { id: `${name}-title` }, title),
    ...children,
  );
}

/** A table in a frame that scrolls on a narrow window, by the keyboard too. */
export function scrolledTable(
  caption: string,
  heads: readonly Child[],
  rows: readonly (readonly Child[])[],
): HTMLElement {
  const body = rows.map(([first, ...cells]) =>
    make("tr", {}, make("th", { scope: "row" }, first), ...cells.map((cell) => make("td", {}, cell))),
  );
  return scrolled(
    caption,
    make(
      "table",
      {},
      make("caption", {}, caption),
      make("thead", {}, make("tr", {}, ...heads.map((head) => make("th", { scope: "col" }, head)))),
      make("tbody", {}, ...body),
    ),
  );
}

export function scrolled(name: string, child: Child): HTMLElement {
  return make("div", { class: "scrolled", tabindex: 0, role: "region", "aria-label": name }, child);
}
