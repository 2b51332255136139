import { SamMilError } from '../../../../errors.js';
import type { TensorLayout } from '../../../../files/torch/torch-layout.js';
import { SamCheckpoint } from './sam-checkpoint.js';
import { isTinyViT } from './tiny-vit-graph.js';
import { vitSizes } from './vit-encoder-graph.js';

/**
 * Blocks and channels of the published image encoders of Segment Anything (Kirillov et al., ICCV 2023) and of
 * MobileSAM.
 */
const DESIGNS: Readonly<Record<string, string>> = {
  'sam-vit-h': 'a ViT of 32 blocks, 1280 wide',
  'sam-vit-l': 'a ViT of 24 blocks, 1024 wide',
  'sam-vit-b': 'a ViT of 12 blocks, 768 wide',
  'mobile-sam': 'a TinyViT',
};

/**
 * Refuses a checkpoint whose image encoder is not that of the published model it is imported as. It could
 * run, but its results would have the wrong name.
 * @throws SamMilError UnsupportedFormat with both designs and the name that fits the checkpoint
 */
export function checkPublishedDesign(
  name: string,
  tensors: ReadonlyMap<string, TensorLayout>,
  file: string,
): void {
  const found = describeDesign(new SamCheckpoint(tensors));
  if (found === DESIGNS[name]) return;
  const owner = Object.keys(DESIGNS).find((other) => DESIGNS[other] === found);
  throw new SamMilError('UnsupportedFormat', `the weights do not belong to ${name}`, {
    file,
    expected: `an image encoder that is ${DESIGNS[name]}`,
    found: owner === undefined ? found : `${found}, as in ${owner}`,
    next:
      owner === undefined
        ? 'register a custom SAM with a YAML file: name, architecture: sam, weights (docs/models.md)'
        : `import it as ${owner}`,
  });
}

function describeDesign(checkpoint: SamCheckpoint): string {
  if (isTinyViT(checkpoint)) return DESIGNS['mobile-sam'];
  const { blocks, width } = vitSizes(checkpoint);
  return `a ViT of ${blocks.length} blocks, ${width} wide`;
}
