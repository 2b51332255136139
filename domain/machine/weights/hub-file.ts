import type { HubRepository, UrlEntry } from './weights-entry.js';

/** The address of the hub in the manifest. `HF_ENDPOINT` replaces it when a file is downloaded. */
export const HUB = 'https://huggingface.co';

/** Address and name of a file in a repository of the Hugging Face hub. */
export function hubFile(hub: HubRepository, file: string): Pick<UrlEntry, 'hub' | 'url' | 'file'> {
  return { hub, file, url: `${HUB}/${hub.name}/resolve/${hub.revision}/${file}` };
}

/** The page of a repository, which shows its license and grants access. */
export function hubPage({ name }: HubRepository): string {
  return `${HUB}/${name}`;
}
