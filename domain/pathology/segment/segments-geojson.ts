import { formatFeatures, type Point, type QuPathFeature } from '../annotations/geojson.js';
import { polygonsOfMask } from '../annotations/mask-polygons.js';
import type { Segments } from '../layouts/segments-file.js';

/**
 * Masks of a slide as detections for QuPath: outlines along their pixels' edges with holes, in level-0 pixels from its `origin` on, measured by mask index, area (in pixels
 * of the image and of level 0), predicted IoU and stability score. Masks without a pixel are left out.
 * @param downsample level-0 pixels to one pixel of the segmented image
 */
export function formatSegments({ info, masks }: Segments, downsample: number, origin: Point): string {
  const onSlide = (ring: Int32Array) =>
    ring.map((value, i) => (i % 2 === 0 ? info.startX : info.startY) + value * downsample);
  const features = masks.flatMap((mask, index): QuPathFeature[] => {
    const polygons = polygonsOfMask(mask.rle).map(({ outline, holes }) => [outline, ...holes].map(onSlide));
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
