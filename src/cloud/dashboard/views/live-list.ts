import { INTERCEPT_ID_HEADER } from '../../../protocol/cloud.ts';
import { avatar, cell, count, emptyState, type Html, html, type Part, pill, row, type Tone, table, time } from '../html.ts';
import { icon, sparkline } from '../icons.ts';
import type { InterceptPreview, InterceptRow, Overview } from '../rows.ts';
import { rateText, type Traffic } from '../traffic.ts';

export const STATES: Record<InterceptRow['state'], { tone: Tone; label: string }> = {
  active: { tone: 'good', label: 'Active' },
  waiting: { tone: 'warn', label: 'Waiting' },
  degraded: { tone: 'warn', label: 'Degraded' },
  asleep: { tone: 'calm', label: 'Asleep' },
  error: { tone: 'bad', label: 'Error' },
};

/** The conditions that a request must meet, as people write them. */
export function filtersOf({ mechanism, http }: InterceptRow['intercept']): string[] {
  if (mechanism === 'tcp' || http === undefined) return [];
  const value = (match: Record<string, unknown>) => (typeof match['exact'] === 'string' ? `= ${match['exact']}` : `~ ${String(match['regex'])}`);
  return [
    ...http.headers.map(({ name, value: match }) => `${name} ${value(match)}`),
    ...http.paths.map((match) => ('equal' in match ? `path = ${match.equal}` : 'prefix' in match ? `path ^ ${match.prefix}` : `path ~ ${match.regex}`)),
  ];
}

/** The mark of a personal intercept says no more than that it is one; the whole of it stands in the title. */
function shortFilter(filter: string): string {
  return filter.startsWith(INTERCEPT_ID_HEADER) ? 'personal' : filter;
}

/** Lines of a narrow column end behind a slash, not within a word. */
function breakable(text: string): Part[] {
  const [first = '', ...others] = text.split('/');
  return [first, ...others.map((part) => html`/<wbr>${part}`)];
}

/** Buttons belong to the form `act`, which stands outside of what is renewed and holds the CSRF field. */
export function visibilityButton(preview: InterceptPreview, name: string): Html {
  const [action, label, tone] = preview.public ? ['private', 'Public', 'accent'] : ['public', 'Private', 'calm'];
  return html`<button form="act" formaction="/previews/${preview.id}/${action}" class="pill ${tone} toggle" data-focus="visibility-${preview.id}" title="${
    preview.public ? 'Anyone with the link can open it. Press to make it private.' : 'Only members can open it. Press to make it public.'
  }">${icon(preview.public ? 'globe' : 'lock')}${label}<span class="sr">: make the preview of ${name} ${action}</span></button>`;
}

function previewCell({ previews, intercept }: InterceptRow): Part {
  if (previews.length === 0) return html`<span class="faint">None</span>`;
  return html`<div class="stack previews">${previews.map(
    (preview) =>
      html`<div class="preview">${visibilityButton(preview, intercept.name)}<button type="button" class="ghost" data-copy="${preview.url}" data-focus="copy-${preview.id}">${icon(
        'copy',
      )}<span data-label class="sr">Copy the link of ${intercept.name}</span></button><a class="ghost" href="${preview.url}" target="_blank" rel="noreferrer" data-focus="open-${preview.id}">${icon(
        'open',
      )}<span class="sr">Open the preview of ${intercept.name}</span></a></div>`,
  )}</div>`;
}

export function endQuestion({ intercept, owner }: InterceptRow): Html {
  return html`<div popover id="end-${intercept.uid}" class="popover" role="dialog" aria-label="End ${intercept.name}?"><h2>End ${intercept.name}?</h2><p>${owner}’s workstation gets no more of its requests, and its preview links stop working. The service in the cluster answers again.</p>
<div class="actions"><button type="button" class="plain" popovertarget="end-${intercept.uid}" popovertargetaction="hide">Keep it</button><button form="act" formaction="/intercepts/${intercept.uid}/end" class="danger solid">End intercept</button></div></div>`;
}

function trafficCell(line: InterceptRow, traffic: Traffic, now: number): Part {
  const { rate, steps, total, lastAt } = traffic.view(line.intercept);
  const last: Part =
    line.state === 'asleep'
      ? html`seen ${time(line.intercept.lastSeen, now, 'a while ago')}`
      : lastAt !== undefined
        ? html`seen ${time(lastAt, now)}`
        : total === undefined
          ? 'not counted'
          : total === 0
            ? 'no request yet'
            : `${total.toLocaleString('en')} so far`;
  return html`<div class="stack"><div class="traffic">${steps.length > 1 ? sparkline(steps) : ''}<span class="number strong">${rateText(rate)}${rate === undefined ? '' : html`<span class="soft"> /s</span>`}</span></div><span class="small-text soft">${last}</span></div>`;
}

function interceptRow(line: InterceptRow, traffic: Traffic, now: number): Html {
  const { intercept, cluster, owner, state } = line;
  const { tone, label } = STATES[state];
  const filters = filtersOf(intercept);
  const { name } = intercept.workload;
  const kind = intercept.workload.kind.toLowerCase();
  return row(
    [
      cell(
        '',
        html`<div class="person"><span class="dot ${tone}"></span><div class="stack"><span><a class="strong" href="/intercepts/${intercept.uid}" data-focus="name-${intercept.uid}">${intercept.name}</a>${
          state === 'active' ? html`<span class="sr"> (${label})</span>` : html` ${pill(tone, label)}`
        }</span><span class="small-text soft workload"><span class="clip" title="${kind}/${name}">${kind === 'deployment' ? name : `${kind}/${name}`}</span> <span class="nowrap">· port ${intercept.port}</span></span></div></div>`,
        'full',
      ),
      cell(
        'Who',
        html`<div class="person">${avatar(owner)}<div class="stack"><span class="clip">${owner}</span><span class="small-text soft clip">${intercept.hostname ?? ''}</span></div></div>`,
      ),
      cell(
        'Where',
        html`<div class="stack"><span class="clip">${cluster?.name ?? 'removed cluster'}</span><span class="small-text soft clip">${intercept.namespace}</span></div>`,
      ),
      cell(
        'Takes',
        filters.length === 0
          ? html`<span class="chip">all traffic</span>`
          : html`<div class="chips">${filters.map((filter) => html`<span class="chip" title="${filter}">${breakable(shortFilter(filter))}</span>`)}</div>`,
        'takes',
      ),
      cell('Requests', trafficCell(line, traffic, now)),
      cell('Since', html`<span class="small-text soft nowrap">${time(intercept.since, now, 'unknown')}</span>`),
      cell('Preview', previewCell(line)),
      cell(
        '',
        html`<button type="button" class="ghost" popovertarget="end-${intercept.uid}" data-focus="end-${intercept.uid}">${icon('end')}<span class="sr">End ${intercept.name}</span></button>${endQuestion(line)}`,
        'end corner',
      ),
    ],
    intercept.uid,
  );
}

function stats({ rows, clusters, linked, previews, publicPreviews }: Overview, traffic: Traffic): Html {
  const rates = rows.map(({ intercept }) => traffic.view(intercept).rate);
  const known = rates.filter((rate) => rate !== undefined);
  const sum = known.length === 0 ? undefined : known.reduce((all, rate) => all + rate, 0);
  return html`<dl class="stats" data-key="stats"><div><dt>Intercepts</dt><dd>${rows.length}</dd></div><div><dt>Requests per second</dt><dd>${rateText(sum)}</dd></div><div><dt>Previews</dt><dd>${previews}${
    previews === 0 ? '' : html` <small>${publicPreviews === 0 ? 'all private' : `${publicPreviews} public`}</small>`
  }</dd></div><div><dt>Clusters</dt><dd>${linked}${clusters === 0 ? '' : html` <small>of ${clusters} connected</small>`}</dd></div></dl>`;
}

/** Everything of the intercepts page that changes by itself. No session's secret is in it: all who look get the same. */
export function liveList(overview: Overview, traffic: Traffic, now: number): Html {
  const { rows, clusters } = overview;
  if (rows.length === 0) {
    return html`${stats(overview, traffic)}<section class="card">${emptyState(
      icon('intercepts'),
      'Nothing is intercepted right now',
      html`<p>${
        clusters === 0
          ? 'Log in from a workstation, connect it to a cluster, and intercept a service: it shows up here with a link to share.'
          : 'As soon as somebody intercepts a service, it shows up here with a link to share.'
      }</p><div class="terminal">${['telepresence login', 'telepresence connect', 'telepresence intercept SERVICE --port 8080'].map((line) => html`<code>${line}</code>`)}</div>`,
    )}</section>`;
  }
  return html`${stats(overview, traffic)}<section class="card" aria-label="${count(rows.length, 'intercept')}">${table({
    label: 'Intercepts',
    class: 'intercepts',
    columns: ['Intercept', 'Who', 'Where', 'Takes', 'Requests', 'Since', 'Preview', '-End'],
    rows: rows.map((line) => interceptRow(line, traffic, now)),
  })}</section>`;
}
