import type { TestContext } from 'node:test';

/** Sets environment variables of this process until the test ends; undefined removes one. */
export function setVariables(
  context: TestContext,
  values: Readonly<Record<string, string | undefined>>,
): void {
  const kept = Object.keys(values).map((name) => [name, process.env[name]] as const);
  const set = (name: string, value: string | undefined) => {
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  };
  for (const [name, value] of Object.entries(values)) set(name, value);
  context.after(() => kept.forEach(([name, value]) => set(name, value)));
}
