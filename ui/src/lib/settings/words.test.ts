import { describe, expect, it } from 'vitest';
import { CommandError } from '$lib/command';
import { m } from '$lib/paraglide/messages';
import { fieldWords } from './words';

const said = (code: string) =>
  fieldWords(new CommandError({ code, detail: null, field: 'calendar_id', retryable: false }), 'the own words');

describe('words under a field', () => {
  it('claims of no calendar that is about to be chosen that a right was taken away', () => {
    expect(said('calendar_read_only')).toBe(m.st_cal_read_only());
    expect(said('bad_input')).toBe('the own words');
  });
});
