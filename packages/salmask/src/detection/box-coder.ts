import { ops, type Tensor } from "@salmask/torch";

/** No box becomes more than 1000 / 16 times as long. */
const mostLogarithm = Math.log(1000 / 16);

interface Middles {
  readonly x: Tensor;
  readonly y: Tensor;
  readonly width: Tensor;
  readonly height: Tensor;
}

/** `[N, 4]` to middles and sides, `[N]` each. */
function middlesOf(boxes: Tensor): Middles {
  const [left, top, right, bottom] = boxes.unbind({ dim: 1 });
  const width = right.sub(left);
  const height = bottom.sub(top);
  return { x: left.add(width, { alpha: 0.5 }), y: top.add(height, { alpha: 0.5 }), width, height };
}

/** Boxes as changes of other boxes, which is what networks predict: Girshick et al. 2014, "R-CNN", appendix C. */
export class BoxCoder {
  /** Factors on changes of the middle, `x` and `y`, and of the logarithms of width and height. */
  constructor(private readonly weights: readonly [x: number, y: number, width: number, height: number]) {}

  /** The changes that make `from` into `to`: `[N, 4]` each, to `[N, 4]`. Boxes have an area. */
  encode(to: Tensor, from: Tensor): Tensor {
    const [wx, wy, ww, wh] = this.weights;
    const [a, b] = [middlesOf(from), middlesOf(to)];
    const changes = [
      b.x.sub(a.x).mul(wx).div(a.width),
      b.y.sub(a.y).mul(wy).div(a.height),
      b.width.div(a.width).log().mul(ww),
      b.height.div(a.height).log().mul(wh),
    ];
    return ops.stack(changes, { dim: 1 }); // [N, 4]
  }

  /** Boxes `[N, 4]` after changes `[..., N, 4 K]`, K of each box: `[..., N, K, 4]`. */
  decode(changes: Tensor, from: Tensor): Tensor {
    const [wx, wy, ww, wh] = this.weights;
    const shape = changes.shape;
    const of = shape.slice(0, -1);
    const [x, y, w, h] = changes.reshape([...of, (shape.at(-1) ?? 0) / 4, 4]).unbind({ dim: -1 }); // [..., N, K]
    const middles = middlesOf(from);
    const across = (values: Tensor) => values.unsqueeze(1); // [N, 1]
    const width = across(middles.width);
    const height = across(middles.height);
    const newX = x.div(wx).mul(width).add(across(middles.x)); // [..., N, K]
    const newY = y.div(wy).mul(height).add(across(middles.y));
    const halfWidth = w.div(ww).clamp({ max: mostLogarithm }).exp().mul(width).mul(0.5);
    const halfHeight = h.div(wh).clamp({ max: mostLogarithm }).exp().mul(height).mul(0.5);
    const sides = [newX.sub(halfWidth), newY.sub(halfHeight), newX.add(halfWidth), newY.add(halfHeight)];
    return ops.stack(sides, { dim: -1 }); // [..., N, K, 4]
  }
}

/** Of the RPN. */
export const anchorCoder = new BoxCoder([1, 1, 1, 1]);

/** Of the box head. */
export const proposalCoder = new BoxCoder([10, 10, 5, 5]);
