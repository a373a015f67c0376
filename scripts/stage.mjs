// Lays out in dist-packages/ what is published: the facade `gradsift`, which has no scripts and no binding.gyp (npm 12
// runs no install script of a dependency), and one package with the addon of this platform, an optional dependency.
import { copyFileSync, cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { buildVariant } from './variant.mjs';

const root = resolve(import.meta.dirname, '..');
const staging = join(root, 'dist-packages');
const PLATFORMS = ['linux-x64'];

function writeJson(path, value) {
  writeFileSync(path, `${JSON.stringify(value, null, 2)}\n`);
}

function stageFacade(manifest) {
  const folder = join(staging, 'gradsift');
  mkdirSync(folder, { recursive: true });
  cpSync(join(root, 'dist'), join(folder, 'dist'), { recursive: true });
  const documents = ['README.md', 'ARCHITECTURE.md', 'CHANGELOG.md', 'LICENSE'];
  for (const name of documents) copyFileSync(join(root, name), join(folder, name));
  const published = { ...manifest };
  for (const key of ['private', 'scripts', 'binary', 'devDependencies', 'overrides', 'allowScripts']) {
    delete published[key];
  }
  const optionalDependencies = Object.fromEntries(PLATFORMS.map((name) => [`@gradsift/${name}`, manifest.version]));
  writeJson(join(folder, 'package.json'), { ...published, files: ['dist', ...documents], optionalDependencies });
}

function stagePlatform({ version, license, engines }) {
  const platform = `${process.platform}-${process.arch}`;
  if (!PLATFORMS.includes(platform)) throw new Error(`stage: ${platform} is not one of ${PLATFORMS.join(', ')}`);
  // The runtime of C++ goes into the file: it must load where another compiler, or none, is installed.
  const LDFLAGS = process.platform === 'linux' ? '-static-libstdc++ -static-libgcc -Wl,--exclude-libs,ALL -s' : '';
  const addon = buildVariant('release', { LDFLAGS });
  if (!addon) throw new Error('stage: the build failed');
  const folder = join(staging, platform);
  mkdirSync(folder, { recursive: true });
  copyFileSync(addon, join(folder, 'gradsift.node'));
  copyFileSync(join(root, 'LICENSE'), join(folder, 'LICENSE'));
  writeFileSync(
    join(folder, 'README.md'),
    `The native core of gradsift for ${platform}. Install \`gradsift\` instead.\n`,
  );
  writeJson(join(folder, 'package.json'), {
    name: `@gradsift/${platform}`,
    version,
    description: `The native core of gradsift for ${platform}`,
    license,
    engines,
    os: [process.platform],
    cpu: [process.arch],
    ...(process.platform === 'linux' ? { libc: ['glibc'] } : {}),
    main: 'gradsift.node',
    files: ['gradsift.node'],
    publishConfig: { access: 'public' },
  });
}

if (!existsSync(join(root, 'dist/cjs/package.json'))) throw new Error('stage: build first: npm run build');
rmSync(staging, { recursive: true, force: true });
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
stageFacade(manifest);
stagePlatform(manifest);
console.log(`staged gradsift ${manifest.version} and its addon in dist-packages/`);
