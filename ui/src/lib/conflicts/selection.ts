/** Which rows are ticked, with the row that a range starts from. Every change makes a new one. */
export type Selection = { ids: ReadonlySet<string>; anchor: string | null };

export const NOTHING: Selection = { ids: new Set(), anchor: null };

export function toggled(s: Selection, id: string): Selection {
  const ids = new Set(s.ids);
  if (!ids.delete(id)) ids.add(id);
  return { ids, anchor: id };
}

/** From the anchor to this row, as a list in any file manager does; what was ticked elsewhere stays. */
export function ranged(s: Selection, order: string[], id: string): Selection {
  const to = order.indexOf(id);
  const from = s.anchor === null ? -1 : order.indexOf(s.anchor);
  if (to < 0) return s;
  if (from < 0) return { ids: new Set([...s.ids, id]), anchor: id };
  const [a, b] = [Math.min(from, to), Math.max(from, to)];
  return { ids: new Set([...s.ids, ...order.slice(a, b + 1)]), anchor: s.anchor };
}

/** Shift and an arrow: takes the next row in, or, on the way back, the one that is left out again. */
export function stretched(s: Selection, order: string[], from: string, to: string): Selection {
  const start = s.anchor !== null && order.includes(s.anchor) && s.ids.has(s.anchor) ? s.anchor : from;
  const at = order.indexOf(start);
  const back = Math.abs(order.indexOf(to) - at) < Math.abs(order.indexOf(from) - at);
  const ids = new Set(s.ids);
  ids.add(start);
  if (back) ids.delete(from);
  ids.add(to);
  return { ids, anchor: start };
}

export const all = (order: string[]): Selection => ({ ids: new Set(order), anchor: order[0] ?? null });

/** What is no longer there is no longer ticked. */
export function kept(s: Selection, order: string[]): Selection {
  const there = new Set(order);
  const ids = new Set([...s.ids].filter((id) => there.has(id)));
  return ids.size === s.ids.size ? s : { ids, anchor: s.anchor !== null && there.has(s.anchor) ? s.anchor : null };
}
