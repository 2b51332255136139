import { InvalidPipelineError, runPipeline, type Problem, validatePipeline } from 'sam-mil';

/** Checks a file without running it. */
for (const problem of await validatePipeline('mistaken.yaml')) console.log(lineOf('mistaken.yaml', problem));

/** A file with errors is not run. */
try {
  await runPipeline('mistaken.yaml');
} catch (error) {
  if (!(error instanceof InvalidPipelineError)) throw error;
  const errors = error.problems.filter(({ severity }) => severity === 'error');
  console.log(`mistaken.yaml is not run: ${errors.length} errors`);
}

/** Runs a file to its end, on the embedded server and a worker beside this program. */
const status = await runPipeline('study.yaml', {
  set: { folds: '4' },
  onLine: (line) => console.error(line),
});
console.log(`${status.run} is ${status.state}`);
for (const { name, done, total } of status.stages) console.log(`${name}: ${done} of ${total} items`);
if (status.state !== 'done') process.exitCode = 1;

function lineOf(file: string, { place, severity, code, message, hint }: Problem): string {
  const advice = hint === undefined ? '' : ` (${hint})`;
  return `${file}:${place.line}:${place.column} ${severity} ${code}: ${message}${advice}`;
}
