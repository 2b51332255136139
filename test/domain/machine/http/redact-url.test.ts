import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SamMilError } from '../../../../domain/errors.js';
import { redactUrls } from '../../../../domain/machine/http/redact-url.js';
import { lastLine, runCommand } from '../../../../domain/machine/run-command.js';
import { encodeError } from '../../../../domain/machine/threads/wire-error.js';

test('user, password and query of every URL in a text are replaced, and nothing else', () => {
  for (const [text, expected] of [
    ['https://user:pass@host:8443/simple/', 'https://***@host:8443/simple/'],
    ['see https://token@host, or //u:p@h/x', 'see https://***@host, or //***@h/x'],
    ['http://u:p@ss@host/', 'http://***@host/'],
    ['GOPROXY=https://u:p@one,https://two,direct', 'GOPROXY=https://***@one,https://two,direct'],
    ['GET https://h/a?X-Amz-Signature=1&b=2; retrying', 'GET https://h/a?***; retrying'],
    ['https://h/@scope/name and a@b.org', 'https://h/@scope/name and a@b.org'],
    ['what? // a comment @ noon', 'what? // a comment @ noon'],
    ["fatal: 'https://u:p@h/r.git?k=v' is missing", "fatal: 'https://***@h/r.git?***' is missing"],
  ])
    assert.equal(redactUrls(text), expected);
});

test('the output of a program that becomes part of a message has no secrets', async () => {
  const program = `console.log('https://u:hunter2@h/?t=1'); console.error('at https://u:hunter2@h/?t=1')`;
  const result = await runCommand(process.execPath, ['-e', program]);
  assert.equal(result.stderr, 'at https://***@h/?***\n');
  assert.equal(lastLine({ ...result, stderr: '' }), 'https://***@h/?***');
});

test('no error brings the secrets of a URL to a terminal, log or history', () => {
  const url = 'https://u:hunter2@h/?token=s3cret';
  const facts = { file: url, found: `see ${url}`, next: url };
  const wire = JSON.stringify(encodeError(new SamMilError('Unavailable', `no ${url}`, facts)));
  assert.doesNotMatch(wire, /hunter2|s3cret/);
});
