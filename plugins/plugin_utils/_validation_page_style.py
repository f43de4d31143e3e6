# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module is private to the collection: it can change without notice.

"""The style of the validation report's page."""

from __future__ import annotations

# Ansible takes two opening braces, and one with a # or a %, for a template, so none stand together.
STYLE = r"""
:root {
  color-scheme: light dark;
  --text: #1c2128; --soft: #57606b; --back: #ffffff; --card: #f6f8fa; --line: #d8dee4; --link: #0a58ca;
  --good: #1a6b33; --good-back: #e7f5eb; --bad: #97121f; --bad-back: #fde3e3; --bad-line: #d1343f;
  --unsure: #6b4a00; --unsure-back: #fdf0cc; --unsure-line: #c99a1e;
}
@media (prefers-color-scheme: dark) {
  :root {
    --text: #e6e9ed; --soft: #a4aeb9; --back: #14171b; --card: #1d2127; --line: #363d46; --link: #8ab8ff;
    --good: #8fdba4; --good-back: #16301f; --bad: #ffb9bb; --bad-back: #4a1a1f; --bad-line: #e5606a;
    --unsure: #fadb8d; --unsure-back: #40330f; --unsure-line: #d0a437;
  }
}
* { box-sizing: border-box; }
[hidden] { display: none !important; }
body {
  margin: 0 auto; padding: 1.5rem 1.25rem 3rem; max-width: 82rem; color: var(--text); background: var(--back);
  font: 1rem/1.45 -apple-system, "Segoe UI", Roboto, "Noto Sans", "Liberation Sans", system-ui, sans-serif;
  overflow-wrap: anywhere;
}
h1 { margin: 0; font-size: 1.5rem; }
h2 { margin: 1.75rem 0 .5rem; font-size: 1.1rem; }
p { margin: .2rem 0; }
a { color: var(--link); }
.soft { color: var(--soft); font-size: .875rem; }
:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; }

/* What is not valid has a colour, what is valid stays calm; and every colour only repeats a word. */
.valid { color: var(--good); }
.none { color: var(--soft); }
.invalid { color: var(--bad); background: var(--bad-back); }
.indeterminate { color: var(--unsure); background: var(--unsure-back); }
.verdict { display: inline-block; margin: .8rem 0; padding: .5rem .9rem; border-radius: .5rem; font-weight: 600; }
.verdict.valid { background: var(--good-back); }

.figures {
  display: grid; grid-template-columns: repeat(auto-fit, minmax(6rem, 1fr)); gap: .5rem; margin: 0; padding: 0;
  list-style: none;
}
.figures li { background: none; }
.figures li > * {
  display: block; height: 100%; padding: .5rem .7rem; border: 1px solid var(--line); border-radius: .5rem;
  background: var(--card); color: var(--soft); font-size: .8125rem; text-decoration: none;
}
.figures a { color: var(--link); }
.figures a:hover { border-color: var(--link); }
.figures strong { display: block; font-size: 1.4rem; line-height: 1.2; color: var(--text); }
.figures .valid strong { color: var(--good); }
.figures .invalid strong { color: var(--bad); }
.figures .indeterminate strong { color: var(--unsure); }

.entries { margin: 0; padding: 0; list-style: none; font-size: .9375rem; }
.entries li {
  display: grid; grid-template-columns: 1fr auto; gap: 0 1rem; margin: .4rem 0; padding: .45rem .8rem;
  border-left: .25rem solid var(--line);
  border-radius: .25rem; color: var(--text); background: var(--card);
}
.entries .valid { border-color: var(--good); }
.entries .invalid { border-color: var(--bad-line); }
.entries .indeterminate { border-color: var(--unsure-line); }
.entries strong { font-weight: 600; }
.entries p { grid-column: 1 / -1; }
.entries a { display: inline-block; min-height: 1.5rem; }

#filter {
  display: flex; flex-wrap: wrap; align-items: end; gap: .6rem .9rem; margin: 0 0 .75rem; font-size: .875rem;
  scroll-margin-top: 3rem;
}
#filter label > span { display: block; color: var(--soft); font-size: .8125rem; }
#filter label:first-child { flex: 1 1 14rem; }
#filter [type=search], #filter select, #filter button {
  width: 100%; height: 2.75rem; padding: 0 .7rem; border: 1px solid var(--line); border-radius: .4rem;
  color: inherit; background: var(--back); font: inherit;
}
#filter ::placeholder { color: var(--soft); opacity: 1; }
#filter select { width: 11rem; }
#filter button { width: auto; background: var(--card); cursor: pointer; }
#filter .choice { display: flex; align-items: center; gap: .4rem; height: 2.75rem; cursor: pointer; }
#filter [type=checkbox] { width: 1.15rem; height: 1.15rem; margin: 0; accent-color: var(--link); }
#filter p { flex-basis: 100%; margin: 0; color: var(--soft); }

/* A table scrolls in a box of its own, in which its head and its first column stay. Each row is a grid of its own, with
   the same columns as all others, so that of many rows the browser lays out only those that are in sight. */
.box { max-height: 90vh; overflow: auto; border: 1px solid var(--line); border-radius: .5rem; }
table, thead, tbody { display: block; min-width: min-content; }
table { font-size: .875rem; line-height: 1.4; }
tr { display: grid; grid-auto-flow: column; border-bottom: 1px solid var(--line); }
.many tbody tr { content-visibility: auto; }
tbody tr:last-child { border-bottom: 0; }
th, td { padding: .4rem .7rem; text-align: left; overflow-wrap: anywhere; }
thead { position: sticky; top: 0; z-index: 2; background: var(--card); }
thead th { align-self: end; }
th:first-child {
  position: sticky; left: 0; z-index: 1; align-self: stretch; border-right: 1px solid var(--line);
  background: var(--back);
}
thead th:first-child { display: flex; align-items: end; background: var(--card); }
th span, th small { color: var(--soft); font-weight: 400; }
th span { display: block; font-size: .8125rem; }
small { display: block; font-size: .8125rem; }
b { font-weight: 600; }
thead th:has(button) { padding: 0; }
thead button {
  position: relative; width: 100%; min-height: 2.75rem; padding: .4rem .7rem; border: 0; background: none;
  color: inherit; font: inherit; text-align: left; overflow-wrap: anywhere; cursor: pointer;
}
thead button:hover { color: var(--link); }
thead button:focus-visible { outline-offset: -2px; }
[aria-sort] button::after { content: "\2191"; position: absolute; top: .4rem; right: .3rem; }
[aria-sort=descending] button::after { content: "\2193"; }
.matrix tr { grid-template-columns: minmax(8rem, 16rem); grid-auto-columns: minmax(7.5rem, 1fr); }
.matrix tbody tr { contain-intrinsic-size: auto 2.1rem; }
.matrix td span { white-space: nowrap; font-size: .8125rem; }
.matrix .valid span, .overall span { color: var(--soft); }
.matrix .across small { max-width: min(40rem, 55vw); }
.matrix .overall { border-right: 1px solid var(--line); background: none; }
.changed b::before { content: "\25CF  "; font-size: .6875rem; vertical-align: .05rem; }
.details { font-size: .8125rem; }
.details tr {
  grid-template-columns: 12.5rem 7rem 8rem 8.5rem 4.5rem 5.5rem 4.5rem 9.5rem minmax(16.5rem, 1fr);
}
.details tbody tr { contain-intrinsic-size: auto 3.2rem; }
.details small { font-size: .75rem; }
.details td:empty::before { content: "-"; color: var(--soft); }
.details td:not([class]) small { color: var(--soft); }

details { margin-top: 1rem; }
summary { padding: .6rem 0; cursor: pointer; }
summary h2 { display: inline; }
.legend { margin: 0; padding: 0; list-style: none; font-size: .875rem; }
.legend li { margin: .4rem 0; }
.legend b { display: inline-block; padding: 0 .5rem; border-radius: .3rem; }

@media (max-width: 40rem) {
  body { padding: 1rem .75rem 2rem; }
  .figures { grid-template-columns: repeat(3, 1fr); }
  .entries li { grid-template-columns: 1fr; }
  .entries span { order: 1; }
  .entries a { min-height: 2.75rem; padding: .6rem 0; }
  #filter { display: grid; grid-template-columns: 1fr 1fr; }
  #filter label:first-child { grid-column: 1 / -1; }
  #filter p { align-self: center; }
  #filter select { width: 100%; }
  .matrix { font-size: .8125rem; }
  .matrix tr { grid-template-columns: 7rem; grid-auto-columns: minmax(6.5rem, 1fr); }
  .matrix tbody tr { contain-intrinsic-size: auto 3.1rem; }
  .matrix tbody th, .matrix td, thead button { padding: .4rem .5rem; }
  .matrix td span, .matrix small { font-size: .75rem; }

  /* The details have many columns: each row becomes a card, and the heads a row of buttons that sort. */
  .details, .details thead, .details tbody { min-width: 0; }
  .details tr { display: block; }
  .details tbody tr { padding: .5rem .2rem; contain-intrinsic-size: auto 13rem; }
  .details thead { position: static; }
  .details thead tr { display: flex; flex-wrap: wrap; }
  .details th:first-child { position: static; border-right: 0; }
  .details tbody th { display: block; padding: .2rem .5rem; font-size: .9375rem; }
  .details tbody td { display: flow-root; padding: .2rem .5rem .2rem 6rem; }
  .details tbody td:empty { display: none; }
  .details td::before { float: left; width: 5.5rem; margin-left: -5.5rem; color: var(--soft); }
  .details td:nth-child(2)::before { content: "Account"; }
  .details td:nth-child(3)::before { content: "Result"; }
  .details td:nth-child(4)::before { content: "Since"; }
  .details td:nth-child(5)::before { content: "Status"; }
  .details td:nth-child(6)::before { content: "Latency"; }
  .details td:nth-child(7)::before { content: "Clock"; }
  .details td:nth-child(8)::before { content: "Token"; }
  .details td:nth-child(9)::before { content: "Message"; }
}

@media print {
  :root {
    color-scheme: light;
    --text: #000; --soft: #000; --back: #fff; --card: #fff; --line: #999; --link: #000; --good: #000;
    --good-back: #fff; --bad: #000; --bad-back: #fff; --bad-line: #000; --unsure: #000; --unsure-back: #fff;
    --unsure-line: #000;
  }
  body { max-width: none; padding: 0; }
  .box { max-height: none; overflow: visible; border: 0; }
  thead, th:first-child { position: static; }
  .many tbody tr { content-visibility: visible; }
  tr { break-inside: avoid; }
  .scripted { display: none !important; }
  thead button { padding: 0; }
  details::details-content { content-visibility: visible; block-size: auto; }
  .invalid b, .indeterminate b { text-decoration: underline; }
}
"""
