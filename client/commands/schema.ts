import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { packageRoot } from '../../domain/package-root.js';
import { Command } from 'commander';
import { loadRegistry } from '../../activities/plugins/load-plugins.js';
import { generatedFiles } from '../../domain/engine/language/editor/generated-files.js';
import { pipelineSchema } from '../../domain/engine/language/editor/pipeline-schema.js';
import { createCatalog, pluginsNamedBy } from '../run/load-file.js';
import { addPluginOption } from '../command-line/options.js';

interface SchemaOptions {
  plugin?: string[];
  write?: boolean;
}

export function createCommand(): Command {
  const command = new Command('schema')
    .description('Print the JSON Schema of pipeline files, for completion and checks in an editor')
    .argument('[file]', 'pipeline file whose plugins are included')
    .option('--write', 'write the schema and the activity reference into the checkout');
  return addPluginOption(command).action(schema);
}

async function schema(file: string | undefined, options: SchemaOptions): Promise<void> {
  const named = file === undefined ? [] : pluginsNamedBy(file);
  const catalog = createCatalog(await loadRegistry([...named, ...(options.plugin ?? [])]));
  if (!options.write) return console.log(JSON.stringify(pipelineSchema(catalog), null, 2));
  for (const [path, text] of Object.entries(generatedFiles(catalog))) {
    mkdirSync(dirname(join(packageRoot(), path)), { recursive: true });
    writeFileSync(join(packageRoot(), path), text);
    console.log(path);
  }
}
