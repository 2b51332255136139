/**
 * Hematoxylin and eosin by color deconvolution (Ruifrok and Johnston, "Quantification of histochemical
 * staining by color deconvolution", Anal Quant Cytol Histol 2001): optical density is a linear combination of
 * the densities of the stains.
 */

type Vector = readonly [number, number, number];

/**
 * The paper's unit vectors (red, green, blue optical density). The third is orthogonal to both: the residual
 * that neither stain explains.
 */
const HEMATOXYLIN: Vector = [0.65, 0.7, 0.29];
const EOSIN: Vector = [0.07, 0.99, 0.11];

/** Optical density (base 10) of each 8-bit value. The value 0 counts as 1, so that black is finite. */
export const OPTICAL_DENSITY: Float32Array = Float32Array.from(
  { length: 256 },
  (_, value) => -Math.log10(Math.max(value, 1) / 255),
);

/** Rows: contribution of the optical density of each channel to hematoxylin, eosin and residual. */
export const UNMIXING: readonly [Vector, Vector, Vector] = unmixing(unit(HEMATOXYLIN), unit(EOSIN));

export interface StainPlanes {
  hematoxylin: Float32Array;
  eosin: Float32Array;
  residual: Float32Array;
}

/**
 * Separates `pixels` RGB pixels. Planes have one optical density per pixel, which noise may make slightly
 * negative.
 */
export function separateStains(rgb: Uint8Array, pixels: number): StainPlanes {
  const planes = {
    hematoxylin: new Float32Array(pixels),
    eosin: new Float32Array(pixels),
    residual: new Float32Array(pixels),
  };
  const [h, e, r] = UNMIXING;
  for (let i = 0, at = 0; i < pixels; i++, at += 3) {
    const red = OPTICAL_DENSITY[rgb[at]];
    const green = OPTICAL_DENSITY[rgb[at + 1]];
    const blue = OPTICAL_DENSITY[rgb[at + 2]];
    planes.hematoxylin[i] = h[0] * red + h[1] * green + h[2] * blue;
    planes.eosin[i] = e[0] * red + e[1] * green + e[2] * blue;
    planes.residual[i] = r[0] * red + r[1] * green + r[2] * blue;
  }
  return planes;
}

function unit(vector: Vector): Vector {
  const length = Math.hypot(...vector);
  return [vector[0] / length, vector[1] / length, vector[2] / length];
}

function cross(a: Vector, b: Vector): Vector {
  return [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
}

/**
 * Inverse of the matrix with the stains as columns: each row is the cross product of the other two stains
 * divided by the determinant.
 */
function unmixing(h: Vector, e: Vector): [Vector, Vector, Vector] {
  const r = unit(cross(h, e));
  const volume = cross(h, e).reduce((sum, value, axis) => sum + value * r[axis], 0);
  const row = (a: Vector, b: Vector): Vector => {
    const [x, y, z] = cross(a, b);
    return [x / volume, y / volume, z / volume];
  };
  return [row(e, r), row(r, h), row(h, e)];
}
