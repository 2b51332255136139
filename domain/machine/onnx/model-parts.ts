import {
  ATTRIBUTE,
  ELEMENT_TYPES,
  encodeModel,
  GRAPH,
  MODEL,
  NODE,
  type OnnxElement,
  TENSOR,
  VALUE,
} from './onnx-graph.js';
import { protoFields, ProtoWriter } from './protobuf.js';

/** A model of {@link OnnxGraph}, taken apart to be changed. */
export interface ModelParts {
  name: string;
  nodes: ModelNode[];
  tensors: ModelTensor[];
  /** Encoded descriptions. */
  inputs: Uint8Array[];
  outputs: Uint8Array[];
}

export interface ModelNode {
  op: string;
  /** Empty for ONNX's own operators. */
  domain: string;
  inputs: string[];
  outputs: string[];
  /** Encoded. */
  attributes: readonly Uint8Array[];
}

/** A constant or weight. */
export interface ModelTensor {
  name: string;
  /** Encoded. */
  dims: Uint8Array;
  dtype: OnnxElement;
  data: Uint8Array | ExternalData;
}

/** Values in a file of the folder that the session reads weights from. */
export interface ExternalData {
  location: string;
  offset: number;
  length: number;
}

export function isExternal(data: Uint8Array | ExternalData): data is ExternalData {
  return !(data instanceof Uint8Array);
}

/** Takes a model of {@link OnnxGraph} apart. */
export function takeApart(model: Uint8Array): ModelParts {
  const [graph] = members(model, MODEL.graph);
  return {
    name: textOf(graph, GRAPH.name),
    nodes: members(graph, GRAPH.node).map((node) => ({
      op: textOf(node, NODE.opType),
      domain: textOf(node, NODE.domain),
      inputs: members(node, NODE.input).map(decodeText),
      outputs: members(node, NODE.output).map(decodeText),
      attributes: members(node, NODE.attribute),
    })),
    tensors: members(graph, GRAPH.initializer).map(readTensor),
    inputs: members(graph, GRAPH.input),
    outputs: members(graph, GRAPH.output),
  };
}

/** The opposite of {@link takeApart}. */
export function putTogether({ name, nodes, tensors, inputs, outputs }: ModelParts): Uint8Array {
  const parts = {
    nodes: nodes.map(encodeNode),
    initializers: tensors.map(encodeTensor),
    inputs: inputs.map(encoded),
    outputs: outputs.map(encoded),
  };
  return encodeModel(
    name,
    parts,
    nodes.some(({ domain }) => domain !== ''),
  );
}

/** Name of an input or output from its description. */
export function valueName(description: Uint8Array): string {
  return textOf(description, VALUE.name);
}

/** Returns a Cast. */
export function castNode(input: string, output: string, to: OnnxElement): ModelNode {
  const attribute = new ProtoWriter()
    .text(ATTRIBUTE.name, 'to')
    .integer(ATTRIBUTE.integer, ELEMENT_TYPES[to])
    .integer(ATTRIBUTE.type, 2);
  return { op: 'Cast', domain: '', inputs: [input], outputs: [output], attributes: [attribute.finish()] };
}

/** Element type that a Cast returns; undefined for one that {@link ELEMENT_TYPES} lacks. */
export function castTarget({ attributes }: ModelNode): OnnxElement | undefined {
  return elementOf(numberOf(attributes[0], ATTRIBUTE.integer));
}

function readTensor(tensor: Uint8Array): ModelTensor {
  const name = textOf(tensor, TENSOR.name);
  const dtype = elementOf(numberOf(tensor, TENSOR.type));
  if (dtype === undefined) throw new RangeError(`tensor ${name} has an unknown element type`);
  const [dims = new Uint8Array()] = members(tensor, TENSOR.dims);
  const [raw] = members(tensor, TENSOR.raw);
  if (raw !== undefined) return { name, dims, dtype, data: raw };
  const entries = members(tensor, TENSOR.externalData).map(
    (entry) => [textOf(entry, 1), textOf(entry, 2)] as const,
  );
  const facts = new Map(entries);
  const [offset, length] = [Number(facts.get('offset')), Number(facts.get('length'))];
  return { name, dims, dtype, data: { location: facts.get('location') ?? '', offset, length } };
}

function encodeTensor({ name, dims, dtype, data }: ModelTensor): ProtoWriter {
  const tensor = new ProtoWriter()
    .bytes(TENSOR.dims, dims)
    .integer(TENSOR.type, ELEMENT_TYPES[dtype])
    .text(TENSOR.name, name);
  if (!isExternal(data)) return tensor.bytes(TENSOR.raw, data);
  for (const [key, value] of Object.entries(data))
    tensor.message(TENSOR.externalData, new ProtoWriter().text(1, key).text(2, String(value)));
  return tensor.integer(TENSOR.location, 1);
}

function encodeNode({ op, domain, inputs, outputs, attributes }: ModelNode): ProtoWriter {
  const node = new ProtoWriter();
  for (const input of inputs) node.text(NODE.input, input);
  for (const output of outputs) node.text(NODE.output, output);
  node.text(NODE.name, `${op}:${outputs[0]}`).text(NODE.opType, op);
  if (domain !== '') node.text(NODE.domain, domain);
  for (const attribute of attributes) node.bytes(NODE.attribute, attribute);
  return node;
}

/** A message that is already encoded. */
function encoded(message: Uint8Array): ProtoWriter {
  return new ProtoWriter().raw(message);
}

function elementOf(type: number): OnnxElement | undefined {
  return (Object.keys(ELEMENT_TYPES) as OnnxElement[]).find((name) => ELEMENT_TYPES[name] === type);
}

function members(message: Uint8Array, field: number): Uint8Array[] {
  const found: Uint8Array[] = [];
  for (const one of protoFields(message)) {
    if (one.field === field && typeof one.value !== 'number') found.push(one.value);
  }
  return found;
}

function numberOf(message: Uint8Array, field: number): number {
  for (const one of protoFields(message)) {
    if (one.field === field && typeof one.value === 'number') return one.value;
  }
  return 0;
}

function textOf(message: Uint8Array, field: number): string {
  return members(message, field).map(decodeText)[0] ?? '';
}

function decodeText(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('utf8');
}
