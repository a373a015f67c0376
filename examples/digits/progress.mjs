// What the example is doing: one line that rewrites itself on a terminal, plain lines for finished steps elsewhere.
const live = process.stderr.isTTY;

/** Shows what is being done now; only on a terminal. */
export function doing(text) {
  if (live) process.stderr.write(`\r\u001b[2K${text}`);
}

/** Reports a finished step. */
export function done(text) {
  if (live) process.stderr.write('\r\u001b[2K');
  process.stderr.write(`${text}\n`);
}
