import type { FiguresView, LatencyView } from '$lib/bindings';
import { iso } from '../data';

const NO_CHANGE: LatencyView = {
  count: 0,
  p50_ms: null,
  p95_ms: null,
  p99_ms: null,
  poll_p50_ms: null,
  wait_p50_ms: null,
  service_p50_ms: null,
  away: 0,
};

/** Thirty believable days: weekends are quiet, one Thursday had a bad network. */
export function figuresFor(started: boolean, problem: string | null): FiguresView | null {
  if (!started) return null;
  const nowMs = Date.now();
  const days = Array.from({ length: 30 }, (_, index) => {
    const at = nowMs - (29 - index) * 86_400_000;
    const weekend = [0, 6].includes(new Date(at).getUTCDay());
    const runs = weekend ? 18 : 52 + ((index * 7) % 13);
    const bad = index === 11;
    return {
      day: new Date(at).toISOString().slice(0, 10),
      runs: index === 3 ? 0 : runs,
      runs_ok: bad ? runs - 14 : runs,
      runs_offline: bad ? 9 : 0,
      writes: weekend ? 0 : 3 + ((index * 5) % 9),
      writes_failed: bad ? 1 : 0,
      retries: bad ? 6 : 0,
      platform_requests: index === 3 ? 0 : runs * 2 + (bad ? 40 : 0),
      google_requests: index === 3 ? 0 : runs + ((index * 11) % 23),
    };
  });
  const silent = problem?.startsWith('no_success_2h') ?? false;
  return {
    runs_ok: 1412,
    runs_of: 1418,
    writes_ok: 186,
    writes_of: 187,
    to_event: {
      count: 164,
      p50_ms: 402_000,
      p95_ms: 861_000,
      p99_ms: 903_000,
      poll_p50_ms: 401_000,
      wait_p50_ms: 40,
      service_p50_ms: 380,
      away: 23,
    },
    to_report: silent
      ? NO_CHANGE
      : {
          count: 22,
          p50_ms: 27_000,
          p95_ms: 640_000,
          p99_ms: 902_000,
          poll_p50_ms: 6_100,
          wait_p50_ms: 20_400,
          service_p50_ms: 420,
          away: 1,
        },
    retries: 6,
    questions: 1,
    missed: 2,
    errors: [
      { service: 'google', code: 'unreachable', count: 9 },
      { service: 'platform', code: 'unreachable', count: 9 },
      { service: 'google', code: 'server_trouble', count: 4 },
      { service: 'other', code: 'other', count: 1 },
    ],
    days,
    platform: { last_success_at: iso(nowMs - 2 * 60_000), awake_minutes: 2, silent_since: null },
    google: {
      last_success_at: iso(nowMs - (silent ? 171 : 2) * 60_000),
      awake_minutes: silent ? 131 : 2,
      silent_since: silent ? iso(nowMs - 11 * 60_000) : null,
    },
  };
}
