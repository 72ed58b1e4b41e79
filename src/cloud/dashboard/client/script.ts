import type { Browser, PageElement } from './dom.ts';

/**
 * What runs in the browser, and adds to pages that work without it: news as they come, copy buttons, times that stay right, and forms
 * that don't reload the page. Its text is what is served: it may use nothing from outside of itself.
 */
export function clientScript(browser: Browser): void {
  const { document } = browser;
  const $ = (selector: string): PageElement | null => document.querySelector(selector);

  const relative = (at: number): string => {
    const seconds = Math.max(0, Math.round((Date.now() - at) / 1000));
    if (seconds < 10) return 'just now';
    if (seconds < 60) return `${seconds} s ago`;
    if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
    if (seconds < 86400) return `${Math.floor(seconds / 3600)} h ago`;
    const days = Math.floor(seconds / 86400);
    return days === 1 ? 'yesterday' : `${days} days ago`;
  };
  const tick = (): void => {
    for (const element of document.querySelectorAll('time[datetime]')) {
      const text = relative(Date.parse(element.getAttribute('datetime') ?? ''));
      if (element.textContent !== text) element.textContent = text;
    }
  };

  /** Puts `next` in the place of `old`, piece by piece: what did not change keeps its focus, and an open question stays open. */
  const renew = (old: PageElement, next: PageElement): void => {
    const keys = (root: PageElement) => [...root.querySelectorAll('[data-key]')];
    const before = keys(old);
    const after = keys(next);
    const sameRows = before.length === after.length && before.every((element, index) => element.dataset['key'] === after[index]?.dataset['key']);
    if (old.querySelector(':popover-open') !== null) {
      if (!sameRows) waiting = next;
      return;
    }
    const focused = document.activeElement?.closest('[data-focus]')?.dataset['focus'];
    if (sameRows && before.length > 0) {
      before.forEach((element, index) => {
        const changed = after[index];
        if (changed !== undefined && element.outerHTML !== changed.outerHTML) element.replaceWith(changed);
      });
    } else old.replaceChildren(...next.childNodes);
    if (focused !== undefined) old.querySelector(`[data-focus="${focused}"]`)?.focus({ preventScroll: true });
    tick();
  };
  let waiting: PageElement | undefined;
  document.addEventListener('toggle', () => {
    const live = $('#live');
    if (waiting === undefined || live === null || live.querySelector(':popover-open') !== null) return;
    const next = waiting;
    waiting = undefined;
    renew(live, next);
  });

  const parse = (text: string): PageElement => {
    const template = document.createElement('template');
    template.innerHTML = text;
    return template.content;
  };
  const live = $('#live');
  const state = $('#live-state');
  const say = (text: string, tone: string): void => {
    if (state === null) return;
    state.hidden = false;
    state.innerHTML = `<span class="dot ${tone}"></span>${text}`;
  };
  if (live !== null) {
    const events = new browser.EventSource(live.dataset['events'] ?? '');
    events.addEventListener('open', () => say('Live', 'good'));
    events.addEventListener('error', () => say('Reconnecting', 'warn'));
    events.addEventListener('fragment', ({ data }) => renew(live, parse(data ?? '')));
    // The session ended: the next page says so.
    events.addEventListener('over', () => browser.location.reload());
  }

  document.addEventListener('click', ({ target }) => {
    const button = target.closest('[data-copy]');
    if (button === null) {
      // A menu closes when something else is pressed.
      for (const menu of document.querySelectorAll('details.menu[open]')) if (target.closest('details') !== menu) menu.open = false;
      return;
    }
    browser.navigator.clipboard?.writeText(button.dataset['copy'] ?? '').then(
      () => {
        const label = button.querySelector('[data-label]') ?? button;
        const before = label.innerHTML;
        label.textContent = 'Copied';
        setTimeout(() => {
          label.innerHTML = before;
        }, 1500);
      },
      () => {},
    );
  });

  document.addEventListener('keydown', ({ key }) => {
    if (key !== 'Escape') return;
    for (const menu of document.querySelectorAll('details.menu[open]')) {
      if (menu.querySelector(':focus') !== null) menu.querySelector('summary')?.focus();
      menu.open = false;
    }
  });

  document.addEventListener('change', ({ target }) => {
    if (target.matches('[data-submit]')) target.closest('form')?.submit();
  });

  // Buttons of the live list act without a reload; where anything is unusual, the browser does it as it would without this.
  $('#act')?.addEventListener('submit', (event) => {
    const { target: form, submitter } = event;
    if (submitter === undefined || submitter === null) return;
    event.preventDefault();
    const body = new URLSearchParams([...new browser.FormData(form, submitter)]);
    fetch(submitter.formAction, { method: 'POST', body })
      .then(async (answer) => {
        const page = new browser.DOMParser().parseFromString(await answer.text(), 'text/html');
        const [flash, next] = [page.querySelector('#flash'), page.querySelector('#live')];
        const here = $('#flash');
        if (!answer.ok || flash === null || next === null || here === null || live === null) return browser.location.reload();
        (live.querySelector(':popover-open') as unknown as { hidePopover(): void } | null)?.hidePopover();
        here.innerHTML = flash.innerHTML;
        renew(live, next);
      })
      .catch(() => browser.location.reload());
  });

  // On a phone the pages' names are a row that scrolls.
  $('.nav [aria-current]')?.scrollIntoView({ block: 'nearest', inline: 'center' });
  setInterval(tick, 5000);
}
