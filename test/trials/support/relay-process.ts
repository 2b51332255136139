/** `relay-process HOST PORT TARGET-HOST TARGET-PORT`: a relay in a network namespace, until it is killed. */
import { RandomStream } from '../../../domain/random.js';
import { GOOD_LINE, Relay } from './relay.js';

const [host, port, targetHost, targetPort] = process.argv.slice(2);
const target = { host: targetHost, port: Number(targetPort) };
await Relay.open(target, GOOD_LINE, new RandomStream('relay'), { host, port: Number(port) });
console.log('relays');
