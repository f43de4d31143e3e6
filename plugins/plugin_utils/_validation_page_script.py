# Copyright (c) 2026 apiops.access contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module is private to the collection: it can change without notice.

"""The script of the validation report's page."""

from __future__ import annotations

# No text of the report gets into it, so that its hash in the page's policy covers it, and it never makes markup of
# text. Ansible takes two opening braces for a template, so none stand together.
SCRIPT = r"""
"use strict";
// The page is complete without this script. It hides rows and puts them in another order, and keeps what was asked
// for in the address, after #, so that a link or a reload shows the same.

const controls = document.getElementById("filter");
const fields = [...controls.querySelectorAll("[name]")];
const hosts = sortable(document.getElementById("hosts"));
const checks = sortable(document.getElementById("checks"));
const natural = new Intl.Collator("en", { numeric: true });
const severity = ["none", "valid", "indeterminate", "invalid"];

function sortable(table) {
  return { table, heads: [...table.tHead.rows[0].cells], rows: [...table.tBodies[0].rows], column: 0, direction: "" };
}

// Sorting

function keyOf(row, column, kind) {
  // A host that was not tested has one cell across all accounts.
  const cell = row.cells[column] ?? row.cells[1];
  const text = cell.firstChild?.textContent ?? "";
  if (kind === "text") return text || null;
  if (kind === "number") return Number.isNaN(parseFloat(text)) ? null : parseFloat(text);
  // The worse comes first, and of equals the slower.
  const milliseconds = /(\d+) ms/.exec(cell.textContent)?.[1] ?? 0;
  return severity.findIndex((name) => cell.classList.contains(name)) * 1e9 + Number(milliseconds);
}

function sort(list) {
  const { table, heads, rows, column, direction } = list;
  const kind = heads[column].dataset.sort;
  const sign = direction === "descending" ? -1 : 1;
  const compare = (a, b) =>
    a === null || b === null ? (a === null) - (b === null) : sign * (kind === "text" ? natural.compare(a, b) : a - b);
  // Always from the order that the report was written in: a link gives the same order as the clicks did.
  const keyed = direction ? rows.map((row) => [keyOf(row, column, kind), row]) : [];
  const ordered = direction ? keyed.sort((a, b) => compare(a[0], b[0])).map(([, row]) => row) : rows;
  table.tBodies[0].append(...ordered);
  heads.forEach((head, index) => {
    if (direction && index === column) head.setAttribute("aria-sort", direction);
    else head.removeAttribute("aria-sort");
  });
}

function sortByClick(list, column) {
  const opposite = { ascending: "descending", descending: "ascending" };
  const first = list.heads[column].dataset.sort === "text" ? "ascending" : "descending";
  list.direction = list.column === column && list.direction ? opposite[list.direction] : first;
  list.column = column;
  sort(list);
  remember();
}

// Filtering

let known;

function allChecks() {
  // Each cell of a check has its row in the details, in the same order. They are read when first asked for, since that
  // would delay the opening of a large report.
  known ??= hosts.rows.flatMap((row) => [...row.querySelectorAll("td.check")]).map((cell, index) => {
    const detail = checks.rows[index];
    const [, account, result] = detail.cells;
    return {
      row: cell.parentNode,
      detail,
      // What is so of the host itself is so for all accounts.
      account: account.className === "none" ? null : account.textContent,
      text: [...detail.cells].map((part) => part.textContent).join("\n").toLowerCase(),
      result: [...result.children].map((part) => part.textContent).join(": "),
      problem: cell.matches(".invalid, .indeterminate"),
      changed: cell.matches(".changed, th.changed ~ td"),
    };
  });
  return known;
}

function filter() {
  const wanted = Object.fromEntries(fields.map((field) => [field.name, valueOf(field)]));
  const words = wanted.text.toLowerCase().split(/\s+/);
  const shown = new Set();
  let count = 0;
  for (const check of allChecks()) {
    const found =
      (!wanted.account || check.account === null || check.account === wanted.account) &&
      (!wanted.result || check.result === wanted.result || check.result.startsWith(`${wanted.result}: `)) &&
      (!wanted.problems || check.problem) &&
      (!wanted.changed || check.changed) &&
      words.every((word) => check.text.includes(word));
    check.detail.hidden = !found;
    count += found;
    if (found) shown.add(check.row);
  }
  for (const row of hosts.rows) row.hidden = !shown.has(row);
  showColumns(wanted.account);
  controls.querySelector("[role=status]").textContent = `${shown.size} of ${hosts.rows.length} hosts shown`;
  document.getElementById("rows").textContent = `${count} of ${checks.rows.length} rows`;
}

function showColumns(account) {
  const hides = hosts.heads.map((head, index) => account !== "" && index > 0 && head.dataset.account !== account);
  for (const row of [hosts.table.tHead.rows[0], ...hosts.rows]) {
    for (const cell of row.cells) cell.hidden = hides[cell.cellIndex] && !cell.classList.contains("across");
  }
}

// The address

function valueOf(field) {
  return field.type === "checkbox" ? (field.checked ? "yes" : "") : field.value;
}

function remember() {
  const asked = new URLSearchParams();
  for (const field of fields) if (valueOf(field)) asked.set(field.name, valueOf(field));
  for (const list of [hosts, checks]) if (list.direction) asked.set(list.table.id, `${list.column} ${list.direction}`);
  history.replaceState(null, "", `#${asked}`);
}

function recall() {
  const asked = new URLSearchParams(location.hash.slice(1));
  for (const field of fields) {
    if (field.type === "checkbox") field.checked = asked.has(field.name);
    else field.value = asked.get(field.name) ?? "";
    // An account or a result that this report does not have.
    if (field.selectedIndex === -1) field.value = "";
  }
  for (const list of [hosts, checks]) {
    const [column, direction] = (asked.get(list.table.id) ?? "").split(" ");
    const valid = /^(as|des)cending$/.test(direction) && list.heads[column]?.dataset;
    [list.column, list.direction] = valid ? [Number(column), direction] : [0, ""];
    sort(list);
  }
  filter();
}

for (const list of [hosts, checks]) {
  list.heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    button.addEventListener("click", () => sortByClick(list, column));
    head.append(button);
  });
}
controls.addEventListener("input", () => {
  filter();
  remember();
});
controls.querySelector("button").addEventListener("click", () => {
  history.replaceState(null, "", "#");
  recall();
});
addEventListener("hashchange", recall);
for (const link of document.links) link.addEventListener("click", () => controls.scrollIntoView());
for (const part of document.querySelectorAll(".scripted")) part.hidden = false;
if (location.hash.length > 1) recall();
"""
