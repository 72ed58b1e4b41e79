import { CSRF_FIELD } from '../pages.ts';
import type { Membership, User } from '../store/index.ts';
import { ICON_PATH, SCRIPT, STYLE } from './assets.ts';
import { avatar, type Html, html, type Part } from './html.ts';
import { type IconName, icon, mark } from './icons.ts';

function page(title: string, body: Part, script: boolean): Html {
  return html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>${title} · Telepresence</title>
<meta name="color-scheme" content="light dark"><link rel="icon" href="${ICON_PATH}" type="image/svg+xml"><link rel="stylesheet" href="${STYLE.path}">${
    script ? html`<script defer src="${SCRIPT.path}"></script>` : ''
  }</head>${body}</html>`;
}

/** What every page of somebody who is signed in shows around itself. */
export interface Frame {
  user: User;
  organisation: Membership | undefined;
  organisations: readonly Membership[];
  csrf: string;
  /** What was just done, in a sentence. */
  flash: string | undefined;
  /** Active intercepts, beside their link. */
  active: number | undefined;
}

const PLACES = [
  ['/', 'intercepts', 'Intercepts'],
  ['/visits', 'visits', 'Visits'],
  ['/clusters', 'clusters', 'Clusters'],
  ['/members', 'members', 'Members'],
  ['/keys', 'keys', 'Access'],
  ['/audit', 'audit', 'Audit log'],
] as const satisfies [string, IconName, string][];
export type Place = (typeof PLACES)[number][0];

export const csrfField = (csrf: string): Html => html`<input type="hidden" name="${CSRF_FIELD}" value="${csrf}">`;

function organisationMenu({ organisation, organisations, csrf }: Frame): Html {
  return html`<details class="menu down org"><summary class="picker"><span class="sr">Organisation: </span>${avatar(organisation?.name ?? '?')}<span class="who"><span class="strong">${
    organisation?.name ?? 'No organisation'
  }</span><span class="small-text soft">${organisation?.role ?? ''}</span></span>${icon('switch')}</summary>
<form class="sheet" method="post" action="/organisation">${csrfField(csrf)}${organisations.map(
    ({ id, name }) =>
      html`<button name="organisation" value="${id}" ${id === organisation?.id ? 'aria-current="true"' : ''}>${avatar(name)}<span class="clip">${name}</span></button>`,
  )}<hr><a href="/organisations/new">${icon('plus')} New organisation</a></form></details>`;
}

function accountMenu({ user, csrf }: Frame): Html {
  return html`<details class="menu up account"><summary class="picker"><span class="sr">Account: </span>${avatar(user.name)}<span class="who"><span class="strong">${user.name}</span><span class="small-text soft">${
    user.email ?? ''
  }</span></span>${icon('more')}</summary><form class="sheet" method="post" action="/sign-out">${csrfField(csrf)}<button>${icon('leave')} Sign out</button></form></details>`;
}

export interface FramedPage {
  title: string;
  at: Place | undefined;
  /** Below the title. */
  lead?: Part;
  crumb?: { href: string; label: string };
  /** Beside the title. */
  aside?: Part;
  body: Part | Part[];
}

export function framed(frame: Frame, { title, at, lead, crumb, aside, body }: FramedPage): Html {
  const nav = PLACES.map(
    ([href, name, label]) =>
      html`<li><a href="${href}" ${href === at ? 'aria-current="page"' : ''}>${icon(name)} ${label}${
        href === '/' && frame.active ? html`<span class="badge"><span class="sr">, </span>${frame.active}<span class="sr"> active</span></span>` : ''
      }</a></li>`,
  );
  return page(
    title,
    html`<body><a class="skip" href="#main">Skip to content</a><div class="frame"><header class="side"><a class="brand" href="/">${mark()}<span>Telepresence</span></a>
${organisationMenu(frame)}<nav class="nav" aria-label="Main"><ul>${nav}</ul></nav>${accountMenu(frame)}</header>
<main class="main" id="main" tabindex="-1"><div class="inner"><div><div class="head"><div>${crumb === undefined ? '' : html`<p class="crumb"><a href="${crumb.href}">${crumb.label}</a></p>`}<h1>${title}</h1>${
      lead === undefined ? '' : html`<p>${lead}</p>`
    }</div>${aside ?? ''}</div><div id="flash" role="status">${frame.flash === undefined ? '' : html`<p class="flash">${frame.flash}</p>`}</div></div>${body}</div></main></div></body>`,
    true,
  );
}

/** Pages before and beside the dashboard: one card. */
export function door(title: string, card: Part, foot: Part = ''): Html {
  return page(
    title,
    html`<body><div class="door"><main><span class="brand">${mark()}<span>Telepresence</span></span><div class="card">${card}</div></main>${foot === '' ? '' : html`<footer class="foot">${foot}</footer>`}</div></body>`,
    false,
  );
}
