/** Dosovitskiy et al. 2021, "An Image is Worth 16x16 Words", with torchvision's state-dict names. Dropout is left out. */
import { type Generator, nn, noGrad, ops, scope, type Tensor, zeros } from "@salmask/torch";
import { UsageError } from "../base/errors.js";
import {
  Backbone,
  type BackboneFamily,
  type BackboneSpec,
  type ClassAttention,
  type FeatureLevel,
} from "./backbone.js";
import { coloursOf, hiddenPatchesOf, type ShownPatches, shownPatchesOf } from "./hidden-patches.js";
import { Encoder } from "./vit-encoder.js";

/** Blocks, and the widest network of the name: a wider one goes by the next name. */
interface Design {
  readonly depth: number;
  readonly most: number;
}

/** A specification without the name. */
type Shape = Omit<BackboneSpec, "arch">;

/** What a stem means where the settings do not say more: the side of a patch, and of photos whose patches all get a position. */
const stems = { imagenet: { patch: 16, photo: 224 }, small: { patch: 4, photo: 32 } } as const;

const patchOf = ({ stem, patch = stems[stem].patch }: Shape) => patch;

/** Patches along each side for which positions are learned. */
function positionsOf(shape: Shape): number {
  return shape.positions ?? Math.max(1, Math.round(stems[shape.stem].photo / patchOf(shape)));
}

const levelsOf = (shape: Shape): FeatureLevel[] => [
  { name: "encoder.ln", stride: patchOf(shape), channels: shape.width },
];

/**
 * A vision transformer without its classifier, with torchvision's names (`class_token`, `conv_proj.weight`,
 * `encoder.layers.encoder_layer_0.self_attention.in_proj_weight`). It has one level: the tokens of the patches. A picture's vector is
 * the class token. Sides have to be multiples of a patch.
 *
 * Pictures may have a fourth plane, which is not 0 where pixels are hidden. Patches with a hidden pixel are dropped before the first
 * block (He et al. 2022), or become one learned token, `mask_token`, with their positions (Bao et al. 2022). Where the pictures
 * of a batch lose different numbers of patches, those with fewer left are filled up with tokens that none attends to, so that a
 * picture's vector does not depend on the others. In the feature maps, dropped patches are 0.
 */
class VisionTransformer extends Backbone implements ClassAttention {
  override readonly levels: readonly FeatureLevel[];
  override readonly classifierName = "heads.head";
  override readonly stages: readonly nn.Module[];
  readonly classToken: Tensor;
  readonly convProj: nn.Conv2d;
  readonly encoder: Encoder;
  /** `[1, 1, width]`, in the place of hidden patches; null where these are dropped. */
  readonly maskToken: Tensor | null;

  constructor(
    override readonly spec: BackboneSpec,
    { depth }: Design,
    generator: Generator,
  ) {
    super();
    const { width } = spec;
    const patch = patchOf(spec);
    this.levels = levelsOf(spec);
    this.classToken = this.registerParameter("class_token", zeros([1, 1, width]));
    this.convProj = new nn.Conv2d(3, width, { kernelSize: patch, stride: patch, generator });
    // torchvision cuts these off at 2, where there are none.
    this.convProj.weight.normal_({ std: (3 * patch ** 2) ** -0.5, generator });
    this.convProj.bias?.zero_();
    this.maskToken =
      spec.hiddenPatches === "mask-token"
        ? this.registerParameter("mask_token", zeros([1, 1, width]).normal_({ std: 0.02, generator }))
        : null;
    this.encoder = new Encoder(positionsOf(spec), { depth, width }, generator);
    this.stages = [new nn.Sequential(...this.encoder.blocks, this.encoder.norm)];
  }

  override *children(): Iterable<[string, nn.AnyModule]> {
    yield ["conv_proj", this.convProj];
    yield ["encoder", this.encoder];
  }

  override pyramid(input: Tensor): Tensor[] {
    return [this.features(input)];
  }

  override features(input: Tensor): Tensor {
    return scope(() => {
      const { rows, columns } = this.gridOf(input);
      const { tokens, padding, hidden, shown } = this.embed(input);
      const [batch, length, width] = tokens.shape;
      const seen = this.encoder.forward(tokens, padding).narrow(1, 1, length - 1); // [B, K, width]
      if (hidden === null || shown === null) return asMaps(seen, rows, columns); // [B, width, rows, columns]
      const { device, dtype } = seen;
      const all = zeros([batch, rows * columns, width], { device, dtype }).scatter(
        1,
        perFeature(shown.places, width),
        seen,
      ); // [B, N, width]
      return asMaps(all.maskedFill(hidden.unsqueeze(2), 0), rows, columns); // [B, width, rows, columns]
    });
  }

  override forward(input: Tensor): Tensor {
    return scope(() => {
      const { tokens, padding } = this.embed(input);
      return this.encoder.forward(tokens, padding).select(1, 0); // [B, width]
    });
  }

  classAttention(input: Tensor): Tensor {
    return scope(() => {
      const { rows, columns } = this.gridOf(input);
      const attention = this.encoder.classAttention(this.embed(coloursOf(input)).tokens); // [B, N]
      return attention.reshape([input.shape[0], 1, rows, columns]);
    });
  }

  private gridOf(input: Tensor): { rows: number; columns: number } {
    const [, , height, width] = input.shape;
    const { stride } = this;
    if (height % stride === 0 && width % stride === 0)
      return { rows: height / stride, columns: width / stride };
    throw new UsageError(
      "picture-not-multiple",
      `Expected pictures whose sides are multiples of a patch, ${stride} pixels, got ${height} x ${width}.`,
    );
  }

  private embed(input: Tensor): Embedded {
    const batch = input.shape[0];
    const { width } = this.spec;
    const { rows, columns } = this.gridOf(input);
    const maps = this.convProj.forward(coloursOf(input)); // [B, width, rows, columns]
    const patches = maps.permute([0, 2, 3, 1]).reshape([batch, rows * columns, width]); // [B, N, width]
    const positions = this.encoder.patchPositions(rows, columns); // [1, N, width]
    const placed = patches.add(positions); // [B, N, width]
    const hidden = hiddenPatchesOf(input, this.stride);
    const { maskToken } = this;
    const shown = hidden === null || maskToken !== null ? null : shownPatchesOf(hidden);
    const first = this.classToken.add(this.encoder.classPosition()).expand([batch, 1, width]); // [B, 1, width]
    const withClass = (others: Tensor) => ops.cat([first, others], { dim: 1 }); // [B, 1 + K, width]
    if (shown !== null) {
      const kept = placed.gather(1, perFeature(shown.places, width)); // [B, K, width]
      return { tokens: withClass(kept), padding: afterClass(shown.padding), hidden, shown };
    }
    if (hidden === null || maskToken === null)
      return { tokens: withClass(placed), padding: null, hidden, shown };
    const replaced = ops.where(hidden.unsqueeze(2), maskToken.add(positions), placed); // [B, N, width]
    return { tokens: withClass(replaced), padding: null, hidden, shown };
  }
}

/** What the transformer's blocks take of pictures, and which patches it stands for. */
interface Embedded {
  /** With their positions, `[B, 1 + K, width]`: the class token, then those of the patches that are kept. */
  readonly tokens: Tensor;
  /** bool `[B, 1 + K]`: true for tokens that none attends to; null where there are none. */
  readonly padding: Tensor | null;
  /** bool `[B, N]`: the hidden patches; null where the pictures have no plane for them. */
  readonly hidden: Tensor | null;
  /** null where all patches are kept. */
  readonly shown: ShownPatches | null;
}

/** The padding `[B, K]` of patches as that of all tokens, `[B, 1 + K]`. */
function afterClass(padding: Tensor | null): Tensor | null {
  if (padding === null) return null;
  return ops.constantPadNd(padding.to({ dtype: "uint8" }), [1, 0]).gt(0); // [B, 1 + K]
}

/** `[B, K]` once for each feature, `[B, K, width]`. */
function perFeature(places: Tensor, width: number): Tensor {
  return places.unsqueeze(2).expand([...places.shape, width]);
}

/** Tokens `[B, rows * columns, C]` as maps `[B, C, rows, columns]`, with channels last. */
function asMaps(tokens: Tensor, rows: number, columns: number): Tensor {
  const [batch, , channels] = tokens.shape;
  return tokens.reshape([batch, rows, columns, channels]).permute([0, 3, 1, 2]);
}

/**
 * Vision transformers of `depth` blocks. The names of the paper's networks stand for widths, as their heads are equally wide: a state
 * dict belongs to the first name whose `most` it does not exceed.
 */
export function visionTransformer(design: Design): BackboneFamily {
  return {
    levels: levelsOf,
    build: (spec, generator) => noGrad(() => new VisionTransformer(spec, design, generator)),
    specOf(state) {
      const { depth, most } = design;
      const first = state["conv_proj.weight"];
      const positions = state["encoder.pos_embedding"];
      const starts = Object.keys(state).filter((name) => name.endsWith(".self_attention.in_proj_weight"));
      if (first === undefined || positions === undefined || starts.length !== depth) return null;
      const [width, , patch] = first.shape;
      if (width > most) return null;
      const stem = patch < stems.imagenet.patch ? "small" : "imagenet";
      const shape: Shape = {
        width,
        stem,
        ...(patch === stems[stem].patch ? {} : { patch }),
        ...(state.mask_token === undefined ? {} : { hiddenPatches: "mask-token" }),
      };
      const side = Math.sqrt(positions.shape[1] - 1);
      return side === positionsOf(shape) ? shape : { ...shape, positions: side };
    },
  };
}
