import { m } from '$lib/paraglide/messages';
import type { ConflictView } from '$lib/bindings';

export const KINDS = [
  'time_change',
  'data_mismatch',
  'refused',
  'unusual_move',
  'deleted',
  'created_externally',
] as const;
export type Kind = (typeof KINDS)[number];

const WORDS: Record<Kind, () => string> = {
  time_change: () => m.dc_kind_time(),
  data_mismatch: () => m.dc_kind_data(),
  refused: () => m.dc_kind_refused(),
  unusual_move: () => m.dc_kind_unusual(),
  deleted: () => m.dc_kind_deleted(),
  created_externally: () => m.dc_kind_created(),
};

export const isKind = (word: string | null): word is Kind => KINDS.includes(word as Kind);
export const kindWord = (kind: string): string => (isKind(kind) ? WORDS[kind]() : m.dc_kind_data());

/** How many there are of each kind, in the order the window lists them; kinds without any are left out. */
export const byKind = (conflicts: ConflictView[]): { kind: Kind; count: number }[] =>
  KINDS.map((kind) => ({ kind, count: conflicts.filter((c) => c.kind === kind).length })).filter((k) => k.count > 0);
