/** Colours, type and spacing: one accent, greys that are warm in light and cool in dark, steps of four pixels. */
export const BASE = `
:root {
  color-scheme: light dark;
  --page: #fafaf8; --card: #ffffff; --sunken: #f3f3f0; --line: #e5e5e0; --line-strong: #8a8b88;
  --ink: #18191b; --soft: #5b5e66; --faint: #6c6f77;
  --accent: #4338ca; --accent-strong: #3730a3; --accent-soft: #eef0ff; --on-accent: #ffffff; --mark: #ffffff;
  --good: #166534; --good-soft: #e6f4ea; --good-dot: #16a34a;
  --warn: #854d0e; --warn-soft: #fdf3d8; --warn-dot: #d97706;
  --bad: #a3201d; --bad-soft: #fdecea; --bad-dot: #dc2626;
  --shadow: 0 1px 2px rgb(24 25 27 / 5%), 0 1px 1px rgb(24 25 27 / 3%);
  --lift: 0 12px 32px rgb(24 25 27 / 16%), 0 2px 6px rgb(24 25 27 / 8%);
  --sans: Inter, ui-sans-serif, system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif;
  --mono: ui-monospace, SFMono-Regular, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace;
  --radius: 12px; --radius-small: 8px;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #0e0f11; --card: #16181b; --sunken: #1d1f23; --line: #282b30; --line-strong: #747982;
    --ink: #ececee; --soft: #a3a7b0; --faint: #8d929c;
    --accent: #a5a8ff; --accent-strong: #c0c2ff; --accent-soft: #22233f; --on-accent: #14143a; --mark: #14143a;
    --good: #7ee2a0; --good-soft: #14291c; --good-dot: #34d399;
    --warn: #f3c969; --warn-soft: #2d2410; --warn-dot: #fbbf24;
    --bad: #ff9f99; --bad-soft: #341917; --bad-dot: #f87171;
    --shadow: none; --lift: 0 16px 40px rgb(0 0 0 / 60%), 0 0 0 1px #2f3238;
  }
}
*, *::before, *::after { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body { margin: 0; background: var(--page); color: var(--ink); font: 400 15px/1.5 var(--sans); font-feature-settings: "cv11", "ss03"; }
h1, h2, h3, p, dl, dd, ul, ol, figure { margin: 0; padding: 0; }
ul, ol { list-style: none; }
h1 { font-size: 24px; line-height: 1.25; font-weight: 640; letter-spacing: -.021em; }
h2 { font-size: 16px; line-height: 1.35; font-weight: 620; letter-spacing: -.008em; }
code, pre, kbd { font: 500 .87em/1.5 var(--mono); overflow-wrap: anywhere; }
a { color: var(--accent); text-underline-offset: 3px; text-decoration-thickness: 1px; }
a:hover { color: var(--accent-strong); }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; border-radius: 6px; }
::selection { background: var(--accent); color: var(--on-accent); }
.icon { flex: none; display: block; }
.soft { color: var(--soft); } .faint { color: var(--faint); }
.small-text { font-size: 13px; line-height: 1.45; }
.number { font-variant-numeric: tabular-nums; }
.sr { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.skip { position: absolute; left: 12px; top: -60px; z-index: 20; background: var(--accent); color: var(--on-accent); padding: 8px 14px; border-radius: var(--radius-small); }
.skip:focus { top: 12px; color: var(--on-accent); }
.mark { color: var(--accent); display: block; flex: none; }

/* the frame: a side bar, a top bar where there is no room for one */
.frame { min-height: 100vh; min-height: 100dvh; display: grid; grid-template-columns: 248px minmax(0, 1fr); }
.side { position: sticky; top: 0; height: 100vh; height: 100dvh; display: flex; flex-direction: column; gap: 20px; padding: 20px 14px 14px; border-right: 1px solid var(--line); background: var(--card); }
.brand { display: flex; align-items: center; gap: 10px; padding: 0 8px; color: var(--ink); text-decoration: none; font-weight: 640; letter-spacing: -.015em; font-size: 16px; }
.brand:hover { color: var(--ink); }
.nav ul { display: grid; gap: 2px; }
.nav a { display: flex; align-items: center; gap: 11px; padding: 7px 10px; border-radius: var(--radius-small); color: var(--soft); text-decoration: none; font-weight: 500; white-space: nowrap; }
.nav a:hover { background: var(--sunken); color: var(--ink); }
.nav a[aria-current] { background: var(--accent-soft); color: var(--accent-strong); font-weight: 600; }
.nav .badge { margin-left: auto; font-size: 12px; font-variant-numeric: tabular-nums; }
.side .account { margin-top: auto; }
.main { min-width: 0; padding: 32px 40px 64px; }
.main > .inner { max-width: 1320px; margin: 0 auto; display: grid; gap: 24px; }
.main > .inner > * { min-width: 0; }
.head { display: flex; flex-wrap: wrap; align-items: flex-start; justify-content: space-between; gap: 12px 24px; }
.head p { color: var(--soft); margin-top: 4px; max-width: 68ch; }
.crumb { font-size: 13px; margin-bottom: 6px; }
.crumb a { color: var(--soft); text-decoration: none; } .crumb a:hover { text-decoration: underline; }

/* menus that open without JavaScript */
.menu { position: relative; }
.menu > summary { list-style: none; cursor: pointer; }
.menu > summary::-webkit-details-marker { display: none; }
.picker { display: flex; align-items: center; gap: 10px; width: 100%; padding: 7px 8px; border: 1px solid var(--line); border-radius: 10px; background: var(--page); }
.picker:hover { border-color: var(--line-strong); }
.picker .who { min-width: 0; display: grid; line-height: 1.3; }
.picker .who > * { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.picker .icon { margin-left: auto; color: var(--faint); }
.menu .sheet { position: absolute; z-index: 10; left: 0; right: 0; min-width: 216px; padding: 6px; background: var(--card); border: 1px solid var(--line); border-radius: var(--radius); box-shadow: var(--lift); }
.side .menu.down .sheet { top: calc(100% + 6px); } .side .menu.up .sheet { bottom: calc(100% + 6px); }
.sheet button, .sheet a { display: flex; align-items: center; gap: 10px; width: 100%; padding: 7px 9px; border: 0; border-radius: 7px; background: none; color: var(--ink); font: inherit; text-align: left; text-decoration: none; cursor: pointer; }
.sheet button:hover, .sheet a:hover { background: var(--sunken); }
.sheet hr { border: 0; border-top: 1px solid var(--line); margin: 6px 0; }
.sheet [aria-current] { font-weight: 600; color: var(--accent-strong); }

@media (max-width: 1023px) {
  .frame { grid-template-columns: minmax(0, 1fr); grid-template-rows: auto 1fr; }
  .side { position: static; height: auto; display: grid; grid-template-columns: auto minmax(0, 1fr) auto; align-items: center; gap: 10px 12px; padding: 12px 20px 0; border-right: 0; border-bottom: 1px solid var(--line); }
  .side .brand span { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); } .brand { padding: 0; }
  .side .org { max-width: 280px; }
  .side .account { margin: 0; position: relative; grid-column: 3; grid-row: 1; } .side .account .picker > .icon { display: none; } .side .account .picker .who { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  .side .account .picker { padding: 3px; border-color: transparent; background: none; }
  .side .menu.up .sheet { bottom: auto; top: calc(100% + 6px); left: auto; right: 0; }
  .nav { grid-column: 1 / -1; grid-row: 2; overflow-x: auto; margin: 0 -20px; padding: 0 20px; scrollbar-width: none; }
  .nav ul { display: flex; gap: 4px; padding-bottom: 8px; width: max-content; }
  .nav a { padding: 7px 11px; }
  .main { padding: 24px 20px 56px; }
}
@media (max-width: 480px) {
  .side { padding: 10px 16px 0; } .nav { margin: 0 -16px; padding: 0 16px; } .nav .icon { display: none; }
  .main { padding: 20px 16px 48px; } .main > .inner { gap: 20px; }
  h1 { font-size: 22px; }
}
@media (prefers-reduced-motion: no-preference) {
  .nav a, button, .button, input, select { transition: background-color .12s, border-color .12s, color .12s; }
}
`;
