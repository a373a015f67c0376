// How long a file, a function and a line may be.
import ts from 'typescript';

const MAX_FILE_LINES = 400;
const MAX_FUNCTION_LINES = 70;
const MAX_COLUMNS = 120;

const SCRIPT = /\.[cm]?(ts|js)$/;
const CPP = /\.(h|cc|cu|cuh)$/;

function lines(text) {
  return text.endsWith('\n') ? text.split('\n').slice(0, -1) : text.split('\n');
}

/** describe(...) holds a file's tests, as a class holds methods: its callback has no length of its own. */
function isSuite(node) {
  const call = node.parent;
  return ts.isCallExpression(call) && /^describe\b/.test(call.expression.getText());
}

function scriptFunctions(source) {
  const found = [];
  const visit = (node) => {
    if (ts.isFunctionLike(node) && node.body && !isSuite(node)) {
      const first = source.getLineAndCharacterOfPosition(node.getStart(source)).line;
      const last = source.getLineAndCharacterOfPosition(node.getEnd()).line;
      found.push({ name: node.name?.getText(source) ?? 'a function', first: first + 1, length: last - first + 1 });
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

/** Comments, strings and preprocessor lines become blanks; newlines stay, so that line numbers do too. */
function blankCpp(text) {
  const parts = [
    /\/\/[^\n]*/, // comments
    /\/\*[\s\S]*?\*\//,
    /R"(\w*)\([\s\S]*?\)\1"/, // strings
    /"(?:\\.|[^"\\\n])*"/,
    /'(?:\\.|[^'\\\n])+'/,
    /^[ \t]*#(?:\\\n|[^\n])*/, // preprocessor lines
  ];
  const pattern = new RegExp(parts.map(({ source }) => source).join('|'), 'gm');
  return text.replace(pattern, (part) => part.replace(/[^\n]/g, ' '));
}

/** What an opening brace opens, told by the text before it. Inside a function everything is a block of it. */
function scopeKind(head, insideFunction) {
  if (insideFunction) return 'block';
  if (/\bnamespace\b/.test(head) || /\bextern\s*$/.test(head)) return 'namespace';
  if (/\b(class|struct|union|enum)\b[^()]*$/.test(head)) return 'type';
  if (/=\s*$/.test(head) || !head.includes('(')) return 'initialiser';
  return 'function';
}

function cppFunctions(text) {
  const code = blankCpp(text);
  const stack = [];
  const found = [];
  let head = '';
  let line = 1;
  for (const character of code) {
    if (character === '\n') line += 1;
    if (character === '{') {
      const inside = stack.some(({ kind }) => kind === 'function');
      const blanksBefore = head.length - head.trimStart().length;
      const first = line - (head.slice(blanksBefore).match(/\n/g)?.length ?? 0);
      stack.push({ kind: scopeKind(head, inside), first, name: /([\w:~]+)\s*\(/.exec(head)?.[1] ?? 'a function' });
      head = '';
    } else if (character === '}') {
      const scope = stack.pop();
      if (scope?.kind === 'function') found.push({ ...scope, length: line - scope.first + 1 });
      head = '';
    } else if (character === ';') {
      head = '';
    } else {
      head += character;
    }
  }
  return found;
}

export function sizes(tree, report) {
  for (const file of tree.files.filter((name) => SCRIPT.test(name) || CPP.test(name))) {
    const text = tree.read(file);
    const all = lines(text);
    if (all.length > MAX_FILE_LINES) report(file, `${all.length} lines, at most ${MAX_FILE_LINES}: split by concept`);
    all.forEach((line, index) => {
      if ([...line].length > MAX_COLUMNS) report(file, `line of ${line.length}, at most ${MAX_COLUMNS}`, index + 1);
    });
    const functions = CPP.test(file) ? cppFunctions(text) : scriptFunctions(tree.parse(file));
    for (const { name, first, length } of functions) {
      if (length > MAX_FUNCTION_LINES) report(file, `${name}: ${length} lines, at most ${MAX_FUNCTION_LINES}`, first);
    }
  }
}
