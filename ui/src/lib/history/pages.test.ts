import { describe, expect, it } from 'vitest';
import type { HistoryQuery, HistoryRow, PastCalendar } from '$lib/bindings';
import { Pages } from './pages.svelte';
import { Past } from './past.svelte';

const START = Date.parse('2026-11-21T09:00:00Z');
/** So many lines, a second apart, newest first; every second one is a problem. */
const lines = (count: number): HistoryRow[] =>
  Array.from({ length: count }, (_, i) => {
    const at = new Date(START - i * 1000).toISOString();
    return { id: `h${i}`, result: i % 2 ? 'problem' : 'ok', at } as unknown as HistoryRow;
  });
const of = (all: HistoryRow[], { result, before, limit }: Partial<HistoryQuery>) =>
  all.filter((row) => (!result || row.result === result) && (!before || row.at < before)).slice(0, limit);

/** Answers that come when the test says so, in the order of the questions. */
function asked<Q, A>() {
  const open: { query: Q; answer: (a: A) => void; refuse: (e: unknown) => void }[] = [];
  const ask = (query: Q) => new Promise<A>((answer, refuse) => open.push({ query, answer, refuse }));
  return { open, ask };
}
const settled = () => new Promise<void>((done) => setTimeout(done));
const results = (pages: Pages) => [...new Set(pages.rows.map((row) => row.result as string))].sort();

describe('pages of lines', () => {
  const ALL = lines(250);

  async function read() {
    const { open, ask } = asked<Partial<HistoryQuery>, HistoryRow[]>();
    const pages = new Pages(ask);
    const answer = async (i: number) => {
      const question = open[i];
      question?.answer(of(ALL, question.query));
      await settled();
    };
    void pages.start({});
    await answer(0);
    expect(pages.rows).toHaveLength(100);
    return { open, pages, answer };
  }

  it('shows nothing of the older filter when its page comes after the new question', async () => {
    const { pages, answer } = await read();
    void pages.next();
    void pages.start({ result: 'problem' });
    await answer(1);
    expect(results(pages)).toEqual(['ok', 'problem']);
    await answer(2);
    expect(results(pages)).toEqual(['problem']);
  });

  it('joins no lines of the older filter to the new one when something is written meanwhile', async () => {
    const { pages, answer } = await read();
    void pages.next();
    await answer(1);
    void pages.start({ result: 'problem' });
    void pages.refresh();
    await answer(3);
    await answer(2);
    expect(results(pages)).toEqual(['problem']);
    expect(pages.rows).toHaveLength(100);
  });

  it('asks anew, and appends nothing to the older filter, where the new question had no answer', async () => {
    const { open, pages, answer } = await read();
    void pages.start({ result: 'problem' });
    open[1]?.refuse(new Error('the database is gone'));
    await settled();
    expect(pages.error?.code).toBe('unknown');
    void pages.next();
    await answer(2);
    expect(results(pages)).toEqual(['problem']);
  });

  it('asks anew also where the lines of the older question were all', async () => {
    const { open, ask } = asked<Partial<HistoryQuery>, HistoryRow[]>();
    const pages = new Pages(ask);
    void pages.start({});
    open[0]?.answer(ALL.slice(0, 3));
    await settled();
    expect([pages.more, pages.outdated]).toEqual([false, false]);
    void pages.start({ result: 'problem' });
    open[1]?.refuse(new Error('the database is gone'));
    await settled();
    expect(pages.outdated).toBe(true);
    void pages.next();
    expect(open).toHaveLength(3);
    open[2]?.answer(ALL.filter((row) => row.result === 'problem').slice(0, 2));
    await settled();
    expect(results(pages)).toEqual(['problem']);
  });

  it('reads all pages although something is written meanwhile', async () => {
    const { open, pages, answer } = await read();
    void pages.refresh();
    void pages.rest(12_000);
    for (let i = 1; i < 8 && i <= open.length; i += 1) await answer(i);
    expect(pages.rows).toHaveLength(250);
    expect(pages.more).toBe(false);
  });

  it('goes on with no page of the older filter once another one is asked for', async () => {
    const { open, pages, answer } = await read();
    void pages.rest(12_000);
    void pages.start({ result: 'problem' });
    for (let i = 1; i < 8; i += 1) await answer(i);
    expect(open.map(({ query }) => query.result)).toEqual([undefined, undefined, 'problem']);
    expect(results(pages)).toEqual(['problem']);
  });
});

describe('the calendar as it was', () => {
  const at = (earliest: string) => ({ events: [], earliest }) as unknown as PastCalendar;

  it('does not keep what was asked before something was written', async () => {
    const { open, ask } = asked<number, PastCalendar>();
    const past = new Past(ask);
    void past.look(1);
    past.forget();
    void past.look(1);
    open[1]?.answer(at('new'));
    await settled();
    open[0]?.answer(at('old'));
    await settled();
    expect(past.shown?.earliest).toBe('new');
    void past.look(1);
    await settled();
    expect(open).toHaveLength(2);
    expect(past.shown?.earliest).toBe('new');
  });
});
