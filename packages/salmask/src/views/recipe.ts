/** What a task sees of each photo: a list of kinds of view. Multi-crop is one more kind in the list. */
import type { Fill } from "../masking/fills/fill.js";
import type { NegativeOptions } from "../masking/hard-negatives.js";
import type { MaskOptions } from "../masking/mask.js";
import type { ViewOptions } from "./settings.js";

/** How much of a view is masked. */
export type ViewMask = Pick<MaskOptions, "ratio" | "foregroundShare">;

export interface ViewKind {
  /** For people and logs, such as `query`. */
  readonly name: string;
  /** Views of this kind per photo. */
  readonly count: number;
  /** Side in pixels. */
  readonly crop: number;
  readonly augment: ViewOptions;
  /** null where views of this kind stay whole. */
  readonly mask: ViewMask | null;
}

export interface ViewRecipe {
  /** At least one. Views are numbered through the list, and by its order each has its random keys. */
  readonly kinds: readonly ViewKind[];
  /** Prepares every view, masked or not, and says what masked cells become. */
  readonly fill: Fill;
  /** What masked cells are chosen by. */
  readonly cells: MaskOptions["cells"];
  /** Hard negatives, made of the first view of the kind that is named; null where there are none. */
  readonly negatives:
    | (NegativeOptions & { readonly of: NegativeOptions["of"]; readonly from: string })
    | null;
}

/** The same views with nothing masked: the encoder sees one kind of picture throughout. */
export function unmasked(recipe: ViewRecipe): ViewRecipe {
  return { ...recipe, kinds: recipe.kinds.map((kind) => ({ ...kind, mask: null })), negatives: null };
}
