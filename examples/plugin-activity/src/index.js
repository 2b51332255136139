import { definition as density } from './definition.js';

/** What `plugins: nuclei-density` in a pipeline file loads. */
export const plugin = { name: 'nuclei', activities: [density] };
