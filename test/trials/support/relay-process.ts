/** `relay-process HOST PORT TARGET-HOST TARGET-PORT`: a relay in a network namespace, until it is killed. */
import { Relay } from '../../support/relay.js';

const [host, port, targetHost, targetPort] = process.argv.slice(2);
const target = { host: targetHost, port: Number(targetPort) };
await Relay.open(target, { at: { host, port: Number(port) } });
console.log('relays');
