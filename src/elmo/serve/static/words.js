// Words in use: search, and the senses, map and lines of the word that is looked at.

import { address, get } from "./api.js";
import { look, view } from "./address.js";
import { busy, byId, h, say, word } from "./dom.js";
import * as lines from "./lines.js";
import * as map from "./map.js";
import * as senses from "./senses.js";

const SORTS = ["text", "left", "right", "period", "sense", "context"];
let info = null, found = null, waiting = null;
const state = { word: "", order: "sense", sense: 0, period: "", offset: 0, seek: null, use: null, map: "pca" };

export function start(known) {
  info = known;
  const field = h("input", { type: "search", id: "search", list: "suggestions", autocomplete: "off", spellcheck: "false", dir: "auto", required: true });
  const list = h("datalist", { id: "suggestions" });
  const form = h("form", { class: "ask", role: "search", onsubmit: (event) => { event.preventDefault(); open(field.value.trim()); } },
    h("label", { for: "search" }, "Word ", h("span", { class: "quiet" }, "as the texts spell it")),
    h("div", { class: "line" }, field, h("button", { type: "submit", class: "main" }, "Look it up")), list);
  field.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(async () => {
      const asked = await get("/words", { prefix: field.value.trim(), limit: 12 }).catch(() => null);
      if (asked) list.replaceChildren(...asked.words.map((one) => h("option", { value: one.word }, `${one.uses.toLocaleString("en")} uses`)));
    }, 120);
  });
  byId("usages").replaceChildren(form, h("p", { id: "frequent", class: "frequent quiet" }), h("div", { id: "word" }));
  get("/words", { limit: 24 }).then((asked) => byId("frequent").replaceChildren(`${asked.total.toLocaleString("en")} words: `,
    ...asked.words.map((one) => h("button", { type: "button", class: "link", onclick: () => open(one.word) }, word(one.word))),
    asked.total > asked.words.length ? "…" : "")).catch(() => null);
}

function open(name) {
  look({ view: "words", word: name, sense: null, period: null, offset: null, use: null }, true);
  restore();
}

/** Show what the address says. */
export async function restore() {
  const asked = view();
  if (!asked.word) return;
  Object.assign(state, { word: asked.word, order: SORTS.includes(asked.sort) ? asked.sort : "sense", sense: Number(asked.sense) || 0, period: asked.period ?? "",
    offset: Number(asked.offset) || 0, seek: null, use: asked.use === undefined ? null : Number(asked.use), map: asked.map === "umap" ? "umap" : "pca" });
  byId("search").value = asked.word;
  const next = await busy(byId("word"), () => get("/senses", { word: asked.word }));
  if (!next) { byId("word").replaceChildren(); return; }
  found = next;
  draw();
  say(`${found.word}: ${found.uses} uses, ${found.senses.length} senses`);
}

const actions = {
  get order() { return state.order; }, get sense() { return state.sense; }, get period() { return state.period; },
  get offset() { return state.offset; }, get seek() { return state.seek; }, get use() { return state.use; }, get map() { return state.map; },
  changed(next) { found = next; if (!found.senses.some((one) => one.number === state.sense)) state.sense = 0; draw(); },
  only(sense) { change({ sense, offset: 0 }); draw(); },
  only_period(period) { change({ period, offset: 0 }); draw(); },
  all() { change({ sense: 0, period: "", offset: 0 }); draw(); },
  sort(order) { change({ order, offset: 0 }); refill(); },
  turn(offset) { change({ offset }); refill(); },
  method(name) { change({ map: name }); draw(); },
  arrived(offset) { state.seek = null; if (offset !== state.offset) change({ offset }); },
  choose(use) {
    const there = document.querySelector(`.lines tr[data-use="${use}"]`);
    change({ use });
    map.highlight(use);
    for (const row of document.querySelectorAll(".lines tr")) {
      row.classList.toggle("chosen", row === there);
      row.querySelector("button")?.setAttribute("aria-pressed", String(row === there));
    }
    if (!there) { change({ sense: 0, period: "" }); state.seek = use; refill(); }
    near();
  },
};

function change(fields) {
  Object.assign(state, fields);
  const { order, sense, period, offset, use } = state;
  look({ sort: order, sense: sense || null, period, offset: offset || null, use, map: state.map === "umap" ? "umap" : null });
}

function refill() { return lines.fill(document.querySelector(".lines"), found, actions); }

function draw() {
  const bars = senses.bars(found, actions);
  byId("word").replaceChildren(
    h("h3", { class: "word-title" }, word(found.word), h("span", { class: "quiet" }, `${found.uses.toLocaleString("en")} uses`), downloads()),
    h("div", { class: "grid" }, h("div", { class: "stacked" }, senses.panel(found, actions), bars), map.panel(found, info, actions)),
    h("div", { id: "near" }), lines.panel(found, actions));
  near();
}

function downloads() {
  const files = [["csv", "CSV"], ["wug", "WUG"], ["periods.svg", "bars, SVG"], ["map.svg", "map, SVG"]];
  return h("span", { class: "downloads" }, h("span", { class: "quiet" }, "Download"),
    files.filter(([format]) => format !== "periods.svg" || found.periods.length).map(([format, label]) =>
      h("a", { class: "plain", download: true, href: address("/api/download", { word: found.word, format }) }, label)));
}

async function near() {
  const place = byId("near"), use = state.use;
  if (use === null) { place.replaceChildren(); return; }
  const asked = await busy(place, () => get("/nearest", { word: found.word, use, count: 6 }));
  if (!asked || use !== state.use) return;
  const at = new Map(found.senses.map((sense, n) => [sense.number, n]));
  const row = (line, chosen) => lines.kwic(line, found, line.sense === null ? -1 : at.get(line.sense), { chosen, choose: () => actions.choose(line.use) });
  place.replaceChildren(h("section", { class: "panel", "aria-labelledby": "near-title" },
    h("header", {}, h("h3", { id: "near-title" }, "The chosen use and those most like it"),
      h("button", { type: "button", class: "link", onclick: () => { change({ use: null }); map.highlight(null); near(); document.querySelector(".lines tr.chosen")?.classList.remove("chosen"); } }, "close")),
    h("table", { class: "kwic" }, lines.columns(), h("tbody", {}, row(asked.asked, true), asked.nearest.map((line) => row(line, false))))));
}
