import { SamMilError } from '../../../../errors.js';
import type { TensorLayout } from '../../../../files/torch/torch-layout.js';
import { SamCheckpoint } from './sam-checkpoint.js';
import { isTinyViT } from './tiny-vit-graph.js';
import { vitSizes } from './vit-encoder-graph.js';

/** Channels and blocks of the image encoders that Segment Anything was published with (Kirillov et al., ICCV 2023), and MobileSAM's. */
const DESIGNS: Readonly<Record<string, string>> = {
  'sam-vit-h': 'a ViT of 32 blocks, 1280 wide',
  'sam-vit-l': 'a ViT of 24 blocks, 1024 wide',
  'sam-vit-b': 'a ViT of 12 blocks, 768 wide',
  'mobile-sam': 'a TinyViT',
};

/**
 * Refuses a checkpoint whose image encoder is another than that of the published model it is brought as: every SAM can be run as what it is, but results
 * would bear the wrong name.
 * @throws SamMilError UnsupportedFormat with both designs, and the name under which the checkpoint would fit
 */
export function checkPublishedDesign(
  name: string,
  tensors: ReadonlyMap<string, TensorLayout>,
  file: string,
): void {
  const found = designTextOf(new SamCheckpoint(tensors));
  if (found === DESIGNS[name]) return;
  const owner = Object.keys(DESIGNS).find((other) => DESIGNS[other] === found);
  throw new SamMilError('UnsupportedFormat', `these weights are not those of a ${name}`, {
    file,
    expected: `${DESIGNS[name]} as image encoder`,
    found: owner === undefined ? found : `${found}, as ${owner} has it`,
    next:
      owner === undefined
        ? 'register a SAM of your own by a YAML file: name, architecture: sam, weights (docs/models.md)'
        : `import it as ${owner}`,
  });
}

function designTextOf(checkpoint: SamCheckpoint): string {
  if (isTinyViT(checkpoint)) return DESIGNS['mobile-sam'];
  const { blocks, width } = vitSizes(checkpoint);
  return `a ViT of ${blocks.length} blocks, ${width} wide`;
}
