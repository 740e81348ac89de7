import type { AnsweredConflict, ConflictView, FieldView, ValueView } from '$lib/bindings';
import { conflictsFor, iso, random, ZONE } from './data';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const text = (value: string): ValueView => ({ kind: 'text', text: value });
const UNKNOWN: ValueView = { kind: 'unknown' };

/** On a full quarter of an hour, `days` from now. */
function time(nowMs: number, days: number, hour: number, minutes = 60): ValueView {
  const day = nowMs - (nowMs % DAY) + days * DAY;
  return { kind: 'time', start: iso(day + hour * HOUR), end: iso(day + hour * HOUR + minutes * MINUTE), zone: ZONE };
}

const one = (nowMs: number, id: string, more: Partial<ConflictView>): ConflictView => ({
  id,
  appointment_id: `apt_of_${id}`,
  title: 'Rosen-Apotheke',
  kind: 'time_change',
  cause: 'both_changed',
  refusal_reason: null,
  refusal_detail: null,
  fields: [],
  same_fields: ['title', 'location', 'notes'],
  seen: { version: 4, etag: `"${id}"` },
  platform_changed_at: iso(nowMs - 40 * MINUTE),
  platform_changed_by: 'Jana Roth',
  calendar_changed_at: iso(nowMs - 22 * MINUTE),
  raised_at: iso(nowMs - 20 * MINUTE),
  choices: ['keep_platform', 'keep_calendar', 'most_recent', 'stop_syncing'],
  ...more,
});

const timeField = (before: ValueView, platform: ValueView, calendar: ValueView): FieldView => ({
  field: 'time',
  reported: true,
  before,
  platform,
  calendar,
});

const SHARED = 'Bitte den Hintereingang nehmen und an der Rampe klingeln. '.repeat(190);

/** One of every kind and of every cause, and two that nobody would send on purpose. */
export function everyConflict(nowMs: number): ConflictView[] {
  const at = (days: number, hour: number, minutes = 60) => time(nowMs, days, hour, minutes);
  const alone = { platform_changed_at: null, platform_changed_by: null };
  const unusual = (id: string, cause: string, title: string, more: Partial<ConflictView>): ConflictView =>
    one(nowMs, id, {
      kind: 'unusual_move',
      cause,
      title,
      choices: ['keep_platform', 'keep_calendar', 'stop_syncing'],
      ...alone,
      ...more,
    });
  return [
    ...conflictsFor(nowMs),
    one(nowMs, 'cf_close', {
      title: 'Bären-Apotheke',
      fields: [timeField(at(3, 9), at(3, 10), at(3, 11))],
      platform_changed_at: iso(nowMs - 31 * MINUTE),
      calendar_changed_at: iso(nowMs - 30 * MINUTE),
    }),
    unusual('cf_past', 'moved_into_past', 'Stern-Apotheke', { fields: [timeField(at(2, 9), at(2, 9), at(-3, 9))] }),
    unusual('cf_far', 'moved_far', 'Hirsch-Apotheke', { fields: [timeField(at(2, 10), at(2, 10), at(31, 10))] }),
    unusual('cf_many', 'many_moves', 'Engel-Apotheke', { fields: [timeField(at(4, 8), at(4, 8), at(4, 12))] }),
    unusual('cf_all_day', 'made_all_day', 'Löwen-Apotheke am Königsplatz', {
      fields: [
        timeField(at(5, 9), at(5, 9), {
          kind: 'all_day',
          start: iso(nowMs + 5 * DAY).slice(0, 10),
          end: iso(nowMs + 6 * DAY).slice(0, 10),
        }),
      ],
      choices: ['set_time', 'keep_platform', 'stop_syncing'],
    }),
    unusual('cf_ping', 'ping_pong', 'Schwanen-Apotheke 🦢', {
      fields: [timeField(at(6, 9), at(6, 9), at(6, 10))],
      platform_changed_at: iso(nowMs - 9 * MINUTE),
    }),
    one(nowMs, 'cf_series', {
      kind: 'data_mismatch',
      cause: 'made_series',
      title: 'Linden-Apotheke',
      fields: [timeField(at(7, 9), at(7, 9), at(7, 9, 90))],
      choices: ['stop_syncing'],
      ...alone,
    }),
    one(nowMs, 'cf_cancelled', {
      kind: 'deleted',
      cause: 'series_cancelled',
      title: 'Apotheke am Markt',
      choices: ['keep_platform', 'keep_calendar', 'stop_syncing'],
    }),
    one(nowMs, 'cf_base', {
      cause: 'no_base',
      kind: 'data_mismatch',
      title: 'Adler-Apotheke',
      fields: [
        timeField(UNKNOWN, at(8, 9), at(8, 10)),
        {
          field: 'location',
          reported: false,
          before: UNKNOWN,
          platform: text('Schloßstraße 19, 12163 Berlin'),
          calendar: text('Schloßstraße 91, 12163 Berlin'),
        },
      ],
      same_fields: ['title', 'notes'],
      choices: ['keep_platform', 'keep_calendar', 'merge', 'stop_syncing'],
      platform_changed_at: null,
      platform_changed_by: null,
      calendar_changed_at: null,
    }),
    one(nowMs, 'cf_locked', {
      kind: 'data_mismatch',
      cause: 'not_editable',
      title: 'Rosen-Apotheke',
      fields: [
        {
          field: 'notes',
          reported: false,
          before: text('Schulung Rezeptprüfung.'),
          platform: text('Schulung Rezeptprüfung, neue Vorlage.'),
          calendar: text('Schulung Rezeptprüfung. Eigene Folien mitnehmen!'),
        },
      ],
      same_fields: ['time', 'title', 'location'],
      choices: ['keep_platform', 'stop_syncing'],
    }),
    one(nowMs, 'cf_created', {
      appointment_id: 'marked_cf_created',
      cause: 'marked',
      kind: 'created_externally',
      title: 'Workshop #linden',
      fields: [
        timeField(UNKNOWN, UNKNOWN, at(9, 13, 120)),
        { field: 'title', reported: false, before: UNKNOWN, platform: UNKNOWN, calendar: text('Workshop #linden') },
        {
          field: 'location',
          reported: false,
          before: UNKNOWN,
          platform: UNKNOWN,
          calendar: text('Gartenweg 7, 14770 Brandenburg'),
        },
      ],
      same_fields: [],
      choices: ['create', 'dismiss'],
      ...alone,
    }),
    one(nowMs, 'cf_hostile', {
      kind: 'data_mismatch',
      title: '<img src=x onerror=alert(1)> \u202eekehtopA\u202c <b>fett</b> 👩‍⚕️ صيدلية',
      fields: [
        {
          field: 'title',
          reported: false,
          before: text('Apotheke'),
          platform: text('Apo\u200btheke <b>fett</b> צוות'),
          calendar: text('Apotheke <script>alert(1)</script> \u202eנסתר 👩‍⚕️'),
        },
        {
          field: 'location',
          reported: false,
          before: text(''),
          platform: text('Hauptstraße 80'),
          calendar: text('Hauptstraße\u00a080'),
        },
        {
          field: 'notes',
          reported: false,
          before: text(SHARED),
          platform: text(`${SHARED}Danke!`),
          calendar: text(`${SHARED}Merci! ${'x'.repeat(400)}`),
        },
      ],
      same_fields: ['time'],
      choices: ['keep_platform', 'keep_calendar', 'most_recent', 'merge', 'stop_syncing'],
    }),
  ];
}

const TITLES = ['Linden-Apotheke', 'Apotheke am Markt', 'Rosen-Apotheke', 'Bären-Apotheke', 'Stern-Apotheke'];

/** A week in which somebody reorganised everything: most moved on both sides, a few of another kind between them. */
export function manyConflicts(nowMs: number, count = 50): ConflictView[] {
  const r = random(11);
  return Array.from({ length: count }, (_, i): ConflictView => {
    const [day, hour] = [1 + Math.floor(i / 3), 7 + Math.floor(r() * 7)];
    const id = `cf_m${i + 1}`;
    const title = `${TITLES[i % TITLES.length] ?? 'Apotheke'} ${Math.floor(i / TITLES.length) + 1}`;
    const said = { platform_changed_at: iso(nowMs - (60 + i) * MINUTE), raised_at: iso(nowMs - (18 + i) * MINUTE) };
    if (i % 12 === 5)
      return one(nowMs, id, {
        ...said,
        title,
        kind: 'data_mismatch',
        fields: [
          {
            field: 'notes',
            reported: false,
            before: text('Handzettel mitbringen.'),
            platform: text('Handzettel und Plakate mitbringen.'),
            calendar: text('Handzettel mitbringen, Beamer testen.'),
          },
        ],
        same_fields: ['time', 'title', 'location'],
      });
    if (i % 12 === 9)
      return one(nowMs, id, {
        ...said,
        title,
        kind: 'refused',
        cause: 'refused',
        refusal_reason: 'overlap',
        fields: [timeField(time(nowMs, day, hour), time(nowMs, day, hour), time(nowMs, day, hour + 3))],
        choices: ['keep_platform', 'keep_calendar', 'set_time', 'stop_syncing'],
        platform_changed_at: null,
        platform_changed_by: null,
      });
    return one(nowMs, id, {
      ...said,
      title,
      fields: [timeField(time(nowMs, day, hour), time(nowMs, day, hour + 1), time(nowMs, day, hour + 3))],
    });
  });
}

/** What was decided in the last 30 days, with each way an answer can and can't be undone. */
export function answeredFor(nowMs: number): AnsweredConflict[] {
  const quiet = { tells_admin: false, from: null, to: null, not_possible: null };
  const at = (days: number, hour: number) => time(nowMs, days, hour);
  const moved = (id: string, title: string) =>
    one(nowMs, id, { title, fields: [timeField(at(4, 9), at(4, 10), at(4, 13))] });
  return [
    {
      conflict: moved('cf_a1', 'Stern-Apotheke'),
      resolution: 'keep_calendar',
      by_policy: false,
      at: iso(nowMs - 95 * MINUTE),
      undo: { tells_admin: true, from: at(4, 13), to: at(4, 10), not_possible: null },
    },
    {
      conflict: one(nowMs, 'cf_a2', {
        title: 'Hirsch-Apotheke',
        kind: 'data_mismatch',
        fields: [
          {
            field: 'notes',
            reported: false,
            before: text('Schulung Rezeptprüfung.'),
            platform: text('Schulung Rezeptprüfung, 12 Personen.'),
            calendar: text('Schulung Rezeptprüfung. Parkplatz im Hof, Code 4711.'),
          },
        ],
        same_fields: ['time', 'title', 'location'],
      }),
      resolution: 'keep_platform',
      by_policy: true,
      at: iso(nowMs - 26 * HOUR),
      undo: quiet,
    },
    {
      conflict: moved('cf_a3', 'Engel-Apotheke'),
      resolution: 'keep_platform',
      by_policy: false,
      at: iso(nowMs - 3 * DAY),
      undo: { ...quiet, not_possible: 'changed_since' },
    },
    {
      conflict: one(nowMs, 'cf_a4', {
        title: 'Yoga #linden',
        appointment_id: 'marked_cf_a4',
        cause: 'marked',
        kind: 'created_externally',
        fields: [timeField(UNKNOWN, UNKNOWN, at(6, 17))],
        choices: ['create', 'dismiss'],
      }),
      resolution: 'dismiss',
      by_policy: false,
      at: iso(nowMs - 9 * DAY),
      undo: { ...quiet, not_possible: 'gone' },
    },
    {
      conflict: moved('cf_a5', 'Linden-Apotheke'),
      resolution: 'most_recent',
      by_policy: true,
      at: iso(nowMs - 21 * DAY),
      undo: { ...quiet, not_possible: 'over' },
    },
  ];
}
