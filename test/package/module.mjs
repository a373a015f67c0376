// An ES module of a user, run where the packed package is installed; see scripts/check-package.mjs.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { matmul, matmulAsync } from 'gradsift';

const a = Float64Array.of(1, 2, 3, 4);
const product = [7, 10, 15, 22];
assert.deepEqual([...matmul(a, a, { m: 2, k: 2, n: 2 })], product);
assert.deepEqual([...(await matmulAsync(a, a, { m: 2, k: 2, n: 2 }))], product);

// Both flavours in one process: two copies of the TypeScript, one native core.
const required = createRequire(import.meta.url)('gradsift');
assert.deepEqual([...required.matmul(a, a, { m: 2, k: 2, n: 2 })], product);
