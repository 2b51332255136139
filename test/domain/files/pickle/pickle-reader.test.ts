import assert from 'node:assert/strict';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { withFileBytes } from '../../../../domain/files/file-bytes.js';
import { unpickle } from '../../../../domain/files/pickle/pickle-reader.js';
import { PickleTuple, type PickleValue } from '../../../../domain/files/pickle/pickle-values.js';
import { expectError } from '../../../support/expect-error.js';
import { scratchFolder } from '../../../support/scratch-folder.js';

const folder = scratchFolder();
const path = join(folder, 'program.pkl');

function load(program: string | Buffer): PickleValue {
  writeFileSync(path, typeof program === 'string' ? Buffer.from(program, 'latin1') : program);
  return withFileBytes(path, (file) => unpickle(file).value);
}

describe('values', () => {
  const programs: [name: string, program: string, value: PickleValue][] = [
    ['none', 'N.', null],
    ['booleans of protocol 0', '(I01\nI00\nl.', [true, false]],
    ['booleans of protocol 2', '(\x88\x89l.', [true, false]],
    ['text numbers', '(I-5\nL123L\nF-1.5\nFinf\nl.', [-5, 123, -1.5, Infinity]],
    ['small whole numbers', '(K\xffM\xff\xffJ\xff\xff\xff\xffl.', [255, 65535, -1]],
    [
      'long whole numbers',
      '(\x8a\x00\x8a\x01\xfe\x8a\x09\x00\x00\x00\x00\x00\x00\x00\x00\x01l.',
      [0, -2, 2n ** 64n],
    ],
    ['floats', 'G?\xf8\x00\x00\x00\x00\x00\x00.', 1.5],
    ['Python 2 strings', "(S'a\\n\\x41\\''\nU\x02hiT\x01\x00\x00\x00xl.", ["a\nA'", 'hi', 'x']],
    ['text', '(V\\u00e4b\nX\x02\x00\x00\x00\xc3\xa4\x8c\x01zl.', ['äb', 'ä', 'z']],
    ['sets', '\x8f(K\x01K\x01K\x02\x90.', new Set([1, 2])],
    [
      'dicts',
      '}(K\x01K\x02K\x03K\x04u.',
      new Map([
        [1, 2],
        [3, 4],
      ]),
    ],
    ['memo', ']q\x00h\x00a0(K\x07q\x05h\x05l.', [7, 7]],
    ['ordered dicts', 'ccollections\nOrderedDict\n)R(K\x01K\x02u.', new Map([[1, 2]])],
  ];
  for (const [name, program, value] of programs) {
    test(name, () => assert.deepEqual(load(program), value));
  }

  test('empty containers are read', () => {
    assert.deepEqual(load('(]}\x8fl.'), [[], new Map(), new Set()]);
  });

  test('tuples are read, also as keys', () => {
    const value = load('}K\x01K\x02\x86K\x09s.') as Map<PickleValue, PickleValue>;
    assert.deepEqual([...value], [[new PickleTuple([1, 2]), 9]]);
    assert.deepEqual(load('(K\x01K\x02K\x03t.'), new PickleTuple([1, 2, 3]));
    assert.deepEqual(load('K\x01K\x02K\x03\x87.'), new PickleTuple([1, 2, 3]));
    assert.deepEqual(load(').'), new PickleTuple([]));
  });
});

describe('hostile programs', () => {
  const bait = join(folder, 'executed');
  const calls: [name: string, program: string][] = [
    ['os.system', `cos\nsystem\n(S'touch ${bait}'\ntR.`],
    ['posix.system', `cposix\nsystem\n(S'touch ${bait}'\ntR.`],
    ['builtins.eval', `cbuiltins\neval\n(S'open("${bait}", "w")'\ntR.`],
    ['builtins.exec', `\x80\x04\x8c\x08builtins\x8c\x04exec\x93(S'1'\ntR.`],
    ['builtins.getattr', `c__builtin__\ngetattr\n(cos\nsystem\ntR.`],
    ['subprocess.Popen', `(S'touch ${bait}'\nisubprocess\nPopen\n.`],
    ['os.system', `(cos\nsystem\nS'touch ${bait}'\no.`],
    ['numpy.core.multiarray.fromfile', 'cnumpy.core.multiarray\nfromfile\n(tR.'],
    ['numpy.load', "cnumpy\nload\n(S'x'\ntR."],
    ['torch.storage._load_from_bytes', "ctorch.storage\n_load_from_bytes\n(S'x'\ntR."],
    ['copy_reg._reconstructor', 'ccopy_reg\n_reconstructor\n(tR.'],
    ['collections.__proto__', 'ccollections\n__proto__\n(tR.'],
    ['.constructor', 'c\nconstructor\n(tR.'],
  ];
  for (const [name, program] of calls) {
    test(`${name} is rejected by name`, () => {
      expectError('InvalidInput', [path, `"${name}"`, 'not allowed', 'no code was executed'], () =>
        load(program),
      );
      assert.equal(existsSync(bait), false);
    });
  }

  const malformed: [name: string, program: string, words: string][] = [
    ['an unknown opcode', '\xff', '0xff'],
    ['extension registry', '\x82\x01.', '0x82'],
    ['out-of-band buffers', '\x97.', '0x97'],
    ['a later protocol', '\x80\x06N.', 'protocol 6'],
    ['an empty stack', '.', 'not on the stack'],
    ['an unbalanced mark', 'l.', 'never started'],
    ['taking a value below a mark', 'N(0a.', 'not on the stack'],
    ['an unknown reference', 'h\x05.', 'value 5'],
    ['appending to a dict', '}K\x01a.', 'not a list'],
    ['a key without value', '}(K\x01u.', 'key without a value'],
    ['calling a number', 'K\x01)R.', 'not a class or function'],
    ['arguments that are not a tuple', 'ccollections\nOrderedDict\nK\x01R.', 'without a list of arguments'],
    ['state of a plain value', 'K\x01}b.', 'state of a plain value'],
    ['data outside itself', 'K\x01Q.', 'outside itself'],
    ['a text longer than the file', 'X\xff\xff\xff\x0fab.', 'ends unexpectedly'],
    ['bytes longer than the file', '\x8e\xff\xff\xff\xff\xff\xff\xff\x7fab.', 'ends unexpectedly'],
    ['a gigantic text', 'X\xff\xff\xff\xff.', 'text of 4294967295 bytes'],
    ['a gigantic whole number', '\x8b\xff\xff\xff\x7f.', 'whole number'],
    ['a malformed number', 'I12x\n.', '12x'],
    ['a malformed float', 'F1.x\n.', '1.x'],
    ['no end', 'N', 'ends unexpectedly'],
    ['nothing', '', 'ends unexpectedly'],
    ['endless nesting', '('.repeat(5000) + 't'.repeat(5000) + '.', 'nested deeper'],
    [
      'an object array',
      'cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(K\x00tU\x01btR(K\x01(K\x01tcnumpy\ndtype\n(U\x02O8K\x00K\x01tR(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK?tb\x89]Natb.',
      'O8',
    ],
    [
      'encoding by another codec',
      'c_codecs\nencode\n(X\x01\x00\x00\x00aX\x03\x00\x00\x00ziptR.',
      'other than latin1',
    ],
    ['keyword arguments', 'ccollections\nOrderedDict\n)}(K\x01K\x02u\x92.', 'keyword'],
  ];
  for (const [name, program, words] of malformed) {
    test(`${name} is rejected`, () =>
      expectError('InvalidInput', [path, words, /byte \d+/], () => load(program)));
  }

  test('truncated and corrupted pickles result only in a SamMilError or a value', () => {
    const program = Buffer.from(
      '\x80\x02}q\x00(U\x01aq\x01]q\x02(K\x01G?\xf8\x00\x00\x00\x00\x00\x00eU\x01bccollections\nOrderedDict\n)RU\x01c(K\x01K\x02tu.',
      'latin1',
    );
    for (let at = 0; at < program.length; at++) {
      for (const byte of [0x00, 0x28, 0x52, 0x62, 0x74, 0x80, 0xff]) {
        const damaged = Buffer.from(program);
        damaged[at] = byte;
        try {
          load(damaged);
        } catch (error) {
          assert.equal((error as Error).name, 'InvalidInput', `byte ${at} = ${byte}: ${String(error)}`);
        }
      }
      assert.throws(() => load(program.subarray(0, at)), { name: 'InvalidInput' });
    }
  });
});
