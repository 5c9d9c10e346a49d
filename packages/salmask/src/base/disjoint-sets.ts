/** Elements `0` to `count - 1` in sets that can be joined (Tarjan 1975): each is alone at the start. */
export class DisjointSets {
  private readonly parents: Int32Array;

  constructor(count: number) {
    this.parents = Int32Array.from({ length: count }, (_, i) => i);
  }

  /** The element that stands for the set of `element`. */
  find(element: number): number {
    let at = element;
    while (this.parents[at] !== at) {
      this.parents[at] = this.parents[this.parents[at]];
      at = this.parents[at];
    }
    return at;
  }

  join(a: number, b: number): void {
    const [one, other] = [this.find(a), this.find(b)];
    // The smaller element stands for both, so that the result does not depend on the order of joining.
    this.parents[Math.max(one, other)] = Math.min(one, other);
  }

  /** Sets of two elements or more, each in ascending order, in the order of their first elements. */
  groups(): number[][] {
    const members = new Map<number, number[]>();
    for (let i = 0; i < this.parents.length; i++) {
      const root = this.find(i);
      const group = members.get(root);
      if (group === undefined) members.set(root, [i]);
      else group.push(i);
    }
    return [...members.values()].filter((group) => group.length > 1);
  }
}
