import { describe, expect, it } from 'vitest';
import type { OverallState, Overview } from '$lib/bindings';
import { emptyOverview } from '../../mock/data';
import { googleAccount, platformAccount } from '../../mock/model';
import { sideTone } from './status';

const NOW = Date.parse('2026-11-21T09:00:00Z');

function tones(state: OverallState, code?: string, service: string | null = null): string[] {
  const problem = { service, detail: null, since: null, retry_at: null, action: 'try_again' };
  const read = { last_read_at: '2026-11-21T08:58:00Z' };
  const overview: Overview = {
    ...emptyOverview(),
    started: true,
    state,
    platform: platformAccount(NOW, read),
    calendar: googleAccount(NOW, read),
    problem: code ? { ...problem, code } : null,
  };
  return [overview.platform, overview.calendar].map((account) => sideTone(overview, account));
}

describe('the mark of a side', () => {
  it('is green at no side while neither can be reached or proves who it is', () => {
    for (const code of ['offline', 'nobody_proven', undefined])
      expect(tones('offline', code), code).toEqual(['idle', 'idle']);
    // After two hours the same is called a silence, and needs somebody.
    expect(tones('needs_attention', 'no_success_2h')).toEqual(['idle', 'idle']);
  });

  it('stays green at the side that answers', () => {
    expect(tones('up_to_date')).toEqual(['ok', 'ok']);
    expect(tones('offline', 'google_wrong_certificate', 'google')).toEqual(['ok', 'idle']);
    expect(tones('needs_attention', 'no_success_2h_platform', 'platform')).toEqual(['idle', 'ok']);
    expect(tones('needs_attention', 'clock_wrong')).toEqual(['ok', 'ok']);
  });
});
