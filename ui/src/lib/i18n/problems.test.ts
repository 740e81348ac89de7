import { beforeEach, describe, expect, it } from 'vitest';
import { nextStep } from '$lib/settings/checks';
import { m } from '$lib/paraglide/messages';
import { useLanguage } from './locale.svelte';
import { problemWords } from './problems';

const PLATFORM = 'Linden Akademie';

describe.each(['en', 'de'] as const)('what is wrong, in %s', (language) => {
  beforeEach(() => useLanguage(language, language === 'de' ? 'de-DE' : 'en-GB'));

  it.each(['right_missing', 'wrong_certificate'])('names the service of %s', (code) => {
    expect(problemWords(`google_${code}`, PLATFORM).title).toContain('Google');
    const platform = problemWords(`platform_${code}`, PLATFORM);
    expect(platform.title).toContain(PLATFORM);
    expect(`${platform.title} ${platform.why}`).not.toMatch(/calendar|Kalender/);
    // What lies behind a silence is said in the words of the service that is silent.
    expect(problemWords('no_success_2h_platform', PLATFORM, code).why).toContain(platform.title);
  });

  it('says for a calendar that may only be read who can help, and leads to the choice of another', () => {
    const { why } = problemWords('calendar_read_only', PLATFORM);
    expect(why).toMatch(/Ask its owner|Bitten Sie die Person/);
    expect(why).not.toMatch(/[Ss]ign in|[Mm]elden Sie sich/);
    expect(nextStep('calendar_read_only', () => undefined).label).toBe(m.a_choose_calendar());
    expect(nextStep('google_right_missing', () => undefined).label).toBe(m.a_reconnect_google());
  });

  it('names the way out while nothing may be deleted', () => {
    const { title, why } = problemWords('deletion_off', PLATFORM);
    expect(title).toContain(PLATFORM);
    expect(why).toMatch(/disconnect Google Calendar and keep the events|trennen Sie Google Kalender und behalten/);
  });

  it('speaks of both services, and of no address, where neither is proven', () => {
    const { title, why } = problemWords('nobody_proven', PLATFORM);
    expect(title).toContain('Google');
    expect(title).toContain(PLATFORM);
    expect(`${title} ${why}`).not.toMatch(/address|Adresse/);
    // It is said of a silence too, whichever side is silent.
    for (const code of ['no_success_2h', 'no_success_2h_google'])
      expect(problemWords(code, PLATFORM, 'nobody_proven').why).toContain(title);
  });

  it('calls an open decision no move, and says of nothing that waits that it was about a deletion', () => {
    const { title, why } = problemWords('moves_waiting', PLATFORM);
    for (const words of [
      title,
      m.pr_unreported({ count: 1, platform: PLATFORM }),
      m.pr_unreported({ count: 3, platform: PLATFORM }),
    ])
      expect(words).toMatch(/open decision|offene Entscheidung/);
    expect(why).not.toMatch(/delete|gelöscht/);
  });
});
