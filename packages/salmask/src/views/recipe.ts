/** The views of each photo in a task: a list of kinds of views. */
import type { Fill } from "../masking/fills/fill.js";
import type { NegativeOptions } from "../masking/hard-negatives.js";
import type { MaskOptions } from "../masking/mask.js";
import type { ViewOptions } from "./settings.js";

/** How much of a view is masked. */
export type ViewMask = Pick<MaskOptions, "ratio" | "foregroundShare" | "odds">;

/** Views of a photo that are made alike. */
export interface ViewKind {
  /** A name for people and logs, such as `query`. */
  readonly name: string;
  /** Views of this kind per photo. */
  readonly count: number;
  /** Side in pixels. */
  readonly crop: number;
  readonly augment: ViewOptions;
  /** null if views of this kind are not masked. */
  readonly mask: ViewMask | null;
  /** false: nobody asks where the object of these views is, so it is not looked for. Default: true. */
  readonly findsObject?: boolean;
}

/** Which views a task sees of each photo, and how they are masked. */
export interface ViewRecipe {
  /** At least one. Views are numbered through the whole list; the number of a view is part of its random keys. */
  readonly kinds: readonly ViewKind[];
  /** Prepares every view, masked or not, and replaces the masked cells. */
  readonly fill: Fill;
  /** How masked cells are chosen. */
  readonly cells: MaskOptions["cells"];
  /** Hard negatives, made from the first view of the kind `from`; null if there are none. */
  readonly negatives:
    | (NegativeOptions & { readonly of: NegativeOptions["of"]; readonly from: string })
    | null;
}

/** The same views without masks: the encoder's input has the same preparation throughout a run. */
export function unmasked(recipe: ViewRecipe): ViewRecipe {
  return { ...recipe, kinds: recipe.kinds.map((kind) => ({ ...kind, mask: null })), negatives: null };
}
