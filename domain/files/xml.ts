import { SaxesParser } from 'saxes';

/** A start tag, with its name and attributes without namespace prefixes. */
export interface XmlElement {
  name: string;
  attributes: Readonly<Record<string, string>>;
  /** Line in the text, from 1. */
  line: number;
}

export interface XmlVisitor {
  open: (element: XmlElement, parents: readonly XmlElement[]) => void;
  close?: (element: XmlElement, parents: readonly XmlElement[]) => void;
}

/** More levels than any annotation or image description has. */
const MOST_DEPTH = 256;

/** The parser gets the text in pieces, so that an early error ends the work. */
const PIECE = 1 << 16;

/** What is wrong with a text that is not well-formed XML, and where. */
export class XmlFault extends Error {
  readonly line: number;

  constructor(message: string, line: number) {
    super(message);
    this.name = 'XmlFault';
    this.line = line;
  }
}

/**
 * Visits the elements of an XML text in order. External entities are never loaded.
 * @throws XmlFault if the text is not well-formed; what a visitor throws
 */
export function visitXml(text: string, { open, close }: XmlVisitor): void {
  const parser = new SaxesParser({ position: true });
  const parents: XmlElement[] = [];
  parser.on('error', ({ message }) => {
    throw new XmlFault(message.replace(/^\d+:\d+: /, ''), parser.line);
  });
  parser.on('opentag', ({ name, attributes }) => {
    const plain = Object.entries(attributes).map(([key, value]) => [localName(key), value] as const);
    const element = { name: localName(name), attributes: Object.fromEntries(plain), line: parser.line };
    if (parents.length === MOST_DEPTH) {
      throw new XmlFault(`elements are nested more than ${MOST_DEPTH} deep`, parser.line);
    }
    open(element, parents);
    parents.push(element);
  });
  parser.on('closetag', () => {
    const element = parents.pop();
    if (element !== undefined) close?.(element, parents);
  });
  for (let at = 0; at < text.length; at += PIECE) parser.write(text.slice(at, at + PIECE));
  parser.close();
}

function localName(name: string): string {
  return name.slice(name.indexOf(':') + 1);
}
