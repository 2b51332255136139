/**
 * Loads an OpenSlide library and prints its version as a line of JSON. Runs in a separate process, because a
 * broken library may crash it. Called as `node openslide-probe.js <library>`.
 */
import koffi from 'koffi';

const version = koffi.load(process.argv[2]).func('const char *openslide_get_version()') as () => string;
console.log(JSON.stringify({ version: version() }));
