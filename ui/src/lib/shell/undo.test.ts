import { afterEach, describe, expect, it, vi } from 'vitest';
import { toast } from 'svelte-sonner';
import { offerUndo, undo } from './undo.svelte';

afterEach(() => {
  undo.clear();
  vi.restoreAllMocks();
  toast.dismiss();
});

describe('undo', () => {
  it('takes back what was done last, each only once', () => {
    const first = vi.fn(async () => undefined);
    const second = vi.fn(async () => undefined);
    offerUndo({ text: 'One', undo: first });
    offerUndo({ text: 'Two', undo: second });
    expect(undo.newest()).toBe(true);
    expect([first.mock.calls.length, second.mock.calls.length]).toEqual([0, 1]);
    expect(undo.newest()).toBe(true);
    expect(undo.newest()).toBe(false);
    expect([first.mock.calls.length, second.mock.calls.length]).toEqual([1, 1]);
  });

  it('is offered for ten seconds at the least', () => {
    const said = vi.spyOn(toast, 'success');
    offerUndo({ text: 'Short', undo: async () => undefined, ms: 500 });
    offerUndo({ text: 'Long', undo: async () => undefined, ms: 20_000 });
    expect(said.mock.calls.map(([, options]) => options?.duration)).toEqual([10_000, 20_000]);
  });

  it('is over when the toast is', () => {
    const said = vi.spyOn(toast, 'success');
    offerUndo({ text: 'Gone', undo: async () => undefined });
    said.mock.calls[0]?.[1]?.onAutoClose?.({ id: 1, type: 'success' });
    expect(undo.possible).toBe(false);
  });

  it('says what could not be taken back', async () => {
    const failed = vi.spyOn(toast, 'error');
    offerUndo({ text: 'Done', undo: () => Promise.reject(new Error('no')) });
    undo.newest();
    await vi.waitFor(() => expect(failed).toHaveBeenCalledOnce());
  });
});
