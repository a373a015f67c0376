import cliProgress from 'cli-progress';

export interface ProgressBar {
  update(share: number, label: string): void;
  stop(): void;
}

/** The bar redraws this often at most; a job reports far more often. */
const FRAMES_PER_SECOND = 10;

/**
 * A bar on standard error with percentage, time left and what is being worked on. Only for a terminal. It appears after
 * the first half second, so that a short job stays quiet.
 */
export function progressBar(stream: NodeJS.WriteStream): ProgressBar {
  const bar = new cliProgress.SingleBar({
    format: '{bar} {percentage} %  {eta_formatted} left  {label}',
    barCompleteChar: '\u2588',
    barIncompleteChar: '\u2591',
    barsize: 28,
    stream,
    fps: FRAMES_PER_SECOND,
    hideCursor: true,
    clearOnComplete: true,
    etaBuffer: 50,
  });
  const born = performance.now();
  let started = false;
  return {
    update(share, label) {
      if (!started && performance.now() - born < 500) return;
      if (!started) bar.start(1000, 0, { label });
      started = true;
      bar.update(Math.min(1000, Math.floor(1000 * share)), { label });
    },
    stop() {
      if (started) bar.stop();
      started = false;
    },
  };
}
