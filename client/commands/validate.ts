import { Command } from 'commander';
import { paletteFor } from '../display/display.js';
import { EXIT, Exit } from '../command-line/errors.js';
import { addFileOptions, addPluginOption } from '../command-line/options.js';
import { countText, problemsText } from '../display/problems.js';
import { loadFile, type FileOptions, type LoadedFile } from '../run/load-file.js';
import { hasErrors } from '../../domain/engine/language/problems/problems.js';
import { plural } from '../display/render-text.js';
import { wrapText } from '../display/word-wrap.js';

interface ValidateOptions extends FileOptions {
  json?: boolean;
}

export function createCommand(): Command {
  const command = new Command('validate')
    .description('Check pipeline files and report every mistake with its place and how to fix it')
    .argument('<files...>', 'pipeline files')
    .option('--json', 'print one JSON object per line: each problem, then a summary for each file');
  return addPluginOption(addFileOptions(command)).action(validate);
}

async function validate(files: string[], options: ValidateOptions): Promise<void> {
  let invalid = false;
  for (const file of files) {
    const loaded = await loadFile(file, options, true);
    if (options.json) printJson(loaded);
    else printText(loaded);
    invalid ||= hasErrors(loaded.problems);
  }
  if (invalid) throw new Exit(EXIT.invalid);
}

function printText(loaded: LoadedFile): void {
  const { problems, file, document } = loaded;
  if (problems.length > 0)
    console.log(`${wrapText(problemsText(loaded, paletteFor(process.stdout)), process.stdout)}\n`);
  const valid = hasErrors(problems) ? 'not valid' : 'valid';
  const stages = document === undefined ? '' : `, ${plural(document.stages.length, 'stage')}`;
  console.log(`${file}: ${valid}${stages}, ${countText(problems)}`);
}

function printJson({ problems, file }: LoadedFile): void {
  for (const { place, ...problem } of problems) console.log(JSON.stringify({ file, ...place, ...problem }));
  const errors = problems.filter((problem) => problem.severity === 'error').length;
  const warnings = problems.length - errors;
  console.log(JSON.stringify({ file, valid: errors === 0, errors, warnings }));
}
