// The files of the repository, as paths from its root: what git tracks or would track, or, where there is no git (an
// unpacked archive), everything but the ignored folders.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

const IGNORED = /^(node_modules|build|build-.*|dist|dist-packages|coverage|\.git)$/;

function walk(root, folder) {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    if (folder === '' && IGNORED.test(entry.name)) return [];
    const name = folder === '' ? entry.name : `${folder}/${entry.name}`;
    return entry.isDirectory() ? walk(root, name) : [name];
  });
}

export function trackedFiles(root) {
  const args = ['ls-files', '--cached', '--others', '--exclude-standard', '-z'];
  const git = spawnSync('git', args, { cwd: root, encoding: 'utf8', maxBuffer: 1 << 26 });
  const names = git.status === 0 ? git.stdout.split('\0').filter((name) => name !== '') : walk(root, '');
  return [...new Set(names)].filter((name) => existsSync(join(root, name))).sort();
}
