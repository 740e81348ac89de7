import type { DeletePlan, DeleteReport, MirrorRow, SettingsPatch, SettingsView, Sight } from '$lib/bindings';
import { offline } from '$lib/overview/status';
import type { Area, Args } from '../area';
import { emptyOverview, iso } from '../data';
import { withoutNone, writtenBefore } from './filters';
import { leftOut, titleUnder } from './settings';

export const NOTES = 'Handzettel mitbringen. Eingang über den Hof.';
export const CLIENT = 'Frau Klein';
const CONTACT = '+49 30 1234567';
const BUSY: Sight = { title: null, location: null, notes: null };

/** Stands in for the app where it is about the mirror and leaving without a trace. */
export const privacy: Area = ({ state, now, refuse, changed }) => {
  let report: DeleteReport | undefined;
  const unreported = () => state.rows.filter((r) => r.reason === 'retrying').length;
  const events = () => state.rows.filter(writtenBefore).length;

  function under(patch: SettingsPatch): SettingsView {
    const { types_off, ...plain } = withoutNone(patch);
    const next = { ...structuredClone(state.settings), ...(plain as Partial<SettingsView>) };
    if (types_off) next.types = next.types.map((t) => ({ ...t, on: !types_off.includes(t.id) }));
    return next;
  }

  return {
    privacy_mirror: ({ patch }: Args): MirrorRow[] => {
      const s = under(patch as SettingsPatch);
      return state.rows
        .filter((r) => Date.parse(r.start) < now() + 7 * 86_400_000)
        .map((row) => {
          const out = !!leftOut(s, row);
          const full = s.privacy === 'full' && !row.private;
          const notes = [
            s.notes ? NOTES : '',
            s.client_names ? CLIENT : '',
            s.client_names && s.client_contact ? CONTACT : '',
          ].filter(Boolean);
          return {
            appointment_id: row.id,
            start: row.start,
            end: row.end,
            zone: row.zone,
            left_out: out,
            free: false,
            stranger: BUSY,
            shared: out
              ? BUSY
              : {
                  title: titleUnder(s, row),
                  location: full ? row.location : null,
                  notes: full && notes.length ? notes.join('\n') : null,
                },
            you: { title: row.title, location: row.location, notes: `${NOTES}\n${CLIENT}, ${CONTACT}` },
          };
        });
    },
    preview_delete_everything: (): DeletePlan => {
      const both = !!state.overview.platform && !!state.overview.calendar;
      return {
        events: both ? events() : 0,
        kept: both ? 17 : 0,
        unreported: both ? unreported() : 0,
        elsewhere: 0,
        local_only: !both,
        calendar: state.overview.calendar?.email ?? null,
        platform: state.overview.platform?.name ?? null,
        history: state.history.length,
      };
    },
    delete_everything: async ({ confirmed, evenSo }: Args): Promise<DeleteReport> => {
      if (offline(state.overview)) refuse('offline', { retryable: true });
      const both = !!state.overview.platform && !!state.overview.calendar;
      if (both && confirmed !== events()) refuse('stale');
      if (both && unreported() && !evenSo) refuse('moves_waiting', { detail: String(unreported()) });
      const google = state.overview.problem?.code !== 'google_unreachable';
      const deleted = state.rows
        .filter(writtenBefore)
        .slice(0, google ? undefined : 9)
        .map((r) => `rt${r.id.replace('apt_', '')}k7d2m9q4`);
      report = {
        at: iso(now()),
        deleted,
        kept: both ? 17 : 0,
        elsewhere: 0,
        local_only: !both,
        left: google && both ? 0 : null,
        calendar_revoked: google,
        platform_revoked: google,
        platform_told: google,
        local_data_removed: google,
        file_compacted: google,
        key_removed: google,
        paused: !google,
        problem: google ? null : 'events_remain',
        checksum: '5f2c9a41d0b7e6388c1f4e2a97d3b605e8a1c4f7029d6b3e5a8c7f1024d9be63',
      };
      if (google) {
        Object.assign(state.overview, emptyOverview());
        state.rows = [];
        state.history = [];
        state.runs = [];
        state.conflicts = [];
        state.questions = [];
        void changed('overview', 'settings', 'appointments', 'history', 'conflicts');
      }
      return report;
    },
    save_delete_report: () =>
      report ? { name: 'roundtrip-proof.json', lines: report.deleted.length + 11 } : refuse('gone'),
  };
};
