/**
 * Selects the proxy for a URL by the rules of curl: `https_proxy` or `http_proxy` by the URL's scheme, else
 * `all_proxy`. `no_proxy` lists hosts that are reached directly, including their subdomains. Lowercase names
 * take precedence over uppercase ones.
 */
export function proxyFor(target: URL, environment: NodeJS.ProcessEnv = process.env): string | undefined {
  const variable = (name: string) => environment[name] || environment[name.toUpperCase()] || undefined;
  const proxy = variable(`${target.protocol.slice(0, -1)}_proxy`) ?? variable('all_proxy');
  const direct = (variable('no_proxy') ?? '').split(/[\s,]+/).some((entry) => isListed(target, entry));
  if (proxy === undefined || direct) return undefined;
  return proxy.includes('://') ? proxy : `http://${proxy}`;
}

function isListed(target: URL, entry: string): boolean {
  if (entry === '*') return true;
  const [, host = '', port] = /^\*?\.?(.*?)(?::(\d+))?$/.exec(entry.toLowerCase()) ?? [];
  const actual = target.port || (target.protocol === 'https:' ? '443' : '80');
  if (host === '' || (port !== undefined && port !== actual)) return false;
  return target.hostname === host || target.hostname.endsWith(`.${host}`);
}
