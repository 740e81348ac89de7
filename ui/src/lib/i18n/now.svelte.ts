let tick = $state(Date.now());
let timer: ReturnType<typeof setInterval> | undefined;

/** The present moment, in ms; whoever reads it in a template is drawn again as time goes on. */
export const now = (): number => tick;

export function startClock(everyMs = 5_000): () => void {
  tick = Date.now();
  timer = setInterval(() => (tick = Date.now()), everyMs);
  const seen = () => (tick = Date.now());
  // Timers of a hidden page are throttled; on coming back the ages must be right at once.
  document.addEventListener('visibilitychange', seen);
  return () => {
    clearInterval(timer);
    document.removeEventListener('visibilitychange', seen);
  };
}

/** For tests and after an answer from the app. */
export const setNow = (ms: number): void => {
  tick = ms;
};
