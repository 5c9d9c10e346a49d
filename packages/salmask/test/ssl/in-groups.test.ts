import { arange, nn, scope, type Tensor } from "@salmask/torch";
import { expect, it } from "vitest";
import { inGroups } from "../../src/ssl/in-groups.js";

/** Remembers how many rows it saw at a time. */
class Witness extends nn.Module {
  readonly rows: number[] = [];

  forward(input: Tensor): Tensor {
    this.rows.push(input.shape[0]);
    return input.mul(2);
  }
}

it.each([
  { rows: 128, groups: 8, parts: [16, 16, 16, 16, 16, 16, 16, 16] },
  { rows: 13, groups: 4, parts: [4, 3, 3, 3] },
  { rows: 10, groups: 4, parts: [3, 2, 3, 2] },
  { rows: 9, groups: 4, parts: [3, 2, 2, 2] },
  { rows: 5, groups: 4, parts: [3, 2] },
  { rows: 5, groups: 1, parts: [5] },
  { rows: 1, groups: 2, parts: [1] },
])(
  "$rows photos in $groups groups: no photo is alone beside others, and all keep their places",
  ({ rows, groups, parts }) => {
    scope(() => {
      const witness = new Witness();
      const output = inGroups(witness, arange(0, rows), groups); // [rows]
      expect(witness.rows).toEqual(parts);
      expect(output.toArray()).toEqual(Array.from({ length: rows }, (_, i) => 2 * i));
    });
  },
);
