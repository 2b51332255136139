import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/**
 * What {@link writePluginPackage} writes into `src/greet.js`: editing it gives another implementation of the
 * same version.
 */
export function greetingCode(greeting: string): string {
  return `import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

export async function run(job) {
  const file = join(job.scratch, 'greeting.txt');
  writeFileSync(file, \`${greeting} \${job.with.name}\\n\`);
  return { files: { greeting: { from: file, to: 'greeting.txt' } } };
}
`;
}

/**
 * Writes a package like that of a third party: an activity `NAME.greet` whose implementation is a separate
 * file. Returns its folder.
 */
export function writePluginPackage(
  folder: string,
  { name = 'greeter', isolation = 'child', files = {} }: PluginPackage = {},
): string {
  writeTree(folder, {
    'package.json': JSON.stringify({
      name,
      version: '1.0.0',
      type: 'module',
      exports: { '.': { import: './src/index.js' } },
    }),
    'src/index.js': `export const plugin = {
  name: '${name}',
  activities: [
    {
      name: '${name}.greet',
      version: 1,
      summary: 'Greets by name',
      with: { name: { type: 'string', description: 'Whom.' } },
      required: ['name'],
      outputs: { greeting: { type: 'object', 'x-kind': 'text', description: 'The text.' } },
      queue: 'cpu',
      timeout: '1m',
      heartbeat: '20s',
      isolation: '${isolation}',
      resumesFrom: 'the start',
      load: () => import('./greet.js'),
    },
  ],
};
`,
    'src/greet.js': greetingCode('Hello'),
    ...files,
  });
  return folder;
}

interface PluginPackage {
  name?: string;
  isolation?: 'child' | 'inline';
  /** Further files, or others, by path. */
  files?: Readonly<Record<string, string>>;
}

export function writeTree(folder: string, files: Readonly<Record<string, string>>): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
}
