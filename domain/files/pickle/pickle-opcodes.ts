import { fillDict, LIMITS, type PickleMachine } from './pickle-machine.js';
import {
  parseFloatLiteral,
  decodeInteger,
  parseInteger,
  parseStringLiteral,
  decodeRawUnicode,
} from './pickle-text.js';
import { PickleTuple, type PickleValue } from './pickle-values.js';

/** What an opcode does to the machine; `true` ends the program. */
type Opcode = (machine: PickleMachine) => true | void;

/** Maximum length of a whole number in bytes. The magic number of torch has 10. */
const MAX_INTEGER_BYTES = 4096;

/**
 * The opcodes of protocols 0 to 5 by byte, as documented in Python's pickletools. Extension registries and
 * out-of-band buffers are not supported.
 */
export const OPCODES: ReadonlyMap<number, Opcode> = new Map<number, Opcode>([
  // Frame, protocol, end
  [0x80, (m) => checkProtocol(m.cursor.byte())],
  [0x95, (m) => void m.cursor.take(8)],
  [code('.'), () => true],
  // Plain values
  [code('N'), (m) => m.push(null)],
  [0x88, (m) => m.push(true)],
  [0x89, (m) => m.push(false)],
  [code('I'), (m) => m.push(integerOrBoolean(m.cursor.line(LIMITS.line)))],
  [code('L'), (m) => m.push(parseInteger(m.cursor.line(LIMITS.line).replace(/L$/, '')))],
  [code('J'), (m) => m.push(m.cursor.view(4).getInt32(0, true))],
  [code('K'), (m) => m.push(m.cursor.byte())],
  [code('M'), (m) => m.push(m.cursor.view(2).getUint16(0, true))],
  [0x8a, (m) => m.push(decodeInteger(m.cursor.take(m.cursor.byte())))],
  [0x8b, (m) => m.push(decodeInteger(m.cursor.take(bounded(uint32(m), MAX_INTEGER_BYTES))))],
  [code('F'), (m) => m.push(parseFloatLiteral(m.cursor.line(LIMITS.line)))],
  [code('G'), (m) => m.push(m.cursor.view(8).getFloat64(0, false))],
  // Text and bytes
  [code('S'), (m) => m.push(parseStringLiteral(m.cursor.line(LIMITS.line)))],
  [code('T'), (m) => m.push(m.latin1(uint32(m)))],
  [code('U'), (m) => m.push(m.latin1(m.cursor.byte()))],
  [code('V'), (m) => m.push(decodeRawUnicode(m.cursor.line(LIMITS.line)))],
  [code('X'), (m) => m.push(m.text(uint32(m)))],
  [0x8c, (m) => m.push(m.text(m.cursor.byte()))],
  [0x8d, (m) => m.push(m.text(uint64(m)))],
  [code('B'), (m) => m.push(m.bytes(uint32(m)))],
  [code('C'), (m) => m.push(m.bytes(m.cursor.byte()))],
  [0x8e, (m) => m.push(m.bytes(uint64(m)))],
  [0x96, (m) => m.push(m.bytes(uint64(m)))],
  // Stack
  [code('('), (m) => m.mark()],
  [code('0'), (m) => discard(m)],
  [code('1'), (m) => void m.popToMark()],
  [code('2'), (m) => m.push(m.top())],
  // Containers
  [code(']'), (m) => m.push([])],
  [code('l'), (m) => m.push(m.popToMark())],
  [code('a'), (m) => appendOne(m)],
  [code('e'), (m) => withItems(m, (items) => m.append(items))],
  [code(')'), (m) => m.push(new PickleTuple([]))],
  [code('t'), (m) => m.push(new PickleTuple(m.popToMark()))],
  [0x85, (m) => tuple(m, 1)],
  [0x86, (m) => tuple(m, 2)],
  [0x87, (m) => tuple(m, 3)],
  [code('}'), (m) => m.push(new Map())],
  [code('d'), (m) => m.push(toDict(m.popToMark()))],
  [code('s'), (m) => insertOne(m)],
  [code('u'), (m) => withItems(m, (items) => m.insert(items))],
  [0x8f, (m) => m.push(new Set())],
  [0x90, (m) => withItems(m, (items) => m.add(items))],
  [0x91, (m) => m.push(new Set(m.popToMark()))],
  // Memo
  [code('p'), (m) => m.store(index(m.cursor.line(20)))],
  [code('q'), (m) => m.store(m.cursor.byte())],
  [code('r'), (m) => m.store(uint32(m))],
  [0x94, (m) => m.storeNext()],
  [code('g'), (m) => m.fetch(index(m.cursor.line(20)))],
  [code('h'), (m) => m.fetch(m.cursor.byte())],
  [code('j'), (m) => m.fetch(uint32(m))],
  // Classes and functions
  [code('c'), (m) => m.global(m.cursor.line(1000), m.cursor.line(1000))],
  [0x93, (m) => stackGlobal(m)],
  [code('R'), (m) => reduce(m)],
  [code('b'), (m) => m.build()],
  [code('i'), (m) => instance(m)],
  [code('o'), (m) => object(m)],
  [0x81, (m) => reduce(m)],
  [0x92, (m) => reduceWithKeywords(m)],
  [code('P'), (m) => m.persist(m.cursor.line(1000))],
  [code('Q'), (m) => m.persist(m.pop())],
]);

function code(letter: string): number {
  return letter.charCodeAt(0);
}

function uint32(m: PickleMachine): number {
  return m.cursor.view(4).getUint32(0, true);
}

function uint64(m: PickleMachine): number {
  return Number(m.cursor.view(8).getBigUint64(0, true));
}

function bounded(length: number, most: number): number {
  if (length > most) throw new RangeError(`has a whole number of ${length} bytes`);
  return length;
}

function index(line: string): number {
  if (!/^\d+$/.test(line)) throw new RangeError(`has a malformed reference "${line}"`);
  return Number(line);
}

function checkProtocol(version: number): void {
  if (version > 5) throw new RangeError(`uses protocol ${version}; protocols 0 to 5 are supported`);
}

function integerOrBoolean(line: string): PickleValue {
  if (line === '00') return false;
  if (line === '01') return true;
  return parseInteger(line);
}

/** The opcode POP removes a mark if one is on top. */
function discard(m: PickleMachine): void {
  if (m.markOnTop()) m.popToMark();
  else m.pop();
}

function withItems(m: PickleMachine, use: (items: PickleValue[]) => void): void {
  use(m.popToMark());
}

function appendOne(m: PickleMachine): void {
  const item = m.pop();
  m.append([item]);
}

function insertOne(m: PickleMachine): void {
  const value = m.pop();
  const key = m.pop();
  m.insert([key, value]);
}

function tuple(m: PickleMachine, count: number): void {
  const items = Array.from({ length: count }, () => m.pop()).reverse();
  m.push(new PickleTuple(items));
}

function toDict(pairs: PickleValue[]): Map<PickleValue, PickleValue> {
  const dict = new Map<PickleValue, PickleValue>();
  fillDict(dict, pairs);
  return dict;
}

function stackGlobal(m: PickleMachine): void {
  const name = m.pop();
  const module = m.pop();
  if (typeof name !== 'string' || typeof module !== 'string')
    throw new RangeError('names a class by a value that is not text');
  m.global(module, name);
}

function reduce(m: PickleMachine): void {
  const args = m.pop();
  m.call(m.pop(), args);
}

function reduceWithKeywords(m: PickleMachine): void {
  const keywords = m.pop();
  const args = m.pop();
  const target = m.pop();
  if (!(keywords instanceof Map) || keywords.size > 0)
    throw new RangeError('calls a class with keyword arguments');
  m.call(target, args);
}

function instance(m: PickleMachine): void {
  const args = m.popToMark();
  m.global(m.cursor.line(1000), m.cursor.line(1000));
  m.call(m.pop(), new PickleTuple(args));
}

function object(m: PickleMachine): void {
  const [target, ...args] = m.popToMark();
  m.call(target ?? null, new PickleTuple(args));
}
