// Builds the addon once more with other flags, in a folder of its own beside build/.
import { spawnSync } from 'node:child_process';
import { lstatSync, mkdirSync, symlinkSync } from 'node:fs';
import { join, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '..');

/** The path of the addon built in build-<name>/ with CXXFLAGS and LDFLAGS added; undefined when the build failed. */
export function buildVariant(name, flags) {
  const folder = join(root, `build-${name}`);
  mkdirSync(folder, { recursive: true });
  // node-gyp builds where binding.gyp lies; the sources stay where they are.
  for (const entry of ['native', 'binding.gyp']) {
    const link = join(folder, entry);
    if (!lstatSync(link, { throwIfNoEntry: false })) symlinkSync(join('..', entry), link);
  }
  const args = [join(root, 'scripts/build.mjs'), 'native', '--directory', folder];
  const { status } = spawnSync(process.execPath, args, { env: { ...process.env, ...flags }, stdio: 'inherit' });
  return status === 0 ? join(folder, 'build/Release/gradsift.node') : undefined;
}
