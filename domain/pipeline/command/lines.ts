import { StringDecoder } from 'node:string_decoder';

/** Longest line that is kept, in characters. */
export const LONGEST_LINE = 2000;

/**
 * Splits the output of a program into lines, in constant memory: of a longer line only the start is kept. Of
 * a line that the program redraws with carriage returns, as a progress bar does, the last state counts.
 * Bytes that are not UTF-8 and control characters are replaced, because logs are shown in terminals.
 */
export class LineSplitter {
  private readonly decoder = new StringDecoder('utf8');
  private readonly onLine: (line: string) => void;
  private line = '';
  private cut = false;
  /** A carriage return was read; it ends the line only if no line feed follows. */
  private returned = false;

  constructor(onLine: (line: string) => void) {
    this.onLine = onLine;
  }

  /** The incomplete last line. */
  get rest(): string {
    return clean(this.line);
  }

  write(chunk: Buffer): void {
    this.add(this.decoder.write(chunk));
  }

  /** Passes on a last line without a line feed. */
  end(): void {
    this.add(this.decoder.end());
    if (this.line !== '') this.flush();
  }

  private add(text: string): void {
    for (const part of text.split(/(\r|\n)/)) {
      if (part === '') continue;
      if (part === '\n') this.flush();
      else if (part === '\r') this.returned = true;
      else this.append(part);
    }
  }

  private append(text: string): void {
    if (this.returned) this.clear();
    const room = LONGEST_LINE - this.line.length;
    this.line += text.slice(0, room);
    if (text.length > room) this.cut = true;
  }

  private flush(): void {
    this.onLine(`${clean(this.line)}${this.cut ? ' [line cut]' : ''}`);
    this.clear();
  }

  private clear(): void {
    this.line = '';
    this.cut = false;
    this.returned = false;
  }
}

const CONTROL = new RegExp('[\\u0000-\\u0008\\u000b-\\u001f\\u007f-\\u009f]', 'g');
/** Colors and cursor movements. */
const SEQUENCE = new RegExp('\\u001b(?:\\[[0-9;?]*[ -/]*[@-~]|\\][^\\u0007]*\\u0007?)', 'g');

function clean(line: string): string {
  return line.replace(SEQUENCE, '').replace(CONTROL, '\ufffd');
}
