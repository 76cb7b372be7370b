/** The style of the page: light and dark as the reader's system is, one column on a phone, two on a screen. */
export const style = `
:root { color-scheme: light dark; --text: #1a1d21; --dim: #565d66; --ground: #ffffff; --raised: #f4f6f8; --line: #d4d9df;
  --one: #0b62c4; --two: #b4470d; --three: #1c7c3c; --four: #8a35b5; --five: #a3195b; --six: #5c5c00; }
@media (prefers-color-scheme: dark) {
  :root { --text: #e8eaed; --dim: #a4acb6; --ground: #14171a; --raised: #1e2327; --line: #3a4148;
    --one: #6cb2ff; --two: #ffa46b; --three: #6bd08b; --four: #d5a0f5; --five: #ff8fc0; --six: #d9d65c; }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--text); font: 16px/1.5 system-ui, sans-serif; }
main, header, footer { max-width: 1400px; margin: 0 auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; line-height: 1.25; margin: 1.5rem 0 .5rem; }
h2 { font-size: 1.15rem; margin: 0; }
p { margin: .4rem 0; max-width: 75ch; }
.dim, figcaption, footer { color: var(--dim); }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 30rem), 1fr)); gap: 1rem; margin: 1rem 0 2rem; }
figure { margin: 0; padding: 1rem; background: var(--raised); border: 1px solid var(--line); border-radius: 8px; min-width: 0; }
.canvas { position: relative; height: 20rem; margin-top: .75rem; }
.lying-bars { height: 26rem; }
details { margin-top: .5rem; }
summary { cursor: pointer; }
.tools { display: flex; flex-wrap: wrap; gap: .5rem 1.5rem; align-items: center; margin: .75rem 0; }
input[type=search] { font: inherit; color: inherit; background: var(--ground); border: 1px solid var(--dim); border-radius: 4px; padding: .3rem .5rem; max-width: 100%; }
.scroll { overflow-x: auto; border: 1px solid var(--line); border-radius: 8px; }
table { border-collapse: collapse; width: 100%; font-size: .9rem; }
th, td { padding: .35rem .6rem; text-align: left; vertical-align: top; border-bottom: 1px solid var(--line); }
.number { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
thead th { background: var(--raised); vertical-align: bottom; }
th button { font: inherit; font-weight: 600; color: inherit; background: none; border: 0; padding: 0; cursor: pointer; text-align: inherit; white-space: nowrap; }
th[aria-sort=ascending] button::after { content: " \\25B2"; }
th[aria-sort=descending] button::after { content: " \\25BC"; }
tbody th { font-weight: 600; overflow-wrap: anywhere; min-width: 11rem; }
@media (min-width: 40rem) { .volumes th:first-child { position: sticky; left: 0; } .volumes tbody th { background: var(--ground); } }
tbody .below { display: block; font-weight: 400; white-space: pre; font-size: .85rem; }
.advice { min-width: 15rem; }
.class { display: none; }
.all-classes .class { display: table-cell; }
:focus-visible { outline: 3px solid var(--one); outline-offset: 2px; }
footer { margin: 2rem auto; font-size: .9rem; }
@media (max-width: 40rem) { .canvas:not(.lying-bars) { height: 16rem; } h1 { font-size: 1.3rem; } }
@media print { .tools { display: none; } .scroll { overflow: visible; } }
`;
