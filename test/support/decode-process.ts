import { openSlide } from '../../domain/pathology/slides/open.js';
import { sweepTemporaryFolder } from '../../domain/machine/temporary-folder.js';

/**
 * A process that opens a slide, to be killed while the slide is decoded: `decode-process.js SLIDE`. Without
 * an argument it removes what dead processes left, as a worker does when it starts.
 */
const [path] = process.argv.slice(2);
if (path === undefined) await sweepTemporaryFolder();
else openSlide(path).close();
