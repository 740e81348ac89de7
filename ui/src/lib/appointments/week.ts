import type { AppointmentRow } from '$lib/bindings';
import { addDays, daysBetween } from '$lib/i18n/time';
import type { Indexed } from './filter';
import { clockChange, dayStart, offsetHours, wallMs } from './travel';

const HOUR = 3_600_000;
/** The least height of a block, in hours: it must hold one line and a fingertip. */
export const LEAST = 0.5;
const MORNING = 7;
const EVENING = 19;

/** A piece of an appointment within one day. Hours are those of the trainer's wall clock. */
export type Block = {
  key: string;
  row: AppointmentRow;
  day: string;
  from: number;
  to: number;
  /** Where it stands among those at the same time: from which lane, over how many, of how many. */
  lane: number;
  wide: number;
  lanes: number;
  /** It began on an earlier day, or goes on the next. */
  before: boolean;
  after: boolean;
  /** All day: it stands above the hours. */
  whole: boolean;
  /** Not all day: the end, in the small hours, of one that began the day before. */
  ends?: boolean;
};

export type WeekDay = {
  key: string;
  whole: Block[];
  blocks: Block[];
  /** Hours more or less than 24. */
  change: number;
  /** The wall-clock hours that are skipped in spring, or come twice in autumn. */
  band: { from: number; to: number } | undefined;
};

export type Week = { days: WeekDay[]; fromHour: number; toHour: number; count: number; wholeLanes: number };

/** The Monday of that day's week. */
export const monday = (day: string): string => addDays(day, -((new Date(`${day}T12:00:00Z`).getUTCDay() + 6) % 7));

/** ISO 8601: the week with the year's first Thursday is the first. */
export function weekNumber(day: string): number {
  const thursday = addDays(monday(day), 3);
  return Math.floor(daysBetween(`${thursday.slice(0, 4)}-01-01`, thursday) / 7) + 1;
}

/** A day as an address gives it; none if it is not one. */
export const dayOrNone = (text: string | null): string | undefined =>
  text && /^\d{4}-\d{2}-\d{2}$/.test(text) && addDaysSafe(text) === text ? text : undefined;

function addDaysSafe(text: string): string | undefined {
  try {
    return addDays(text, 0);
  } catch {
    return undefined;
  }
}

/** The week that holds `anchor`, as places in a grid. On days when clocks change, blocks stand where the clock shows them. */
export function weekOf(all: Iterable<Indexed>, anchor: string, zone: string): Week {
  const first = monday(anchor);
  const keys = Array.from({ length: 7 }, (_, i) => addDays(first, i));
  const [begins, ends] = [dayStart(first, zone), dayStart(addDays(first, 7), zone)];
  const days: WeekDay[] = keys.map((key) => {
    const change = clockChange(key, zone);
    return { key, whole: [], blocks: [], change, band: change === 0 ? undefined : bandOf(key, zone) };
  });
  let count = 0;
  for (const { row } of all) {
    const start = Date.parse(row.start);
    // An end before its start is somebody's mistake, not ours to hide the appointment for.
    const end = Math.max(start, Date.parse(row.end) || start);
    if (!(start < ends && (end > begins || start >= begins))) continue;
    count += 1;
    place(days, row, start, end, zone);
  }
  const begun = days.flatMap((day) => day.blocks.filter((b) => !b.before));
  const fromHour = Math.min(MORNING, ...begun.map((b) => Math.floor(b.from)));
  for (const day of days) {
    // What only ends in the small hours must not open the whole night: it stands above, with its end.
    const ending = day.blocks.filter((b) => b.before && b.to <= fromHour);
    day.whole.push(...ending.map((b) => ({ ...b, whole: true, ends: true })));
    day.blocks = lanes(day.blocks.filter((b) => !ending.includes(b)));
  }
  const wholeLanes = layWhole(days);
  const toHour = Math.max(EVENING, ...days.flatMap((day) => day.blocks.map((b) => Math.ceil(b.to))));
  return { days, count, wholeLanes, fromHour, toHour };
}

function bandOf(day: string, zone: string): { from: number; to: number } | undefined {
  let [low, high] = [dayStart(day, zone), dayStart(addDays(day, 1), zone)];
  const before = offsetHours(low, zone);
  if (before === offsetHours(high, zone)) return undefined;
  while (high - low > 1000) {
    const middle = Math.floor((low + high) / 2000) * 1000;
    if (offsetHours(middle, zone) === before) low = middle;
    else high = middle;
  }
  const midnight = Date.parse(`${day}T00:00:00Z`);
  const old = ((wallMs(low, zone) ?? 0) + (high - low) - midnight) / HOUR;
  const shown = ((wallMs(high, zone) ?? 0) - midnight) / HOUR;
  return { from: Math.min(old, shown), to: Math.max(old, shown) };
}

function place(days: WeekDay[], row: AppointmentRow, start: number, end: number, zone: string): void {
  const [wallStart, wallEnd] = [wallMs(start, zone) ?? start, wallMs(end, zone) ?? end];
  const midnights = wallStart % (24 * HOUR) === 0 && wallEnd % (24 * HOUR) === 0;
  const whole = (midnights && wallEnd > wallStart) || end - start >= 24 * HOUR;
  for (const day of days) {
    const midnight = Date.parse(`${day.key}T00:00:00Z`);
    const [from, to] = [(wallStart - midnight) / HOUR, (wallEnd - midnight) / HOUR];
    const here = from < 24 && (to > 0 || (from >= 0 && to <= from));
    if (!here) continue;
    const before = from < 0;
    const after = to > 24;
    // In autumn an appointment may end at an earlier wall-clock time than it began at.
    const shown = Math.max(to, before ? to : from + Math.min((end - start) / HOUR, 24));
    const bottom = Math.min(24, Math.max(shown, Math.max(0, from) + LEAST));
    const block: Block = {
      key: `${row.id}@${day.key}`,
      row,
      day: day.key,
      from: Math.min(Math.max(0, from), 24 - LEAST),
      to: bottom,
      lane: 0,
      wide: 1,
      lanes: 1,
      before,
      after,
      whole,
    };
    (whole ? day.whole : day.blocks).push(block);
  }
}

/** Side by side where they overlap; each group only as narrow as it must be, and wide where room is left to its right. */
export function lanes(blocks: Block[]): Block[] {
  const sorted = [...blocks].sort((a, b) => a.from - b.from || b.to - a.to || (a.row.id < b.row.id ? -1 : 1));
  let group: Block[] = [];
  let groupEnd = -1;
  const close = () => {
    const count = Math.max(0, ...group.map((b) => b.lane + 1));
    for (const block of group) {
      const right = group.filter((o) => o !== block && o.from < block.to && block.from < o.to && o.lane > block.lane);
      block.lanes = count;
      block.wide = Math.min(count, ...right.map((o) => o.lane)) - block.lane;
    }
    group = [];
  };
  for (const block of sorted) {
    if (block.from >= groupEnd) close();
    const taken = new Set(group.filter((o) => o.to > block.from).map((o) => o.lane));
    let lane = 0;
    while (taken.has(lane)) lane += 1;
    block.lane = lane;
    group.push(block);
    groupEnd = Math.max(groupEnd, block.to);
  }
  close();
  return sorted;
}

/** All-day ones keep their line over all their days. */
function layWhole(days: WeekDay[]): number {
  const lines = new Map<string, number>();
  let most = 0;
  for (const day of days) {
    const taken = new Set(day.whole.map((b) => lines.get(b.row.id)).filter((n) => n !== undefined));
    for (const block of day.whole) {
      let line = lines.get(block.row.id);
      if (line === undefined) {
        line = 0;
        while (taken.has(line)) line += 1;
        taken.add(line);
        lines.set(block.row.id, line);
      }
      block.lane = line;
      most = Math.max(most, line + 1);
    }
    day.whole.sort((a, b) => a.lane - b.lane);
  }
  return most;
}

/** Saturday and Sunday hold nothing. */
export const weekendFree = (week: Week): boolean =>
  week.days.slice(5).every((day) => day.blocks.length + day.whole.length === 0);

/** The blocks of a day in the order in which arrows walk through them. */
export const walk = (day: WeekDay): Block[] => [...day.whole, ...day.blocks];

/** The block an arrow leads to; none at the edge of what is shown. */
export function neighbour(days: WeekDay[], key: string, way: 'up' | 'down' | 'before' | 'after'): Block | undefined {
  const at = days.findIndex((day) => walk(day).some((b) => b.key === key));
  const column = days[at];
  if (!column) return undefined;
  const order = walk(column);
  const index = order.findIndex((b) => b.key === key);
  const from = order[index];
  if (!from) return undefined;
  if (way === 'up') return order[index - 1];
  if (way === 'down') return order[index + 1];
  const step = way === 'after' ? 1 : -1;
  for (let i = at + step; i >= 0 && i < days.length; i += step) {
    const found = days[i] && nearest(days[i] as WeekDay, from);
    if (found) return found;
  }
  return undefined;
}

/** The one of that day whose time is the nearest. */
export function nearest(day: WeekDay, to: { from: number; whole: boolean }): Block | undefined {
  const far = (b: Block) => (b.whole === to.whole ? 0 : 100) + Math.abs(b.from - to.from);
  return walk(day).reduce<Block | undefined>((best, b) => (best && far(best) <= far(b) ? best : b), undefined);
}
