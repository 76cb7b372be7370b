// The process whose memory is measured, with the environment that the command gives itself:
// `generated-process.cjs <bytes>`; the bucket is found by the environment, as the command finds it.
// The environment goes before the first ES module, as in the command.
import '../../bin/environment.cjs';
import '../../bin/memory.cjs';

void import('./archive-generated.js').then(({ archiveGenerated }) => archiveGenerated(Number(process.argv[2])));
