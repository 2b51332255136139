import { visitXml, XmlFault, type XmlElement } from '../../files/xml.js';
import { readDecimal } from '../../files/decimal.js';

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

/** An `Image` of OME-XML. */
export interface OmeImage {
  name: string;
  /** Attributes of its `Pixels`. */
  pixels: Readonly<Record<string, string>>;
  /** Attributes of each `TiffData`: which planes are on which page. */
  tiffData: Readonly<Record<string, string>>[];
  channels: Readonly<Record<string, string>>[];
  /** References to its objective and its instrument. */
  objective?: string;
  instrument?: string;
}

export interface OmeDescription {
  images: OmeImage[];
  objectives: { id: string; instrument?: string; power?: string }[];
}

/**
 * Reads the image description of an OME-TIFF (OME-XML, schema 2016-06); undefined for other texts. Of a text
 * that is not well-formed, the part before the error counts.
 */
export function readOme(description: string | undefined): OmeDescription | undefined {
  if (description === undefined || !/<(?:\w+:)?OME[\s>]/.test(description)) return undefined;
  const found: OmeDescription = { images: [], objectives: [] };
  try {
    visitXml(description.trimStart(), { open: (element, parents) => addElement(found, element, parents) });
  } catch (error) {
    if (!(error instanceof XmlFault)) throw error;
  }
  return found;
}

function addElement(
  { images, objectives }: OmeDescription,
  { name, attributes }: XmlElement,
  parents: readonly XmlElement[],
): void {
  const parent = parents.at(-1);
  if (name === 'Objective') {
    const { ID: id, NominalMagnification: power } = attributes;
    objectives.push({ id, power, instrument: parent?.attributes.ID });
  }
  if (name === 'Image' && parent?.name === 'OME') {
    images.push({ name: attributes.Name ?? '', pixels: {}, tiffData: [], channels: [] });
  }
  const image = images.at(-1);
  if (image === undefined || !parents.some((element) => element.name === 'Image')) return;
  if (name === 'Pixels') image.pixels = attributes;
  if (name === 'TiffData') image.tiffData.push(attributes);
  if (name === 'Channel') image.channels.push(attributes);
  if (name === 'InstrumentRef') image.instrument = attributes.ID;
  if (name === 'ObjectiveSettings' || name === 'ObjectiveRef') image.objective = attributes.ID;
}

/**
 * Returns µm per pixel and the magnification of the objective of an image, by {@link OME_KEYS}. Lengths
 * without unit are micrometers. A length that cannot be read keeps its text, so that messages show it. An
 * instrument may list several objectives; the one that the image names counts, or the only one.
 */
export function omeProperties(ome: OmeDescription, image = ome.images[0]): Record<string, string> {
  const properties: Record<string, string> = {};
  for (const [axis, key] of [
    ['X', OME_KEYS.mppX],
    ['Y', OME_KEYS.mppY],
  ] as const) {
    const size = physicalSize(image?.pixels ?? {}, axis);
    if (size !== undefined) properties[key] = size;
  }
  const own = ome.objectives.filter(
    ({ instrument }) => image?.instrument === undefined || instrument === image.instrument,
  );
  const named = own.find(({ id }) => id === image?.objective);
  const power = (named ?? (image?.objective === undefined && own.length === 1 ? own[0] : undefined))?.power;
  if (power !== undefined) properties[OME_KEYS.power] = power;
  return properties;
}

function physicalSize(pixels: Readonly<Record<string, string>>, axis: string): string | undefined {
  const text = pixels[`PhysicalSize${axis}`] as string | undefined;
  if (text === undefined) return undefined;
  const unit = pixels[`PhysicalSize${axis}Unit`] ?? 'µm';
  const value = readDecimal(text);
  const factor = MICROMETERS[unit] as number | undefined;
  return value === undefined || factor === undefined ? `${text} ${unit}` : String(value * factor);
}
