import { formatFeatures, type Point, type QuPathFeature } from '../annotations/geojson.js';
import { tracePolygons } from '../annotations/mask-polygons.js';
import type { Segments } from '../layouts/segments-file.js';

/**
 * Formats the masks of a slide as QuPath detections: outlines with holes along pixel edges, in level-0 pixels
 * relative to `origin`, with the measurements mask index, area (in image pixels and level-0 pixels),
 * predicted IoU and stability score. Empty masks are omitted.
 * @param downsample level-0 pixels per pixel of the segmented image
 */
export function formatSegments({ info, masks }: Segments, downsample: number, origin: Point): string {
  const onSlide = (ring: Int32Array) =>
    ring.map((value, i) => (i % 2 === 0 ? info.startX : info.startY) + value * downsample);
  const features = masks.flatMap((mask, index): QuPathFeature[] => {
    const polygons = tracePolygons(mask.rle).map(({ outline, holes }) => [outline, ...holes].map(onSlide));
    if (polygons.length === 0) return [];
    return [
      {
        polygons,
        objectType: 'detection',
        name: `Segment ${index}`,
        measurements: {
          'Mask index': index,
          'Area (image px)': mask.area,
          'Area (level-0 px)': mask.area * downsample ** 2,
          'Predicted IoU': mask.predictedIou,
          'Stability score': mask.stabilityScore,
        },
      },
    ];
  });
  return formatFeatures(features, origin);
}
