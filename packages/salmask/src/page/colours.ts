/** Colours of runs and of parts, from the style, which has others for the dark. */

/** As many as can be told apart; the style has `--line-0` to `--line-7`. */
export const colourCount = 8;

export const colourName = (place: number) => `--line-${place % colourCount}`;

const known = new Map<string, string>();

/** The value of a custom property of the style. To ask for it makes the browser compute the style, so that it is kept. */
export function styled(name: string): string {
  const value = known.get(name) ?? getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  known.set(name, value);
  return value;
}

/** To be called when the style has become another, such as that for the dark. */
export const forgetColours = () => known.clear();

/** A small square in a run's colour. */
export function swatch(place: number): HTMLElement {
  const made = document.createElement("span");
  made.className = "swatch";
  made.setAttribute("aria-hidden", "true");
  made.style.backgroundColor = `var(${colourName(place)})`;
  return made;
}
