// A CommonJS program of a user, run where the packed package is installed; see scripts/check-package.mjs.
const assert = require('node:assert/strict');
const { matmul } = require('gradsift');
const { mean } = require('gradsift/report');
const { influenceReport } = require('gradsift/report');

const a = Float32Array.of(1, 2, 3, 4);
assert.deepEqual([...matmul(a, a, { m: 2, k: 2, n: 2 })], [7, 10, 15, 22]);

assert.equal(typeof influenceReport, 'function');

// A mistake of the caller has a code, in this flavour too.
assert.throws(() => matmul(a, a, { m: 2, k: 2, n: '2' }), { name: 'GradsiftError', code: 'GRADSIFT_ARGUMENT' });

assert.equal(mean([1, 2, 6]), 3);
