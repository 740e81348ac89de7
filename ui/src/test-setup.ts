import { clearMocks, mockIPC } from '@tauri-apps/api/mocks';
import { cleanup } from '@testing-library/svelte';
import { afterEach, beforeAll, vi } from 'vitest';

// What jsdom lacks of a web view.
beforeAll(() => {
  vi.stubGlobal(
    'ResizeObserver',
    class {
      observe() {}
      unobserve() {}
      disconnect() {}
    },
  );
  // Without layout every row of a virtual list would be 0 high, and all of them would be drawn.
  Object.defineProperty(HTMLElement.prototype, 'offsetHeight', { configurable: true, get: () => 60 });
  HTMLCanvasElement.prototype.getContext = () => null;
  Element.prototype.scrollIntoView ??= () => undefined;
  vi.stubGlobal('scrollTo', () => undefined);
  vi.stubGlobal('matchMedia', (query: string) => ({
    matches: false,
    media: query,
    addEventListener: () => undefined,
    removeEventListener: () => undefined,
    addListener: () => undefined,
    removeListener: () => undefined,
  }));
  Element.prototype.animate ??= (() => ({
    finished: Promise.resolve(),
    cancel: () => undefined,
    onfinish: null,
  })) as never;
});

afterEach(() => {
  cleanup();
  clearMocks();
  // A call that a timer of the last test still makes is never answered, instead of failing in the next one.
  mockIPC(() => new Promise(() => undefined));
  location.hash = '';
});
