/** The transformer of a vision transformer (Dosovitskiy et al. 2021, section 3.1), with torchvision's names. */
import { empty, type Generator, nn, ops, scope, type Tensor } from "@salmask/torch";

/** Of every norm, as in the paper's code. */
export const layerNormEps = 1e-6;
/** Features of a head, where they divide the width. */
const headWidth = 64;
/** Width of the layer between the two of a block's last part, over that of the tokens. */
const hiddenWidths = 4;
/** Standard deviation of new positions, as in BERT. */
const positionDeviation = 0.02;

/** The most heads that divide a width and have 64 features or more, as those of every network of the paper; one for less. */
export function headsOf(width: number): number {
  let heads = Math.max(1, Math.floor(width / headWidth));
  while (width % heads !== 0) heads--;
  return heads;
}

function linear(input: number, output: number, generator: Generator): nn.Linear {
  const layer = new nn.Linear(input, output, { generator });
  nn.xavierUniform_(layer.weight, generator);
  layer.bias?.normal_({ std: 1e-6, generator });
  return layer;
}

/** `[B, N, width]` to the same shape. */
export class EncoderBlock extends nn.Module {
  readonly norm1: nn.LayerNorm;
  readonly attention: nn.MultiheadAttention;
  readonly norm2: nn.LayerNorm;
  readonly mlp: nn.Sequential;

  constructor(width: number, generator: Generator) {
    super();
    this.norm1 = new nn.LayerNorm(width, { eps: layerNormEps });
    this.attention = new nn.MultiheadAttention(width, headsOf(width), { generator });
    this.norm2 = new nn.LayerNorm(width, { eps: layerNormEps });
    this.mlp = new nn.Sequential(
      linear(width, hiddenWidths * width, generator),
      new nn.GELU(),
      new nn.Identity(), // torchvision has a dropout here; the next layer's name counts it
      linear(hiddenWidths * width, width, generator),
    );
  }

  override *children(): Iterable<[string, nn.AnyModule]> {
    yield ["ln_1", this.norm1];
    yield ["self_attention", this.attention];
    yield ["ln_2", this.norm2];
    yield ["mlp", this.mlp];
  }

  /** @param padding bool `[B, N]`: true for tokens that none attends to */
  forward(input: Tensor, padding: Tensor | null = null): Tensor {
    const attended = this.attention.forward(this.norm1.forward(input), padding); // [B, N, width]
    const sum = input.add(attended); // [B, N, width]
    return sum.add(this.mlp.forward(this.norm2.forward(sum))); // [B, N, width]
  }

  /** How much each token takes of the others, mean over the heads, `[B, N, N]`. */
  weights(input: Tensor): Tensor {
    return scope(() => this.attention.weights(this.norm1.forward(input)).mean([1])); // [B, N, N]
  }
}

/**
 * The positions of a grid of patches, `[1, rows * columns, width]`: of learned ones `[1, 1 + side * side, width]`, the class token's
 * first, those of the patches, or for another grid than a square of `side` interpolated bicubically with the corners in place, as
 * torchvision's `interpolate_embeddings`.
 */
export function positionsOfGrid(
  learned: Tensor,
  { rows, columns }: { rows: number; columns: number },
): Tensor {
  return scope(() => {
    const [, count, width] = learned.shape;
    const side = Math.sqrt(count - 1);
    const ofPatches = learned.narrow(1, 1, count - 1); // [1, side * side, width]
    if (rows === side && columns === side) return ofPatches;
    const square = ofPatches.reshape([1, side, side, width]).permute([0, 3, 1, 2]); // [1, width, side, side]
    const resized = ops.upsampleBicubic2d(square, [rows, columns], true); // [1, width, rows, columns]
    return resized.permute([0, 2, 3, 1]).reshape([1, rows * columns, width]);
  });
}

/** Tokens with their positions, `[B, N, width]`, to the last block's, normalised. */
export class Encoder extends nn.Module {
  /** `[1, 1 + side * side, width]`: of the class token, then of a square of patches, row by row. */
  readonly posEmbedding: Tensor;
  readonly blocks: readonly EncoderBlock[];
  readonly norm: nn.LayerNorm;

  constructor(side: number, { depth, width }: { depth: number; width: number }, generator: Generator) {
    super();
    const positions = empty([1, 1 + side ** 2, width]).normal_({ std: positionDeviation, generator });
    this.posEmbedding = this.registerParameter("pos_embedding", positions);
    this.blocks = Array.from({ length: depth }, () => new EncoderBlock(width, generator));
    this.norm = new nn.LayerNorm(width, { eps: layerNormEps });
  }

  override *children(): Iterable<[string, nn.AnyModule]> {
    for (const [i, block] of this.blocks.entries()) yield [`layers.encoder_layer_${i}`, block];
    yield ["ln", this.norm];
  }

  /** @param padding bool `[B, N]`: true for tokens that none attends to */
  forward(input: Tensor, padding: Tensor | null = null): Tensor {
    return scope(() => this.norm.forward(this.through(input, this.blocks, padding))); // [B, N, width]
  }

  /** How much the class token takes of the others in the last block, mean over the heads, `[B, N - 1]`. */
  classAttention(input: Tensor): Tensor {
    return scope(() => {
      const last = this.blocks[this.blocks.length - 1];
      const seen = this.through(input, this.blocks.slice(0, -1), null); // [B, N, width]
      return last
        .weights(seen)
        .select(1, 0)
        .narrow(1, 1, seen.shape[1] - 1); // [B, N - 1]
    });
  }

  /** The class token's position, `[1, 1, width]`. */
  classPosition(): Tensor {
    return this.posEmbedding.narrow(1, 0, 1);
  }

  /** The positions of a grid of patches, `[1, rows * columns, width]`. */
  patchPositions(rows: number, columns: number): Tensor {
    return positionsOfGrid(this.posEmbedding, { rows, columns });
  }

  private through(input: Tensor, blocks: readonly EncoderBlock[], padding: Tensor | null): Tensor {
    let x = input;
    for (const block of blocks) {
      // Frees what the block made, and its input, except where backward needs them.
      const output = scope(() => block.forward(x, padding)); // [B, N, width]
      if (x !== input) x.dispose();
      x = output;
    }
    return x;
  }
}
