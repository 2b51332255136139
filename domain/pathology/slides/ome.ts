import type { Mpp } from '../../units.js';

/** Micrometers per length unit of OME-XML. */
const MICROMETERS: Readonly<Record<string, number>> = {
  m: 1e6,
  cm: 1e4,
  mm: 1e3,
  µm: 1,
  μm: 1,
  um: 1,
  nm: 1e-3,
  pm: 1e-6,
  Å: 1e-4,
  in: 25400,
};

/** Property keys for the values of OME-XML. */
export const OME_KEYS = {
  mppX: 'ome.PhysicalSizeX',
  mppY: 'ome.PhysicalSizeY',
  power: 'ome.NominalMagnification',
} as const;

/**
 * Reads µm per pixel and the magnification of the objective from the first image description of an OME-TIFF
 * (OME-XML, schema 2016-06; lengths without unit are micrometers), by {@link OME_KEYS}. Empty for other
 * texts.
 */
export function omeProperties(description: string | undefined): Record<string, string> {
  if (description === undefined || !/<(?:\w+:)?OME[\s>]/.test(description)) return {};
  const pixels = /<(?:\w+:)?Pixels\b[^>]*>/.exec(description)?.[0] ?? '';
  const properties: Record<string, string> = {};
  const [x, y] = ['X', 'Y'].map((axis) => physicalSize(pixels, axis));
  if (x !== undefined) properties[OME_KEYS.mppX] = String(x);
  if (y !== undefined) properties[OME_KEYS.mppY] = String(y);
  const objective = /<(?:\w+:)?Objective\b[^>]*>/.exec(description)?.[0] ?? '';
  const power = attribute(objective, 'NominalMagnification');
  if (power !== undefined) properties[OME_KEYS.power] = power;
  return properties;
}

function physicalSize(pixels: string, axis: string): Mpp | undefined {
  const value = Number.parseFloat(attribute(pixels, `PhysicalSize${axis}`) ?? '');
  const factor = MICROMETERS[attribute(pixels, `PhysicalSize${axis}Unit`) ?? 'µm'];
  return factor === undefined || !(value > 0) ? undefined : value * factor;
}

function attribute(element: string, name: string): string | undefined {
  const value = new RegExp(`\\s${name}\\s*=\\s*(?:"([^"]*)"|'([^']*)')`).exec(element);
  return (value?.[1] ?? value?.[2])?.replace(/&#(?:181|xB5|x3BC|956);|&micro;/i, 'µ');
}
