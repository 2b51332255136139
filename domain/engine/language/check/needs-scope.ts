import { suggest } from '../expressions/did-you-mean.js';
import type { StageDocument } from '../read/document.js';
import type { StageCells } from '../read/stage-cells.js';
import type { Position, ReferencePath } from './reference-path.js';
import { UNKNOWN, type PipelineTypes, type ValueType } from './value-types.js';

const NEED_FIELDS = ['items', 'outputs', 'cells', 'result'];

/** Resolves what a stage's expressions refer to below `needs`. */
export class NeedsScope {
  private readonly stage: StageDocument;
  private readonly types: PipelineTypes;
  /** Stages that this one refers to without listing them in `needs`, with the line of the first reference. */
  readonly missing = new Map<string, number>();

  constructor(stage: StageDocument, types: PipelineTypes) {
    this.stage = stage;
    this.types = types;
  }

  resolve(path: ReferencePath, position: Position): ValueType | undefined {
    const name = path.at(0);
    if (name === undefined) return UNKNOWN;
    const listedNeeds = this.stage.needs.map((need) => need.name);
    const stage = this.types.stages.get(name);
    if (stage === undefined) {
      const others = [...this.types.stages.keys()].filter((other) => other !== this.stage.name);
      const hint = suggest(name, others, 'stages');
      return path.unknown('stage', 1, `stage \`${name}\` does not exist`, hint);
    }
    if (!listedNeeds.includes(name) && !this.missing.has(name)) this.missing.set(name, path.place(1).line);
    const cells = this.types.stageCells(stage);
    if (cells && !this.follows(stage)) return this.needCell(path, stage, cells);
    switch (path.at(1)) {
      case 'items':
        return path.length > 2
          ? path.onlyFields(2, `needs.${name}.items`, [])
          : { kind: 'items', stage: name };
      case 'outputs':
        return this.needOutputs(path, stage, position);
      case 'cells':
        return this.needCells(path, stage);
      case 'result':
        return { kind: 'output', schema: { type: 'string', enum: ['success', 'failure', 'skipped'] } };
      default:
        return path.onlyFields(1, `needs.${name}`, NEED_FIELDS, this.types.stageOutputs(stage));
    }
  }

  /** Whether this stage takes its items, and their cells, from the other one. */
  private follows(stage: StageDocument): boolean {
    const { source } = this.stage;
    return source.kind === 'from' && source.stage.name === stage.name;
  }

  /** Resolves `needs.STAGE.cells['KEY'].items` for a stage that has items in each cell. */
  private needCell(
    path: ReferencePath,
    { name }: StageDocument,
    { cells }: StageCells,
  ): ValueType | undefined {
    const example = `needs.${name}.cells['${cells?.[0].key ?? 'KEY'}'].items`;
    if (path.at(1) !== 'cells') {
      const message = `stage \`${name}\` has items in each cell of its matrix`;
      return path.fail(
        'many-items',
        2,
        message,
        `use ${example}, or needs.${name}.cells[matrix].items for the cell with the same values`,
      );
    }
    const key = path.at(2);
    if (key === undefined) return path.open ? UNKNOWN : path.onlyFields(2, `needs.${name}.cells`, []);
    if (cells && !cells.some((cell) => cell.key === key)) {
      const keys = cells.map((cell) => cell.key);
      return path.fail(
        'unknown-cell',
        3,
        `stage \`${name}\` has no cell \`${key}\``,
        suggest(key, keys, 'cells'),
      );
    }
    if (path.at(3) === 'result') return UNKNOWN;
    if (path.at(3) === 'items' && path.length === 4) return { kind: 'items', stage: name };
    return path.onlyFields(3, `needs.${name}.cells['${key}']`, ['items', 'result']);
  }

  private needOutputs(path: ReferencePath, stage: StageDocument, position: Position): ValueType | undefined {
    const aligned = position.kind !== 'stage' && this.follows(stage);
    if (stage.source.kind !== 'single' && !aligned) {
      const message = `stage \`${stage.name}\` has many items, so its outputs exist only per item`;
      return path.fail('many-items', 2, message, this.manyItemsHint(stage));
    }
    return path.output(2, this.types.stageOutputs(stage), `stage \`${stage.name}\``);
  }

  private manyItemsHint(stage: StageDocument): string {
    const cells = this.types.cellKeys(stage);
    if (cells === undefined) {
      return `use needs.${stage.name}.items for all items, or foreach: { from: ${stage.name} } to process them one by one`;
    }
    const one = `needs.${stage.name}.cells['${cells[0]}'] for one item`;
    return `use needs.${stage.name}.items for all items, ${one}, or matrix: { from: ${stage.name} } to process them one by one`;
  }

  private needCells(path: ReferencePath, stage: StageDocument): ValueType | undefined {
    if (this.types.origin(stage)?.source.kind === 'matrix') {
      const keys = this.types.cellKeys(stage);
      const key = path.at(2);
      if (key !== undefined && keys && !keys.includes(key)) {
        const message = `stage \`${stage.name}\` has no cell \`${key}\``;
        return path.fail('unknown-cell', 3, message, suggest(key, keys, 'cells'));
      }
      return path.output(3, this.types.stageOutputs(stage), `stage \`${stage.name}\``);
    }
    const message = `stage \`${stage.name}\` has no matrix, so it has no cells`;
    const field = stage.source.kind === 'single' ? 'outputs' : 'items';
    return path.fail('unknown-name', 2, message, `use needs.${stage.name}.${field}`);
  }
}
