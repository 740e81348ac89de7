import type { Badge } from '$lib/bindings';

/** Every reason a badge can carry, by badge; `null` is the badge alone. */
export const REASONS: Partial<Record<Badge, (string | null)[]>> = {
  synced: [null, 'moved_by_you', 'own_wording', 'marked_free', 'declined'],
  waiting: [
    'settling',
    'cool_down',
    'retrying',
    'offline',
    'not_the_writer',
    'question',
    'paused',
    'not_started',
    'not_read',
    'looking_again',
    'perhaps_created',
  ],
  syncing: ['writing'],
  left_out: [
    'type_off',
    'client_off',
    'excluded',
    'outside_dates',
    'weekday_off',
    'private',
    'own_rule',
    'before_connection',
    'stopped',
    'direction_pull',
  ],
  conflict: [null],
  problem: [null, 'google_unreachable', 'rejected'],
  removed: ['removed_by_you', 'changed_since_removed', 'kept'],
  ended: [null],
};

export const COLOURS = [
  'paper',
  'rail',
  'sunken',
  'surface',
  'raised',
  'ink',
  'ink-2',
  'ink-3',
  'line',
  'line-strong',
  'accent',
  'accent-soft',
  'accent-line',
  'ok',
  'ok-mid',
  'ok-soft',
  'warn',
  'warn-soft',
  'bad',
  'bad-soft',
];

/** Step, face, sample. */
export const TYPE: [string, string, string][] = [
  ['headline', 'face-display', 'Your calendar is right.'],
  ['2xl', 'face-display', 'Mon 23 Nov, 11:00'],
  ['xl', 'face-display', 'Rosen-Apotheke'],
  ['l', 'face', '38 of 42 are in Google Calendar'],
  ['m', 'face', 'Lindenstraße 5, 10969 Berlin'],
  ['s', 'face', 'checked 20 s ago'],
  ['xs', 'face', 'Ctrl+K'],
];
