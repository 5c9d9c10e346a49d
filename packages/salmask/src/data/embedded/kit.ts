/** Everything that an embedded set's pictures are drawn from. */
import { concepts, distractors, loadDrawings } from "./drawings.js";
import type { EmbeddedOptions } from "./options.js";
import { type PictureKit, recipes } from "./picture.js";

/** Renders the drawings that the options ask for. Throws DataError `drawings-missing`. */
export async function loadKit({
  size,
  classes,
  difficulty,
}: Pick<Required<EmbeddedOptions>, "size" | "classes" | "difficulty">): Promise<PictureKit> {
  const names = concepts.slice(0, classes);
  const clutter = recipes[difficulty].fragments[1] > 0 ? distractors : [];
  const drawings = await loadDrawings([...names, ...clutter], size);
  return {
    size,
    difficulty,
    classes: drawings.slice(0, names.length),
    distractors: drawings.slice(names.length).flat(),
  };
}
