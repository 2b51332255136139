import { request } from 'node:http';
import { expectStillOpen, openRun } from './support/open-run.js';
import type { Scene } from './support/scene.js';
import type { Trial } from './support/trial.js';
import { listed } from './support/work-folder.js';

/** What a page of another site can make a browser send: without a preflight, and any Host by rebinding. */
const FOREIGN = { origin: 'http://evil.example', 'content-type': 'text/plain' };
const HOSTS = ['evil.example', 'localhost'];

export const crossSite: Trial = {
  name: 'cross-site',
  title: 'a web page of another site calls every port that is open: refused everywhere',
  quick: true,
  run: async (scene: Scene) => {
    const open = await openRun(scene);
    for (const port of open.ports) {
      const accepted: string[] = [];
      for (const host of HOSTS) {
        for (const { method, path, body } of attempts(open.run)) {
          const status = await send(port, { method, path, body, host: `${host}:${port}` });
          scene.counts.requests = (scene.counts.requests ?? 0) + 1;
          // A page reads answers only where it has rebound a name of its own to this address.
          const harmless = method === 'GET' && host === 'localhost';
          if (!harmless && status >= 200 && status < 400)
            accepted.push(`${method} ${path} for ${host}: ${status}`);
        }
      }
      scene.expect(accepted.length === 0, `port ${port} refuses`, listed(accepted));
    }
    await expectStillOpen(scene, open);
  },
};

function attempts(run: string): { method: string; path: string; body?: string }[] {
  const workflows = '/api/v1/namespaces/default/workflows';
  const start = { workflowType: { name: 'pipelineRun' }, taskQueue: { name: 'sam-mil.engine' }, input: [] };
  return [
    { method: 'GET', path: '/' },
    { method: 'GET', path: workflows },
    { method: 'POST', path: `${workflows}/evil`, body: JSON.stringify(start) },
    { method: 'POST', path: `${workflows}/${run}/terminate`, body: '{"reason":"evil"}' },
  ];
}

/** The status of the answer, or 0 if there is none. */
function send(
  port: number,
  { method, path, body, host }: { method: string; path: string; body?: string; host: string },
): Promise<number> {
  return new Promise((done) => {
    const headers = { ...FOREIGN, host };
    const call = request({ host: '127.0.0.1', port, method, path, headers, timeout: 3000 }, (response) => {
      response.resume();
      done(response.statusCode ?? 0);
    });
    call.on('error', () => done(0)).on('timeout', () => call.destroy());
    call.end(body);
  });
}
