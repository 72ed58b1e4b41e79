/** Buttons, fields, cards, tables, and the few shapes of the live list. */
/** The rules of a table that is shown as cards, nested below its selector. */
const CARDS = (): string => `
  &, & tbody, & td { display: block; } & thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  & tbody tr { position: relative; padding: 16px; border-bottom: 1px solid var(--line); display: grid; gap: 10px; } & tbody tr:last-child { border-bottom: 0; }
  & td, & td:first-child, & td:last-child { padding: 0; border: 0; } & tbody tr:hover td { background: none; }
  & td[data-label]:not([data-label=""]) { display: grid; grid-template-columns: 92px minmax(0, 1fr); gap: 12px; align-items: center; }
  & td[data-label]:not([data-label=""])::before { content: attr(data-label); color: var(--soft); font-size: 13px; }
  & td > .pill, & td > .chip { justify-self: start; } & td.full { padding-right: 44px; } & td.full:not(:has(.stack, .person)) { padding-right: 88px; } & td.end { position: absolute; top: 12px; right: 10px; text-align: right; } & td[data-label]:empty { display: none; }
`;

export const PARTS = `
.button, button { font: 550 14px/1.3 var(--sans); cursor: pointer; }
.button, button.primary, button.plain, button.danger { display: inline-flex; align-items: center; justify-content: center; gap: 7px; min-height: 36px; padding: 7px 14px; border-radius: 9px; border: 1px solid var(--line); background: var(--card); color: var(--ink); text-decoration: none; box-shadow: var(--shadow); }
.button:hover, button.plain:hover { background: var(--sunken); color: var(--ink); }
.button.primary, button.primary { background: var(--accent); border-color: var(--accent); color: var(--on-accent); }
.button.primary:hover, button.primary:hover { background: var(--accent-strong); border-color: var(--accent-strong); color: var(--on-accent); }
button.danger { color: var(--bad); } button.danger:hover { background: var(--bad-soft); border-color: var(--bad); }
button.danger.solid { background: var(--bad); border-color: var(--bad); color: var(--card); } button.danger.solid:hover { filter: brightness(1.1); }
.wide { width: 100%; }
button.ghost, a.ghost { display: inline-flex; align-items: center; gap: 6px; border: 0; background: none; color: var(--soft); padding: 6px; border-radius: 7px; text-decoration: none; }
button.ghost:hover, a.ghost:hover { background: var(--sunken); color: var(--ink); }
.ghost.small { font-size: 13px; padding: 3px 7px; }
.ghost .icon { width: 18px; height: 18px; }
.actions { display: flex; flex-wrap: wrap; gap: 8px; align-items: center; }

.field { display: grid; gap: 6px; align-content: start; }
.field label, legend { font-weight: 550; font-size: 14px; } legend { padding: 0; margin-bottom: 8px; }
input, select { font: 400 15px/1.4 var(--sans); color: var(--ink); background: var(--card); border: 1px solid var(--line-strong); border-radius: 9px; padding: 8px 11px; min-height: 38px; width: 100%; }
input:hover, select:hover { border-color: var(--soft); }
input:focus-visible, select:focus-visible { outline-offset: 0; border-color: var(--accent); border-radius: 9px; }
select { appearance: none; padding-right: 34px; background-image: linear-gradient(45deg, transparent 50%, var(--soft) 50%), linear-gradient(135deg, var(--soft) 50%, transparent 50%); background-position: calc(100% - 18px) calc(50% + 1px), calc(100% - 12px) calc(50% + 1px); background-size: 6px 6px; background-repeat: no-repeat; }
select.compact { width: auto; min-height: 32px; padding: 4px 30px 4px 10px; font-size: 14px; border-color: var(--line); }
.hint { color: var(--soft); font-size: 13px; }
.alert { background: var(--bad-soft); color: var(--bad); border-radius: 10px; padding: 10px 14px; font-size: 14px; font-weight: 500; }
.flash { margin-top: 16px; display: flex; gap: 10px; align-items: center; background: var(--good-soft); color: var(--good); border-radius: 10px; padding: 10px 14px; font-weight: 500; }
.inline { display: flex; flex-wrap: wrap; gap: 12px; align-items: end; } .inline.top { align-items: start; } .inline .field { flex: 1 1 200px; } .inline .field.narrow { flex: 0 1 150px; } .inline > button { min-height: 39px; }
.inline-form { display: inline-flex; gap: 8px; align-items: center; }

.card { background: var(--card); border: 1px solid var(--line); border-radius: var(--radius); box-shadow: var(--shadow); }
.card > header { display: flex; flex-wrap: wrap; gap: 4px 16px; align-items: center; justify-content: space-between; padding: 16px 20px; border-bottom: 1px solid var(--line); }
.card > header p { color: var(--soft); font-size: 14px; flex-basis: 100%; } .card > header p > * { max-width: 72ch; }
.card .body { padding: 20px; display: grid; gap: 16px; }
.card .body p { max-width: 72ch; }
.columns { display: grid; gap: 24px; grid-template-columns: minmax(0, 1fr) minmax(0, 340px); align-items: start; } .columns > * { display: grid; gap: 24px; min-width: 0; }
@media (max-width: 1180px) { .columns { grid-template-columns: minmax(0, 1fr); } }
.secret { border-color: var(--accent); background: var(--accent-soft); }
.secret .copyable code { background: var(--card); }
.copyable { display: flex; flex-wrap: wrap; gap: 6px; align-items: center; min-width: 0; }
.copyable code { flex: 0 1 auto; min-width: 0; padding: 6px 10px; border-radius: 8px; background: var(--sunken); }
.copyable button { flex: none; }

.stats { display: grid; grid-template-columns: repeat(4, minmax(0, 1fr)); background: var(--card); border: 1px solid var(--line); border-radius: var(--radius); box-shadow: var(--shadow); overflow: hidden; }
.stats div { padding: 14px 20px 15px; border-left: 1px solid var(--line); } .stats div:first-child { border-left: 0; }
.stats dt { color: var(--soft); font-size: 13px; } .stats dd { font-size: 24px; font-weight: 620; letter-spacing: -.02em; line-height: 1.3; font-variant-numeric: tabular-nums; }
.stats dd small { font-size: 14px; font-weight: 450; color: var(--soft); letter-spacing: 0; }
@media (max-width: 640px) { .stats { grid-template-columns: 1fr 1fr; } .stats div { padding: 12px 16px; } .stats div:nth-child(odd) { border-left: 0; } .stats div:nth-child(n + 3) { border-top: 1px solid var(--line); } .stats dd { font-size: 21px; } }

.table { width: 100%; border-collapse: collapse; }
.table th { text-align: left; font-size: 12.5px; font-weight: 550; color: var(--soft); padding: 10px 12px; border-bottom: 1px solid var(--line); white-space: nowrap; }
.table time { white-space: nowrap; } .table td { padding: 13px 12px; border-bottom: 1px solid var(--line); vertical-align: middle; }
.table th:first-child, .table td:first-child { padding-left: 20px; } .table th:last-child, .table td:last-child { padding-right: 16px; }
.table tbody tr:last-child td { border-bottom: 0; }
.table tbody tr:hover td { background: color-mix(in srgb, var(--sunken) 45%, transparent); }
.table .end { text-align: right; } .table .end > * { justify-content: flex-end; }
.stack { display: grid; gap: 2px; min-width: 0; } .stack > * { min-width: 0; }
.person { display: flex; gap: 10px; align-items: center; min-width: 0; }
.strong { font-weight: 580; overflow-wrap: anywhere; } a.strong { color: var(--ink); text-decoration: none; } a.strong:hover { text-decoration: underline; }
.workload { display: flex; gap: .35em; }
.clip { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.avatar { flex: none; width: 32px; height: 32px; border-radius: 50%; display: grid; place-items: center; font-size: 12px; font-weight: 620; letter-spacing: .01em; background: var(--sunken); color: var(--ink); }
.tint-0 { background: #e0e7ff; color: #3730a3; } .tint-1 { background: #d5f5e3; color: #14532d; } .tint-2 { background: #fde8d4; color: #7c2d12; }
.tint-3 { background: #fce1ee; color: #831843; } .tint-4 { background: #d9effc; color: #0c4a6e; } .tint-5 { background: #ece4fd; color: #4c1d95; }
@media (prefers-color-scheme: dark) {
  .tint-0 { background: #2b2d5c; color: #c7d2fe; } .tint-1 { background: #17402a; color: #bbf7d0; } .tint-2 { background: #4a2c18; color: #fed7aa; }
  .tint-3 { background: #4a1f35; color: #fbcfe8; } .tint-4 { background: #173a50; color: #bae6fd; } .tint-5 { background: #35255f; color: #ddd6fe; }
}
.pill { display: inline-flex; align-items: center; gap: 6px; padding: 2px 9px; border-radius: 99px; font-size: 12.5px; font-weight: 550; white-space: nowrap; background: var(--sunken); color: var(--soft); }
.pill .icon { width: 14px; height: 14px; margin-left: -2px; }
.pill.good { background: var(--good-soft); color: var(--good); } .pill.warn { background: var(--warn-soft); color: var(--warn); }
.pill.bad { background: var(--bad-soft); color: var(--bad); } .pill.accent { background: var(--accent-soft); color: var(--accent-strong); }
.dot { flex: none; width: 9px; height: 9px; border-radius: 50%; background: var(--line-strong); }
.dot.good { background: var(--good-dot); box-shadow: 0 0 0 3px var(--good-soft); } .dot.warn { background: var(--warn-dot); box-shadow: 0 0 0 3px var(--warn-soft); } .dot.bad { background: var(--bad-dot); box-shadow: 0 0 0 3px var(--bad-soft); }
.chips { display: flex; flex-wrap: wrap; gap: 4px; } .chip { display: inline-block; max-width: 100%; padding: 2px 7px; border-radius: 6px; background: var(--sunken); color: var(--soft); font: 500 12px/1.5 var(--mono); overflow: hidden; text-overflow: ellipsis; white-space: nowrap; vertical-align: bottom; }
.spark { display: block; } .spark-line { stroke: var(--accent); stroke-width: 1.5; stroke-linejoin: round; } .spark-area { fill: var(--accent); opacity: .12; }
button.toggle { border: 0; cursor: pointer; padding: 4px 10px 4px 8px; } button.toggle:hover { filter: brightness(.95); } @media (prefers-color-scheme: dark) { button.toggle:hover { filter: brightness(1.25); } }
.preview { display: flex; align-items: center; gap: 2px; } .preview .toggle { margin-right: 4px; } .nowrap { white-space: nowrap; }
.chip.wrap { white-space: normal; overflow-wrap: anywhere; }
.live-region { display: grid; gap: 24px; }
.traffic { display: flex; align-items: center; gap: 8px; white-space: nowrap; }

.popover { position: fixed; inset: 0; margin: auto; width: min(420px, calc(100vw - 32px)); height: fit-content; border: 0; border-radius: 16px; padding: 24px; background: var(--card); color: var(--ink); box-shadow: var(--lift); text-align: left; }
.popover::backdrop { background: rgb(12 13 16 / 45%); }
.popover h2 { font-size: 18px; margin-bottom: 8px; } .popover p { color: var(--soft); } .popover .actions { margin-top: 20px; justify-content: flex-end; }

.facts { display: grid; grid-template-columns: minmax(84px, max-content) minmax(0, 1fr); gap: 11px 24px; } .facts dt { color: var(--soft); } .facts dd { min-width: 0; overflow-wrap: anywhere; }
.empty { text-align: center; padding: 56px 24px 60px; display: grid; justify-items: center; gap: 10px; } .empty p { color: var(--soft); max-width: 52ch; }
.empty-icon { display: grid; place-items: center; width: 52px; height: 52px; border-radius: 16px; background: var(--accent-soft); color: var(--accent-strong); margin-bottom: 6px; }
.terminal { display: grid; gap: 4px; width: min(520px, 100%); margin-top: 8px; padding: 14px 16px; border-radius: 10px; background: var(--sunken); text-align: left; } .terminal code::before { content: "$ "; color: var(--faint); }
.pager { padding: 12px 20px; border-top: 1px solid var(--line); display: flex; justify-content: flex-end; }
.live { display: inline-flex; align-items: center; gap: 8px; font-size: 13px; color: var(--soft); padding-top: 8px; } .live[hidden] { display: none; }
.tabs { display: flex; gap: 4px; overflow-x: auto; scrollbar-width: none; } .tabs a { padding: 5px 12px; border-radius: 99px; color: var(--soft); text-decoration: none; font-weight: 550; font-size: 14px; white-space: nowrap; } .tabs a:hover { background: var(--sunken); color: var(--ink); } .tabs a[aria-current] { background: var(--ink); color: var(--page); }

.cards-below + .body, .body + .cards-below { border-top: 1px solid var(--line); }
/* a table becomes cards where its own box is too small for it */
.cards-below { container-type: inline-size; }
.intercepts { table-layout: fixed; }
.intercepts th:nth-child(1) { width: 22.5%; } .intercepts th:nth-child(2) { width: 13%; } .intercepts th:nth-child(3) { width: 13.5%; } .intercepts th:nth-child(5) { width: 142px; } .intercepts th:nth-child(6) { width: 92px; } .intercepts th:nth-child(7) { width: 160px; } .intercepts th:nth-child(8) { width: 46px; }
.takes .chip { white-space: normal; overflow-wrap: anywhere; }
@container (min-width: 640px) { .table .address { display: inline-block; min-width: 15ch; } .table:not(.intercepts) .full .person { min-width: 190px; } .table:not(.intercepts) .chips { min-width: 200px; } }
@container (min-width: 900px) { .table .address { white-space: nowrap; } }
@container (max-width: 640px) { .table:not(.intercepts) { ${CARDS()} } }
@container (min-width: 1000px) and (max-width: 1280px) { .intercepts td:nth-child(2) .avatar { display: none; } .intercepts td, .intercepts th { padding-left: 10px; padding-right: 10px; } }
@container (max-width: 1000px) { .intercepts { ${CARDS()} } }
@container (min-width: 600px) and (max-width: 1000px) { .intercepts tbody tr { grid-template-columns: 1fr 1fr; gap: 12px 24px; } .intercepts td.full { grid-column: 1 / -1; } }

/* signing in, invitations, giving access: one card on an empty page */
.door { min-height: 100vh; min-height: 100dvh; display: grid; align-content: center; justify-items: center; padding: 24px 16px 48px; }
.door main { width: 100%; max-width: 400px; display: grid; gap: 22px; }
.door .brand { justify-content: center; padding: 0; font-size: 17px; }
.door .card { padding: 28px; display: grid; gap: 18px; } .door h1 { font-size: 22px; } .door .lead { color: var(--soft); margin-top: -10px; }
.door form { display: grid; gap: 16px; } .door .foot { color: var(--soft); font-size: 13px; text-align: center; padding-top: 24px; }
.door .or { display: flex; gap: 12px; align-items: center; color: var(--soft); font-size: 13px; } .door .or::before, .door .or::after { content: ""; flex: 1; height: 1px; background: var(--line); }
.door .choices { display: grid; gap: 8px; } .door .code { font: 500 13px/1.4 var(--mono); color: var(--soft); }
.door fieldset { border: 0; margin: 0; padding: 0; display: grid; gap: 8px; } .radio { display: flex; gap: 10px; align-items: center; padding: 10px 12px; border: 1px solid var(--line); border-radius: 10px; cursor: pointer; } .radio:hover { border-color: var(--line-strong); } .radio:has(:checked) { border-color: var(--accent); background: var(--accent-soft); } .radio input { width: 16px; min-height: 16px; height: 16px; accent-color: var(--accent); margin: 0; }
@media (max-width: 420px) { .door .card { padding: 22px 20px; } }
@media (forced-colors: active) { .dot, .pill { border: 1px solid; } }
`;
