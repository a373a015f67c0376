// A process that runs jobs, one after the other, as the pool sends them: { job, results }.
import { readDomains } from './domains.mjs';
import { runJob, start } from './run-job.mjs';
import { SCALES } from './experiments.mjs';

const [name, folder] = process.argv.slice(2);
const scale = SCALES[name];
let stopping = false;
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => (stopping = true));
process.on('disconnect', () => (stopping = true)); // the pool is gone: save and go

await start();
const data = readDomains({ most: scale.windows.train, tested: scale.windows.tested });
process.on('message', ({ job, results }) => {
  const onProgress = (share) => process.send({ id: job.id, share });
  const context = { scale, data, folder, results: new Map(results), stopped: () => stopping, onProgress };
  runJob(job, context).then(
    (result) => (result ? process.send({ id: job.id, result }) : process.exit(130)),
    (error) => {
      console.error(`${job.id}: ${error.stack}`);
      process.exit(1);
    },
  );
});
process.send({ ready: true });
