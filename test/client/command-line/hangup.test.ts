import assert from 'node:assert/strict';
import { test } from 'node:test';
import { outlivesTerminal } from '../../../client/command-line/hangup.js';

const terminals = [true, true, true];

test('a command ends with its terminal', () => {
  assert.equal(
    outlivesTerminal({ terminals, startedAs: '/usr/bin/node', parent: 'SigIgn:\t0000000000384004\n' }),
    false,
  );
  assert.equal(outlivesTerminal({ terminals: [true, false, false] }), false, 'output in a file');
  assert.equal(outlivesTerminal({ terminals: [false, true, true] }), false, 'input from a pipe');
});

test('a command outlives its terminal under nohup, in a shell that ignores SIGHUP, and without a terminal', () => {
  assert.equal(outlivesTerminal({ terminals, startedAs: '/usr/bin/nohup' }), true);
  assert.equal(outlivesTerminal({ terminals, parent: 'Name:\tsh\nSigIgn:\t0000000000000001\n' }), true);
  assert.equal(outlivesTerminal({ terminals: [false, false, false] }), true);
});
