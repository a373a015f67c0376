// Tests run from the TypeScript sources, as CommonJS. Types are checked by `tsc -p tsconfig.test.json` (npm test runs
// it first), so that here every file is only translated: a test file starts in a tenth of a second.
const long = process.env.npm_lifecycle_event === 'test:long';

/** @type {import('jest').Config} */
export default {
  testEnvironment: 'node',
  roots: ['<rootDir>/test'],
  testMatch: [long ? '**/*.long.test.ts' : '**/*.test.ts'],
  testPathIgnorePatterns: long ? [] : ['\\.long\\.test\\.ts$'],
  moduleFileExtensions: ['ts', 'cts', 'mts', 'js', 'cjs', 'mjs', 'json', 'node'],
  transform: {
    '\\.[cm]?ts$|linkedom/worker\\.js$': [
      'ts-jest',
      {
        tsconfig: {
          target: 'ES2022',
          module: 'CommonJS',
          moduleResolution: 'bundler',
          ignoreDeprecations: '6.0',
          esModuleInterop: true,
          isolatedModules: true,
          allowJs: true,
        },
      },
    ],
  },
  moduleNameMapper: {
    // The sources import './x.js' and './load.cjs', as they are named once compiled.
    '^(\\.{1,2}/.*)\\.js$': ['$1.ts', '$1.js'],
    '^(\\.{1,2}/.*)\\.cjs$': ['$1.cts', '$1.cjs'],
    // Published as ESM, which jest cannot require; each package carries a UMD build of the same code.
    '^@observablehq/plot$': '<rootDir>/node_modules/@observablehq/plot/dist/plot.umd.min.js',
    '^d3(@[^/]+/dist/d3.min.js)?$': '<rootDir>/node_modules/d3/dist/d3.min.js',
    // Its dependencies are ESM as well: the one file that bundles them is translated like a test.
    '^linkedom$': '<rootDir>/node_modules/linkedom/worker.js',
  },
  transformIgnorePatterns: ['/node_modules/(?!linkedom/worker\\.js$)', '\\.pnp\\.[^/]+$'],
  testTimeout: long ? 900_000 : 30_000,
  // Long tests measure delays: one at a time.
  maxWorkers: long ? 1 : 2,
};
