/**
 * Activations of the perceptrons. CLIP of OpenAI, and PLIP, have the quick approximation; most models of
 * OpenCLIP have GELU under the same tensor names.
 */
export const ACTIVATIONS = ['quick-gelu', 'gelu'] as const;

export type Activation = (typeof ACTIVATIONS)[number];

/**
 * What a vision transformer returns as features: `cls`, the class token after the last norm; `mean`, the mean
 * of the patch tokens, without class token and registers; `cls+mean`, both in this order; `pooled`, the
 * attentional pooler of CONCH.
 */
export const VIT_OUTPUTS = ['cls', 'mean', 'cls+mean', 'pooled'] as const;

export type VitOutput = (typeof VIT_OUTPUTS)[number];

/**
 * How positions are resampled for images of another size: bicubic with antialiasing (timm, and DINOv2 with
 * registers), bicubic to the size (transformers from 4.45), bicubic by a factor (DINOv2 without registers,
 * CONCH 1.5, transformers up to 4.44), bilinear (CONCH v1 when it loads a checkpoint of another image size).
 */
export const POSITION_RULES = ['antialiased', 'to-size', 'by-factor', 'bilinear'] as const;

export type PositionRule = (typeof POSITION_RULES)[number];

/**
 * What the tensors of a vision transformer do not determine. Everything else (patch size, width, depth,
 * LayerScale, registers, kind of perceptron, whether positions cover the class token) is read from the
 * tensors.
 */
export interface VitOptions {
  /** Attention heads of each block. Required: the tensors do not show them. */
  heads: number;
  /**
   * Side in pixels of the images that the stored positions are for. Required only if the number of positions
   * is ambiguous.
   */
  imageSize?: number;
  /** Epsilon of the layer normalizations; default 1e-6. */
  epsilon?: number;
  /** Activation of a plain perceptron; default gelu. A gated perceptron always has SiLU. */
  activation?: Activation;
  /** Default: `pooled` for CONCH, otherwise `cls`. */
  output?: VitOutput;
  /** Default: the rule of the code that published the layout. */
  positions?: PositionRule;
  /** Attention heads of CONCH's pooler; default 8. */
  poolerHeads?: number;
}
