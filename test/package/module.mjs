// An ES module of a user, run where the packed package is installed; see scripts/check-package.mjs.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { backend, influence, matmul, matmulAsync, openGradients, topK, writeSafetensors } from 'gradsift';
import { influenceReport } from 'gradsift/report';

const a = Float64Array.of(1, 2, 3, 4);
const product = [7, 10, 15, 22];
assert.deepEqual([...matmul(a, a, { m: 2, k: 2, n: 2 })], product);
assert.deepEqual([...(await matmulAsync(a, a, { m: 2, k: 2, n: 2 }))], product);
assert.match(backend().path, /node_modules.@gradsift/);

// TracIn is minus the inner product with the validation gradient: -3 and -4.
await writeSafetensors('train.safetensors', {
  w: { dtype: 'F32', shape: [2, 1, 2], data: Float32Array.of(1, 0, 0, 1) },
});
const train = await openGradients('train.safetensors');
const val = await openGradients({ layers: { w: { rows: Float32Array.of(3, 4), shape: [1, 1, 2] } } });
const result = await influence({ train, val, methods: ['tracin', 'hyperinf'] });
const { methods } = result;
assert.deepEqual([...methods.tracin.scores[0]], [-3, -4]);
assert.equal(topK(methods.tracin.scores[0], 1)[0].index, 0);
assert.equal(methods.hyperinf.status, 'ok');
assert.match(influenceReport(result), /<svg[\s\S]*<\/html>/);

// Both flavours in one process: two copies of the TypeScript, one native core.
const required = createRequire(import.meta.url)('gradsift');
assert.deepEqual([...required.matmul(a, a, { m: 2, k: 2, n: 2 })], product);
