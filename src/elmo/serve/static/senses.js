// The senses of a word: names, shares, what tells them apart; merged, split and renamed; bars of periods.

import { get, post } from "./api.js";
import { busy, h, say, svg, word } from "./dom.js";

const SHAPES = [
  "M-1,0A1,1 0 1 1 1,0A1,1 0 1 1 -1,0Z", "M-.9-.9H.9V.9H-.9Z", "M0-1.15L1.1.85H-1.1Z", "M0-1.25L1.15,0L0,1.25L-1.15,0Z",
  "M-1.1-.85H1.1L0,1.15Z", "M-.4-1.1H.4V-.4H1.1V.4H.4V1.1H-.4V.4H-1.1V-.4H-.4Z", "M-1-.5L0-1.1L1-.5V.5L0,1.1L-1,.5Z",
  "M-1.1-.7L-.7-1.1L0-.4L.7-1.1L1.1-.7L.4,0L1.1,.7L.7,1.1L0,.4L-.7,1.1L-1.1,.7L-.4,0Z",
];

/** Colour (a class) and shape of a sense, by its place among the senses; those in none have the last. */
export function look(place) {
  return place < 0 ? { style: "none", shape: SHAPES[0] } : { style: `c${place % 8}`, shape: SHAPES[place % 8] };
}

/** A sense's mark beside text. */
export function mark(place) {
  const { style, shape } = look(place);
  return svg("svg", { class: `mark ${style}`, viewBox: "-1.4 -1.4 2.8 2.8", "aria-hidden": "true" }, svg("path", { d: shape }));
}

export const title = (sense) => sense.name || `sense ${sense.number}`;

/** The panel; `actions`: {changed(senses), only(number), period(name)} and what is chosen. */
export function panel(found, actions) {
  const chosen = new Set();
  const place = h("section", { class: "panel senses", "aria-labelledby": "senses-title" });
  const edit = async (path, fields, said) => {
    const next = await busy(place, () => post(path, { word: found.word, ...fields }));
    if (next) { say(said); actions.changed(next); }
  };
  const merge = h("button", { type: "button", class: "plain", disabled: true, onclick: () => edit("/senses/merge", { senses: [...chosen].sort((a, b) => a - b) }, "merged") }, "Merge the marked");
  const pick = (number, on) => { chosen[on ? "add" : "delete"](number); merge.disabled = chosen.size < 2; };
  const count = h("select", { "aria-label": "How many senses" }, ["as it seems best", 1, 2, 3, 4, 5, 6, 7, 8].map((k, n) => h("option", { value: n }, String(k))));
  const anew = () => {
    if (found.kept && !confirm("Find senses anew? Those of this word that were edited are replaced.")) return;
    edit("/senses/induce", { k: Number(count.value) }, "senses found anew");
  };
  place.append(
    h("header", {}, h("h3", { id: "senses-title" }, "Senses"), h("span", { class: "quiet" }, summary(found))),
    h("ul", { class: "list" }, found.senses.map((sense, at) => row(sense, at, found, actions, edit, pick))),
    found.without ? h("p", { class: "quiet" }, `${found.without.toLocaleString("en")} uses in no sense`) : "",
    h("p", { class: "edits" }, merge, h("span", {}, h("button", { type: "button", class: "plain", onclick: anew }, "Find anew"), " ", count)));
  telling(found, place);
  return place;
}

function summary(found) {
  const parts = [found.method === "kmeans" ? "k-means" : found.method];
  if (found.silhouette !== null) parts.push(`silhouette ${found.silhouette.toFixed(2)}`);
  if (found.kept) parts.push("kept");
  return parts.join(", ");
}

function row(sense, at, found, actions, edit, pick) {
  const only = actions.sense === sense.number;
  const item = h("li", { class: look(at).style },
    h("div", { class: "head" },
      h("label", { class: "pick" }, h("input", { type: "checkbox", onchange: (event) => pick(sense.number, event.target.checked) }),
        h("span", { class: "hidden" }, `mark ${title(sense)}`)),
      mark(at),
      h("button", { type: "button", class: "name", "aria-pressed": String(only), title: "show the lines of this sense alone", onclick: () => actions.only(only ? 0 : sense.number) },
        sense.name ? word(sense.name) : `sense ${sense.number}`),
      h("span", { class: "quiet number" }, `${Math.round(sense.share * 100)} %, ${sense.uses.toLocaleString("en")}`),
      h("span", { class: "tools" },
        h("button", { type: "button", class: "link", "aria-label": `Rename ${title(sense)}`, onclick: () => rename(item, sense, edit) }, "rename"), " ",
        h("button", { type: "button", class: "link", "aria-label": `Split ${title(sense)}`, onclick: () => edit("/senses/split", { sense: sense.number }, "split") }, "split"))),
    h("p", { class: "words" }, "beside it: ", sense.words.length ? sense.words.flatMap((one, n) => [n ? ", " : "", word(one)]) : "–"),
    h("p", { class: "words substitutes-of", "data-sense": sense.number, hidden: true }));
  return item;
}

function rename(item, sense, edit) {
  const field = h("input", { type: "text", value: sense.name, maxlength: 80, dir: "auto", "aria-label": `Name of sense ${sense.number}` });
  const head = item.querySelector(".head");
  const form = h("form", { class: "rename", onsubmit: (event) => { event.preventDefault(); edit("/senses/rename", { sense: sense.number, name: field.value }, "renamed"); } },
    field, h("button", { type: "submit", class: "plain" }, "Name it"));
  form.addEventListener("keydown", (event) => { if (event.key === "Escape") { form.remove(); head.hidden = false; head.querySelector(".link").focus(); } });
  head.hidden = true;
  head.after(form);
  field.focus();
  field.select();
}

const TRIES = 4; // a large model may take longer than a request may last; it is asked again

async function telling(found, place) {
  let told = null;
  for (let n = 0; n < TRIES && !told && (n === 0 || place.isConnected); n++)
    told = await get("/senses/telling", { word: found.word }).catch(() => null);
  for (const line of place.querySelectorAll(".substitutes-of")) {
    const words = told?.substitutes[line.dataset.sense] ?? [];
    if (!words.length) continue;
    line.replaceChildren("in its place: ", ...words.flatMap((one, n) => [n ? ", " : "", word(one)]));
    line.hidden = false;
  }
}

/** Bars: the shares of the senses in each period; one chosen shows the lines of that period alone. */
export function bars(found, actions) {
  if (!found.periods.length) return null;
  const columns = found.periods.map((period, n) => {
    const total = found.senses.reduce((sum, sense) => sum + sense.counts[n], 0);
    const said = found.senses.filter((sense) => sense.counts[n]).map((sense) => `${title(sense)} ${Math.round(sense.shares[n] * 100)} %`);
    const only = actions.period === period;
    return h("button", { type: "button", class: "column", "aria-pressed": String(only), "aria-label": `${period}: ${total} uses${said.length ? `; ${said.join(", ")}` : ""}`,
      title: `${period}: ${total} uses\n${said.join("\n")}`, onclick: () => actions.only_period(only ? "" : period) },
    h("span", { class: "stack" }, found.senses.map((sense, at) => sense.counts[n] ? h("i", { class: look(at).style, "--share": sense.shares[n].toFixed(4) }) : null)),
    h("span", { class: "period" }, period), h("span", { class: "quiet number" }, total.toLocaleString("en")));
  });
  return h("section", { class: "panel periods", "aria-labelledby": "periods-title" },
    h("header", {}, h("h3", { id: "periods-title" }, "Over time"), h("span", { class: "quiet" }, "share of each sense, uses below")),
    h("div", { class: "bars" }, columns),
    h("details", {}, h("summary", { class: "quiet" }, "As a table"), numbers(found)));
}

function numbers(found) {
  return h("div", { class: "scroll" }, h("table", { class: "facts" },
    h("thead", {}, h("tr", {}, h("td", {}), found.periods.map((period) => h("th", { scope: "col" }, period)))),
    h("tbody", {}, found.senses.map((sense) => h("tr", {}, h("th", { scope: "row" }, word(title(sense))),
      sense.counts.map((count, n) => h("td", { class: "number" }, sense.shares[n] === null ? "–" : `${Math.round(sense.shares[n] * 100)} % (${count})`)))))));
}
