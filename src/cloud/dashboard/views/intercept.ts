import type { AuditEntry } from '../../store/index.ts';
import { avatar, cell, copyable, emptyState, type Html, html, type Part, pill, row, table, time } from '../html.ts';
import { icon } from '../icons.ts';
import { csrfField } from '../layout.ts';
import type { InterceptPreview, InterceptRow } from '../rows.ts';
import { rateText, type Traffic } from '../traffic.ts';
import { endQuestion, filtersOf, STATES, visibilityButton } from './live-list.ts';

/** The form that buttons of a page belong to: they say by themselves where they go. */
export const actionForm = (csrf: string, back: string): Html =>
  html`<form id="act" method="post" hidden>${csrfField(csrf)}<input type="hidden" name="back" value="${back}"></form>`;

export function visitTable(visits: readonly AuditEntry[], now: number, withIntercept: boolean): Html {
  return table({
    label: 'Visits',
    columns: ['Visitor', ...(withIntercept ? ['Preview of'] : []), 'From', 'With', 'When'],
    rows: visits.map((visit) =>
      row([
        cell(
          '',
          visit.userId === null
            ? html`<div class="person"><span class="avatar">${icon('globe')}</span><span class="soft">Somebody with the link</span></div>`
            : html`<div class="person">${avatar(visit.actor)}<span class="strong">${visit.actor}</span></div>`,
          'full',
        ),
        ...(withIntercept ? [cell('Preview of', html`<span class="clip">${visit.detail['intercept'] ?? ''}</span>`)] : []),
        cell('From', html`<code class="address">${visit.address ?? ''}</code>`),
        cell('With', html`${visit.detail['browser'] ?? ''}`),
        cell('When', time(visit.at, now)),
      ]),
    ),
  });
}

function previewCard(preview: InterceptPreview, name: string, now: number): Html {
  const { ingress } = preview;
  return html`<section class="card"><header><h2>Preview</h2>${visibilityButton(preview, name)}<p>${
    preview.public ? 'Anyone who has the link can open it, without signing in.' : 'Only members of this organisation can open it, after signing in.'
  }</p></header><div class="body">${copyable(preview.url, `the link of ${name}`)}
<div class="actions"><a class="button primary" href="${preview.url}" target="_blank" rel="noreferrer">${icon('open')} Open preview</a><button form="act" formaction="/previews/${preview.id}/${
    preview.public ? 'private' : 'public'
  }" class="plain">${icon(preview.public ? 'lock' : 'globe')} ${preview.public ? 'Require sign-in' : 'Make public'}</button><button form="act" formaction="/previews/${preview.id}/remove" class="danger">Remove preview</button></div>
<dl class="facts small-text"><dt>Enters at</dt><dd><code>${ingress.host}:${ingress.port}</code> ${ingress.tls ? (ingress.ca === undefined ? 'with TLS, certificate not checked' : 'with TLS, certificate checked') : 'in cleartext'}</dd><dt>As host</dt><dd><code>${
    ingress.l5host
  }</code></dd><dt>Created</dt><dd>${time(preview.createdAt, now)}${preview.by === undefined ? '' : ` by ${preview.by}`}</dd></dl></div></section>`;
}

/** A shell word. */
const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

export function interceptPage(line: InterceptRow, traffic: Traffic, visits: readonly AuditEntry[], now: number): Part[] {
  const { intercept, cluster, owner, state, previews } = line;
  const filters = filtersOf(intercept);
  const { tone, label } = STATES[state];
  const view = traffic.view(intercept);
  const header = previews[0]?.header;
  const by =
    header === undefined
      ? undefined
      : `curl -H ${quoted(`${header.name}: ${header.value}`)} ${quoted(`http://${intercept.service ?? intercept.workload.name}.${intercept.namespace}:${intercept.port}/`)}`;
  return [
    html`<div class="columns"><div>${previews.map((preview) => previewCard(preview, intercept.name, now))}
<section class="card"><header><h2>Who visited</h2>${previews.length > 0 ? html`<p>A row for each visitor’s stay, not for each request.</p>` : ''}</header>${
      visits.length === 0
        ? emptyState(
            icon('visits'),
            'No visitor yet',
            html`<p>${previews.length === 0 ? 'This intercept has no preview link. Its owner adds one with `telepresence preview create`.' : 'Copy the link and send it to somebody.'}</p>`,
          )
        : visitTable(visits, now, false)
    }</section></div>
<div><section class="card"><header><h2>Intercept</h2>${pill(tone, label)}</header><div class="body">${intercept.message === undefined || intercept.message === '' ? '' : html`<p class="soft">${intercept.message}</p>`}
<dl class="facts"><dt>Owner</dt><dd>${owner}</dd>${owner === intercept.user ? '' : html`<dt>Known as</dt><dd>${intercept.user}</dd>`}<dt>Workstation</dt><dd>${intercept.hostname ?? 'unknown'}${
      intercept.target === undefined ? '' : html` <span class="soft">→ ${intercept.target.host}:${intercept.target.port}</span>`
    }</dd><dt>Cluster</dt><dd>${cluster?.name ?? 'removed'}</dd><dt>Namespace</dt><dd>${intercept.namespace}</dd><dt>Workload</dt><dd>${intercept.workload.kind.toLowerCase()}/${intercept.workload.name}</dd><dt>Port</dt><dd>${intercept.port}${
      intercept.service === undefined ? '' : html` <span class="soft">of service ${intercept.service}</span>`
    }</dd><dt>Takes</dt><dd>${filters.length === 0 ? 'all traffic' : html`<div class="chips">${filters.map((filter) => html`<span class="chip wrap">${filter}</span>`)}</div>`}</dd><dt>Requests</dt><dd class="number">${rateText(view.rate)} /s <span class="soft">${
      view.total === undefined ? '' : `· ${view.total.toLocaleString('en')} so far`
    }</span></dd><dt>Since</dt><dd>${time(intercept.since, now, 'unknown')}</dd></dl>
<div class="actions"><button type="button" class="danger" popovertarget="end-${intercept.uid}">${icon('end')} End intercept</button>${endQuestion(line)}</div></div></section>
${
  by === undefined
    ? ''
    : html`<section class="card"><header><h2>From inside the cluster</h2></header><div class="body"><p class="soft small-text">A request with this header goes to the workstation, wherever it comes from.</p>${copyable(by, 'the command')}</div></section>`
}</div></div>`,
  ];
}
