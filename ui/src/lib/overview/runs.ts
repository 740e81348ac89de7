import { syncNow } from './api';
import { overview } from './state.svelte';

/** So long a run that was asked for is waited for. A first sync may take longer; nobody should look at a spinner for that. */
const LONGEST_MS = 90_000;

const waiting = new Set<() => void>();

/** The app says that a run has ended. */
export const runEnded = (): void => {
  for (const tell of [...waiting]) tell();
};

/**
 * Asks for a run and waits for its end, which says nothing of how it went; false if it did not end in time. A run that is under
 * way may have read before what is asked about: then it is the one after it that counts.
 */
export async function syncToItsEnd(longestMs = LONGEST_MS): Promise<boolean> {
  let left = overview.value?.progress ? 2 : 1;
  let stop = () => {};
  const ended = new Promise<boolean>((done) => {
    // Before it is asked for, because it may be over before the answer is there.
    const tell = () => (left -= 1) > 0 || done(true);
    const timer = setTimeout(() => done(false), longestMs);
    waiting.add(tell);
    stop = () => (waiting.delete(tell), clearTimeout(timer));
  });
  try {
    await syncNow();
    return await ended;
  } finally {
    stop();
  }
}
