import { statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { SamMilError } from '../../errors.js';
import type { JsonObject } from '../../json.js';
import { findOutline, isFolder, listOutlines, type OutlineFolder } from './outline-file.js';
import { parseAnnotation, withoutArea } from './read-annotation.js';
import { countUp, type Region } from './region.js';
import { selectRegions, type Purpose } from './select-regions.js';

/** Before a run, files up to this size together are read; the rest only when their slides are. */
const MOST_BYTES = 512 << 20;

/** A parameter with a file or a folder of outlines, and the parameters with the classes that count. */
export interface OutlineParameter {
  name: string;
  purpose: Purpose;
  /** Parameters that name classes; the first that is given applies. */
  classes: readonly string[];
  excludeClasses?: string;
}

interface Item {
  key: string;
  step: { with: JsonObject; unknown: ReadonlySet<string> };
}

interface Findings {
  found: string[];
  warnings: string[];
  unknown: string[];
  faults: { keys: string[]; error: SamMilError }[];
}

/**
 * Checks the outlines of all slides of a stage before the run: every file can be read, a folder has files of
 * these slides, and each class that is named is in at least one file.
 */
export function checkOutlines(
  items: readonly Item[],
  all: boolean,
  parameters: readonly OutlineParameter[],
): Findings {
  const findings: Findings = { found: [], warnings: [], unknown: [], faults: [] };
  const read = new ReadOnce();
  const classes = new NamedClasses();
  for (const parameter of parameters) {
    const given = items.filter(({ step }) => typeof step.with[parameter.name] === 'string');
    const shared = { findings, read, classes, all };
    if (given.length > 0) new ParameterCheck(parameter, shared).check(given, items.length);
  }
  const complete = findings.faults.length === 0 && findings.unknown.length === 0;
  if (all && complete) classes.refuseUnmatched();
  return findings;
}

/** The classes that parameters name, and those that the files have. */
class NamedClasses {
  private readonly present: Record<string, number> = {};
  private readonly looked = new Set<readonly Region[]>();
  /** Names that no region has yet, by parameter. */
  private readonly unmatched = new Map<string, Set<string>>();

  add(regions: readonly Region[]): void {
    if (this.looked.has(regions)) return;
    this.looked.add(regions);
    for (const { group = 'without class' } of regions) countUp(this.present, group);
  }

  match(parameter: string, names: readonly string[], regions: readonly Region[]): void {
    const open = this.unmatched.get(parameter) ?? new Set(names);
    this.unmatched.set(parameter, open);
    // No exclusion may hide a region that has the name.
    const plain = open.size === 0 ? [] : regions.map((region) => ({ ...region, excluded: false }));
    for (const name of open) {
      const { counted } = selectRegions(plain, { classes: [name], excludeClasses: [] }, 'area');
      if (Object.keys(counted).length > 0) open.delete(name);
    }
  }

  /** @throws SamMilError InvalidInput for names that no file has */
  refuseUnmatched(): void {
    for (const [parameter, open] of this.unmatched) {
      if (open.size === 0) continue;
      throw new SamMilError('InvalidInput', `\`${parameter}\` names classes that no file has`, {
        expected: `classes that the files have: ${list(this.present)}`,
        found: [...open].join(', '),
        next: `correct \`${parameter}\`, or the classes in the files`,
      });
    }
  }
}

interface Shared {
  findings: Findings;
  read: ReadOnce;
  classes: NamedClasses;
  all: boolean;
}

class ParameterCheck {
  private readonly parameter: OutlineParameter;
  private readonly shared: Shared;
  private readonly folders = new Map<string, { outlines: OutlineFolder; used: Set<string> }>();
  private readonly counted: Record<string, number> = {};
  private files = 0;
  private complete = true;

  constructor(parameter: OutlineParameter, shared: Shared) {
    this.parameter = parameter;
    this.shared = shared;
  }

  check(items: readonly Item[], total: number): void {
    for (const item of items) this.item(item);
    const { all, findings } = this.shared;
    const { found, warnings, unknown, faults } = findings;
    const { name } = this.parameter;
    for (const [folder, { outlines, used }] of this.folders) {
      const files = [...outlines.values()].flat();
      if (used.size === 0 && all && files.length > 0) {
        faults.push({
          keys: items.map(({ key }) => key),
          error: noneNamed(name, folder, files, items[0].key),
        });
      }
      const others = files.filter((file) => !used.has(file));
      if (used.size > 0 && all && others.length > 0)
        warnings.push(
          `${name}: ${others.length} files of ${basename(folder)} are of no slide: ${few(others)}`,
        );
    }
    if (this.files > 0)
      found.push(`${name}: outlines of ${this.files} of ${total} slides; counted: ${list(this.counted)}`);
    if (!this.complete) unknown.push(`${name}: the larger files with outlines are read only when needed`);
  }

  private item(item: Item): void {
    const { key, step } = item;
    try {
      const file = this.fileOf(item);
      if (file === undefined) return;
      this.files += 1;
      const read = this.shared.read.file(file);
      if (read === undefined) this.complete = false;
      else this.count(read.regions, step.with);
      if (read?.withoutArea !== undefined)
        this.shared.findings.warnings.push(
          `${this.parameter.name}: nothing in ${basename(file)} encloses an area (${read.withoutArea}); "${key}" will fail`,
        );
    } catch (error) {
      if (!(error instanceof SamMilError)) throw error;
      this.shared.findings.faults.push({ keys: [key], error });
    }
  }

  private fileOf({ key, step }: Item): string | undefined {
    const path = step.with[this.parameter.name] as string;
    if (!isFolder(path)) return path;
    const folder = this.folders.get(path) ?? { outlines: listOutlines(path), used: new Set<string>() };
    this.folders.set(path, folder);
    const slide = typeof step.with.slide === 'string' ? step.with.slide : undefined;
    const file = findOutline(path, folder.outlines, key, slide);
    if (file === undefined) return undefined;
    folder.used.add(file);
    return join(path, file);
  }

  private count(regions: readonly Region[], given: JsonObject): void {
    const { classes: names, excludeClasses, purpose } = this.parameter;
    const classesName = names.find((name) => Array.isArray(given[name]));
    const [classes, excluded] = [listOf(given, classesName), listOf(given, excludeClasses)];
    const { counted } = selectRegions(regions, { classes, excludeClasses: excluded }, purpose);
    for (const [group, count] of Object.entries(counted)) addTo(this.counted, group, count);
    const named = this.shared.classes;
    named.add(regions);
    if (classesName !== undefined) named.match(classesName, classes ?? [], regions);
    if (excludeClasses !== undefined) named.match(excludeClasses, excluded ?? [], regions);
  }
}

/** What of a file is needed. */
interface ReadFile {
  regions: readonly Region[];
  /** What it contains if nothing in it encloses an area. */
  withoutArea?: string;
}

/** Reads each file once, as long as they are not too large together. */
class ReadOnce {
  private readonly known = new Map<string, ReadFile | undefined>();
  private bytes = 0;

  /** Undefined if the file is left unread. @throws SamMilError as `readAnnotation` */
  file(path: string): ReadFile | undefined {
    if (this.known.has(path)) return this.known.get(path);
    this.bytes += statSync(path, { throwIfNoEntry: false })?.size ?? 0;
    const file = this.bytes > MOST_BYTES ? undefined : readFile(path);
    this.known.set(path, file);
    return file;
  }
}

function readFile(path: string): ReadFile {
  const annotation = parseAnnotation(path, [0, 0]);
  return { regions: annotation.regions.map(withoutRings), withoutArea: withoutArea(annotation) };
}

/** Only the classes are needed, and the outlines of a cohort are large. */
function withoutRings(region: Region): Region {
  return { ...region, rings: [] };
}

function listOf(given: JsonObject, parameter: string | undefined): string[] | undefined {
  const value = parameter === undefined ? undefined : given[parameter];
  return Array.isArray(value) ? value.map(String) : undefined;
}

function addTo(counts: Record<string, number>, name: string, count: number): void {
  counts[name] = (Object.hasOwn(counts, name) ? counts[name] : 0) + count;
}

/** `Tumor 12, Stroma 3` */
export function list(counts: Readonly<Record<string, number>>): string {
  const sorted = Object.entries(counts).sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1));
  return sorted.length === 0 ? 'none' : few(sorted.map(([name, count]) => `${name} ${count}`));
}

function few(texts: readonly string[]): string {
  const shown = texts.slice(0, 8).join(', ');
  return texts.length > 8 ? `${shown} and ${texts.length - 8} more` : shown;
}

function noneNamed(parameter: string, folder: string, files: readonly string[], key: string): SamMilError {
  return new SamMilError('InvalidInput', `\`${parameter}\`: no file of the folder is named after a slide`, {
    file: folder,
    expected: `files such as ${key}.geojson`,
    found: few(files),
  });
}
