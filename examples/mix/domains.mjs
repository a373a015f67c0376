// Domains of real text that every clone has, cut from the packages in node_modules: the same for the same lock file.
//
// A document is a file. Left out: files that hold a zero byte or a line longer than LONGEST_LINE bytes (minified code,
// data URLs), files that repeat an earlier one, exactly or in all but layout, punctuation and copyright lines, and what
// a package has beyond MOST_OF_A_PACKAGE of a domain. Validation is whole packages: no window of training text lies
// beside one of them. Documents are cut into windows of CONTEXT + 1 bytes; a rest is dropped.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { generator } from '../digits/random.mjs';
import { filesOf, packages, root } from '../training/text.mjs';

export const CONTEXT = 128;
export const LONGEST_LINE = 1000;
export const MOST_OF_A_PACKAGE = 64 * 1024;
const VALIDATION = 0.25; // most of a domain's bytes
const SPLIT_SEED = 0;

const CODE = /\.[cm]?[jt]s$|\.json$/i;
const KINDS = [
  ['licences', (name) => /^(licen[cs]e|copying|notice|third.?party)/i.test(name) && !CODE.test(name)],
  ['types', (name) => /\.d\.[cm]?ts$/.test(name)],
  ['javascript', (name) => /\.[cm]?js$/.test(name)],
  ['markdown', (name) => /\.md$/i.test(name)],
  ['json', (name) => /\.json$/.test(name)],
  ['headers', (name) => /\.(h|hh|hpp|inc)$/.test(name)],
];
export const DOMAINS = KINDS.map(([name]) => name);

const sha256 = (data) => createHash('sha256').update(data).digest('hex');
/** `node_modules/a/node_modules/@b/c` is a copy of @b/c: versions of one package stay on one side of a split. */
const packageName = (folder) => folder.split('node_modules/').at(-1);
const byHash = (list, key) => [...list].sort((a, b) => (sha256(key(a)) < sha256(key(b)) ? -1 : 1));

function longestLine(content) {
  let [longest, last] = [0, -1];
  for (let at = content.indexOf(10); at >= 0; at = content.indexOf(10, at + 1)) {
    longest = Math.max(longest, at - last - 1);
    last = at;
  }
  return Math.max(longest, content.length - last - 1);
}

/** What is left of a text without layout, punctuation and the lines that name its owner: licences repeat. */
function gist(content) {
  const lines = content.toString('latin1').split('\n');
  return lines
    .filter((line) => !/copyright|\(c\)/i.test(line))
    .join(' ')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, ' ');
}

/** Why a file is left out, or undefined. */
function fault(content, seen, gists) {
  if (content.includes(0)) return 'binary';
  const digest = sha256(content);
  if (seen.has(digest)) return 'repeated';
  seen.add(digest);
  if (longestLine(content) > LONGEST_LINE) return 'long lines';
  const rest = sha256(gist(content));
  if (gists.has(rest)) return 'nearly repeated';
  gists.add(rest);
  return undefined;
}

/** All documents, and what was left out of each domain, in files. */
function readDocuments() {
  const documents = [];
  const left = Object.fromEntries(DOMAINS.map((domain) => [domain, { files: 0 }]));
  const [seen, gists] = [new Set(), new Set()];
  for (const folder of packages()) {
    for (const path of filesOf(folder, /./)) {
      const domain = KINDS.find(([, holds]) => holds(path.slice(path.lastIndexOf('/') + 1)))?.[0];
      if (domain === undefined) continue;
      const content = readFileSync(join(root, path));
      const counts = left[domain];
      ++counts.files;
      const reason = content.length > CONTEXT ? fault(content, seen, gists) : 'short';
      if (reason !== undefined) counts[reason] = (counts[reason] ?? 0) + 1;
      else documents.push({ path, name: packageName(folder), domain, content });
    }
  }
  return { documents: underCap(documents, left), left };
}

/** Documents in the order of their hashes, up to the most of a package and domain: the last one is cut. */
function underCap(documents, left) {
  const taken = new Map();
  return byHash(documents, ({ path }) => path).flatMap((document) => {
    const { name, domain, content } = document;
    const key = `${domain} ${name}`;
    const room = MOST_OF_A_PACKAGE - (taken.get(key) ?? 0);
    if (room <= CONTEXT) {
      left[domain]['beyond a package'] = (left[domain]['beyond a package'] ?? 0) + 1;
      return [];
    }
    const own = content.subarray(0, room);
    taken.set(key, (taken.get(key) ?? 0) + own.length);
    return [{ ...document, content: own }];
  });
}

const bytesOf = (documents) => documents.reduce((sum, { content }) => sum + content.length, 0);

/** Names of packages with at most `share` of the documents' bytes, in the order of their hashes. */
function somePackages(documents, share, salt = '') {
  const most = share * bytesOf(documents);
  const chosen = new Set();
  let bytes = 0;
  for (const name of byHash(new Set(documents.map(({ name }) => name)), (name) => salt + name)) {
    const own = bytesOf(documents.filter((document) => document.name === name));
    if (bytes + own > most) continue;
    bytes += own;
    chosen.add(name);
  }
  return chosen;
}

/** Some windows, `length` bytes each, one after the other. */
const windowsOf = (bytes, length = CONTEXT + 1) => ({ bytes, length, count: bytes.length / length });

/** All windows of documents, as places. */
function places(documents) {
  return documents.flatMap((document) =>
    Array.from({ length: Math.floor((document.content.length - 1) / CONTEXT) }, (_, index) => ({ document, index })),
  );
}

/** `count` of a list in random order, or all. */
export function choose(list, count, seed) {
  const [rest, random] = [[...list], generator(seed)];
  const most = Math.min(count, rest.length);
  for (let i = 0; i < most; ++i) {
    const other = i + Math.floor(random() * (rest.length - i));
    [rest[i], rest[other]] = [rest[other], rest[i]];
  }
  return rest.slice(0, most);
}

function cut(chosen) {
  const parts = chosen.map(({ document, index }) =>
    document.content.subarray(index * CONTEXT, (index + 1) * CONTEXT + 1),
  );
  return windowsOf(new Uint8Array(Buffer.concat(parts)));
}

/** Windows at some places of others. */
export function pick({ bytes, length }, indices) {
  const picked = new Uint8Array(indices.length * length);
  indices.forEach((from, to) => picked.set(bytes.subarray(from * length, (from + 1) * length), to * length));
  return windowsOf(picked, length);
}

/** Changelogs of two thirds of the packages that have one: a speciality, to learn and to be tested on. */
function speciality(documents) {
  const isChangelog = ({ path }) => /(^|\/)(changelog|history|changes)[^/]*\.md$/i.test(path);
  const changelogs = documents.filter(isChangelog);
  const test = somePackages(changelogs, 1 / 3, 'test');
  const others = changelogs.filter(({ name }) => !test.has(name));
  const target = somePackages(others, 1 / 2, 'target');
  return {
    test: changelogs.filter(({ name }) => test.has(name)),
    target: others.filter(({ name }) => target.has(name)),
    generic: documents.filter(
      (document) => !isChangelog(document) || !(test.has(document.name) || target.has(document.name)),
    ),
  };
}

/**
 * Everything that the experiments train and test on, at most `most` windows of training text a domain and `tested`
 * of validation:
 *
 *   domains[name]  { train, validation, available: windows of training text before `most` }
 *   special        { target, test, generic: windows of all domains as they lie, generic.domains: of each window }
 *   manifest       counts, and hashes of the windows
 */
export function readDomains({ most = 16384, tested = 512 } = {}) {
  const { documents, left } = readDocuments();
  const domains = {};
  const manifest = { lock: sha256(readFileSync(join(root, 'package-lock.json'))), context: CONTEXT, domains: {} };
  for (const domain of DOMAINS) {
    const own = documents.filter((document) => document.domain === domain);
    const held = somePackages(own, VALIDATION);
    const [inside, outside] = [own.filter(({ name }) => !held.has(name)), own.filter(({ name }) => held.has(name))];
    const all = places(inside);
    const train = cut(choose(all, most, SPLIT_SEED));
    const validation = cut(choose(places(outside), tested, SPLIT_SEED));
    domains[domain] = { train, validation, available: all.length };
    manifest.domains[domain] = {
      ...{ left: left[domain], documents: own.length, bytes: bytesOf(own) },
      train: { ...described(train), packages: new Set(inside.map(({ name }) => name)).size, available: all.length },
      validation: { ...described(validation), packages: held.size },
    };
  }
  const { test, target, generic } = speciality(documents);
  const chosen = choose(places(generic), most, SPLIT_SEED);
  const special = {
    test: cut(choose(places(test), tested, SPLIT_SEED)),
    target: cut(choose(places(target), most, SPLIT_SEED)),
    generic: { ...cut(chosen), domains: chosen.map(({ document }) => document.domain) },
  };
  manifest.special = Object.fromEntries(Object.entries(special).map(([name, set]) => [name, described(set)]));
  return { domains, special, manifest };
}

const described = ({ count, bytes }) => ({ windows: count, sha256: sha256(bytes) });
