// As bench/influence.mjs, at the size of a fine-tuned language model: 1.6 GB of gradients. Minutes with peers.
import { measureGenerated } from './influence.mjs';

export default {
  op: 'influence',
  run({ threads, peers }) {
    const shape = { samples: 1000, queries: 50, layers: 24, r: 16, d: 1024 };
    const rounds = { repeats: 2, seconds: 0 };
    return measureGenerated('1000 x 24 layers x 16 x 1024', shape, ['memory', 'file'], rounds, threads, peers);
  },
};
