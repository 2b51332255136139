#!/usr/bin/env node
// The command `sam-mil`. Plain JavaScript without dependencies, so that it runs in a fresh clone: checks the
// Node version, lets set-up.mjs install and build what is missing, and calls the compiled command line. The
// old syntax is intentional: an old Node must reach the message.
const [major, minor] = process.versions.node.split('.').map(Number);
const supported = (major === 20 && minor >= 3) || (major > 20 && major < 25);

if (!supported) {
  console.error(
    `sam-mil: Node ${process.versions.node} is not supported; expected 20.3 to 24. Next: install Node 24 (for example with \`nvm install 24\`)`,
  );
  process.exitCode = 2;
} else {
  import('./set-up.mjs')
    .then((setUp) => setUp.prepareCheckout(setUp.checkoutFolder))
    .then((entry) => import(entry))
    .then((cli) => cli.main(process.argv.slice(2)))
    .catch((error) => {
      console.error(`sam-mil: ${process.argv.includes('--debug') ? error.stack : error.message}`);
      process.exitCode = 1;
    });
}
