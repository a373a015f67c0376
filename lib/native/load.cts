// Finds and opens the native addon. CommonJS on purpose: `require` opens .node files on every Node that we support, and
// Node keeps one instance for a path, so that the ESM and CJS builds of gradsift share the same native state.
import fs = require('node:fs');
import path = require('node:path');

/** What was found, or everything that was tried. */
interface Loaded {
  readonly binding: unknown;
  /** The file that was opened; null when none was. */
  readonly path: string | null;
  /** One line for each place looked at: the path and why it did not serve. */
  readonly tried: readonly string[];
}

function packageRoot(): string {
  let folder = __dirname;
  while (!fs.existsSync(path.join(folder, 'package.json')) || path.basename(folder) === 'cjs') {
    const parent = path.dirname(folder);
    if (parent === folder) return __dirname;
    folder = parent;
  }
  return folder;
}

function candidates(): string[] {
  const forced = process.env['GRADSIFT_BINDING'];
  // A forced path is the only one: falling back to another binary would hide the mistake.
  if (forced) return [path.resolve(forced)];
  const root = packageRoot();
  const file = 'gradsift.node';
  const paths = ['build/Release', 'build-cmake/Release', 'build-cmake'].map((folder) => path.join(root, folder, file));
  const platform = `@gradsift/${process.platform}-${process.arch}`;
  try {
    paths.push(require.resolve(`${platform}/${file}`));
  } catch {
    paths.push(`${platform}/${file}`);
  }
  return paths;
}

function load(): Loaded {
  const tried: string[] = [];
  for (const candidate of candidates()) {
    if (path.isAbsolute(candidate) && !fs.existsSync(candidate)) {
      tried.push(`${candidate}: no such file`);
      continue;
    }
    try {
      return { binding: require(candidate) as unknown, path: candidate, tried };
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      tried.push(`${candidate}: ${message.split('\n')[0]}`);
    }
  }
  return { binding: null, path: null, tried };
}

export = load;
