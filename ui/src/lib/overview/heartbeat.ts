import type { Beat } from '$lib/bindings';

/** Something on the 24-hour strip, from left (0) to right (1). */
export type Stroke = { kind: 'beat'; at: number; beat: Beat };
export type Gap = {
  kind: 'gap';
  from: number;
  to: number;
  reason: 'unknown' | 'perhaps' | 'quiet' | 'before' | 'paused' | 'offline';
};

const DAY_MS = 86_400_000;
/** Where both sides tell their changes by themselves, each is read after eight hours at the latest, ±25 % (`core::schedule`). */
const NET_MS = 1.25 * 8 * 3_600_000;

/**
 * Beats and the gaps between them: a gap is longer than until `missed_at` of the beat before it, for evenings are checked less
 * often than working hours (`core::schedule`). Why a run is missing is nowhere written down: the laptop was off or asleep, or it was
 * paused. Only the gap that is still open has a known reason (`open`), and the time before the first run ever. Where both
 * sides tell their changes (`pushed`) no run is needed while nothing changes: the gap that is still open is such a quiet
 * time, because a start and a wake-up begin with a run; one that is over may have been.
 */
export function heartbeat(
  beats: Beat[],
  nowMs: number,
  open: 'paused' | 'offline' | null = null,
  firstRunMs: number | null = null,
  pushed = false,
): { strokes: Stroke[]; gaps: Gap[] } {
  const begin = nowMs - DAY_MS;
  const place = (ms: number) => Math.min(1, Math.max(0, (ms - begin) / DAY_MS));
  const strokes = beats
    .map((beat): Stroke => ({ kind: 'beat', at: place(Date.parse(beat.at)), beat }))
    .filter(({ beat }) => Date.parse(beat.at) >= begin && Date.parse(beat.at) <= nowMs + 60_000);
  const gaps: Gap[] = [];
  const times = strokes.map(({ beat }) => Date.parse(beat.at));
  const why = (lengthMs: number, isOpen: boolean): Gap['reason'] => {
    if (isOpen && open) return open;
    if (!pushed || lengthMs > NET_MS) return 'unknown';
    return isOpen ? 'quiet' : 'perhaps';
  };
  const [stroke] = strokes;
  if (!stroke) {
    if (firstRunMs !== null && firstRunMs <= begin)
      gaps.push({ kind: 'gap', from: 0, to: 1, reason: why(DAY_MS, true) });
    return { strokes, gaps };
  }
  // The last one before these 24 hours tells until when none was due; without it, the first of them about how often they come.
  const before = beats.findLast((beat) => Date.parse(beat.at) < begin);
  const first = Date.parse(stroke.beat.at);
  const due = before ? Date.parse(before.missed_at) : begin + Date.parse(stroke.beat.missed_at) - first;
  if (first > due) {
    // Only where the first run of all lies in these 24 hours is there nothing before it.
    const reason = firstRunMs !== null && firstRunMs > begin ? 'before' : why(first - begin, false);
    gaps.push({ kind: 'gap', from: 0, to: place(first), reason });
  }
  strokes.forEach(({ beat }, i) => {
    const time = Date.parse(beat.at);
    const next = times[i + 1] ?? nowMs;
    if (next <= Date.parse(beat.missed_at)) return;
    const last = i === times.length - 1;
    gaps.push({ kind: 'gap', from: place(time), to: place(next), reason: why(next - time, last) });
  });
  return { strokes, gaps };
}
