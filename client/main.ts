/** Entry point of child processes: the compiled command line without the launcher's checks. */
import { main } from './cli.js';

await main(process.argv.slice(2));
