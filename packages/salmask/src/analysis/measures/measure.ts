/** The interface of a measure of encoders. */
import type { Material } from "../material.js";
import type { Measured } from "../measured.js";

/**
 * What photos and encoders have to have. `classes`: photos to learn from and photos to be scored on, each with a class. `masks`: the
 * true masks of the objects. `two encoders`: something to compare with.
 */
export type Need = "classes" | "masks" | "two encoders";

export interface Measure {
  /** One sentence that says what the numbers show. */
  readonly shows: string;
  /** The paper that it comes from. */
  readonly source: string;
  readonly needs: readonly Need[];
  /** Measures all encoders. Throws InterruptedError. */
  compute(material: Material): Promise<Measured>;
}
