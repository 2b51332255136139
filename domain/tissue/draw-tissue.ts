import { withMats, type OpenCv } from '../native/opencv.js';
import type { Picture } from './overview.js';
import { scaleOutline, type Outline } from './polygon.js';
import type { Tissue } from './segment.js';

type Colour = readonly [number, number, number];

/** CLAM's colours for tissue and holes, and grey for tissue that keep-ids or exclude-ids left out. */
const TISSUE: Colour = [0, 255, 0];
const HOLE: Colour = [0, 0, 255];
const LEFT_OUT: Colour = [128, 128, 128];

/** Lines are as thick as asked for, but no thicker than this share of the picture: small slides would vanish behind them. */
const MAX_LINE_SHARE = 1 / 300;

/** The picture with outlines of tissue and holes and the contours' ids, as RGB. `lineThickness` in level-0 pixels. */
export function drawTissue(cv: OpenCv, picture: Picture, tissue: Tissue, lineThickness: number): Uint8Array {
  const { width, height, downsample } = picture;
  const scale = [1 / downsample[0], 1 / downsample[1]] as const;
  const longest = Math.max(width, height);
  const wanted = Math.round(lineThickness * Math.sqrt(scale[0] * scale[1]));
  const thickness = Math.max(1, Math.min(wanted, Math.ceil(longest * MAX_LINE_SHARE)));
  return withMats((keep) => {
    const image = keep(new cv.Mat(height, width, cv.CV_8UC3));
    image.data.set(picture.rgb);
    const draw = (outline: Outline, colour: Colour) =>
      drawOutline(cv, image, scaleOutline(outline, scale), colour, thickness);
    tissue.contours.forEach(({ outline, holes }, id) => {
      const chosen = tissue.ids.includes(id);
      draw(outline, chosen ? TISSUE : LEFT_OUT);
      if (chosen) for (const hole of holes) draw(hole, HOLE);
    });
    tissue.contours.forEach(({ outline }, id) => {
      writeId(cv, image, id, scaleOutline(outline.subarray(0, 2), scale), longest / 1200);
    });
    return image.data.slice();
  });
}

type Mat = InstanceType<OpenCv['Mat']>;

function drawOutline(cv: OpenCv, image: Mat, outline: Outline, colour: Colour, thickness: number): void {
  withMats((keep) => {
    const points = keep(new cv.Mat(outline.length / 2, 1, cv.CV_32SC2));
    points.data32S.set(outline);
    const list = keep(new cv.MatVector());
    list.push_back(points);
    cv.polylines(image, list, true, scalar(cv, colour), thickness);
  });
}

/** The id in black on a white rim, beside the contour's topmost point. */
function writeId(cv: OpenCv, image: Mat, id: number, [x, y]: Outline, size: number): void {
  const height = 22 * size;
  const at = new cv.Point(
    Math.min(Math.round(x + 6 * size), image.cols - Math.round(height * String(id).length)),
    Math.max(Math.round(y + height), Math.ceil(height)),
  );
  const write = (colour: Colour, thickness: number) =>
    cv.putText(
      image,
      String(id),
      at,
      cv.FONT_HERSHEY_SIMPLEX as number,
      size,
      scalar(cv, colour),
      Math.ceil(thickness * size),
    );
  write([255, 255, 255], 6);
  write([0, 0, 0], 2);
}

function scalar(cv: OpenCv, [r, g, b]: Colour): InstanceType<OpenCv['Scalar']> {
  return new cv.Scalar(r, g, b, 255);
}
