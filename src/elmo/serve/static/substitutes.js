// A place in a sentence: what else the model expects there, and the numbers of each direction.

import { post } from "./api.js";
import { busy, choice, direction, h, say, word } from "./dom.js";

const COMBINE = [["product", "both sides"], ["and", "knowing the word"], ["forward", "left"], ["backward", "right"]];
let combine = "product", asked = 0;

export async function showPlace(target, model, sentence, token, position) {
  const both = model.directions.length > 1, number = ++asked;
  if (!both) combine = model.directions[0];
  const found = await busy(target, () => post("/substitutes", { sentence, position, combine, count: 12 }));
  if (!found || number !== asked) return;
  const again = (value) => { combine = value; showPlace(target, model, sentence, token, position); };
  target.replaceChildren(h("div", { class: "place" },
    h("section", { class: "panel", "aria-label": "Substitutes" },
      h("header", {}, h("h3", {}, "In place of ", word(token.token)),
        both ? choice("from", "combine", COMBINE, combine, again) : null),
      list(found.substitutes)),
    h("section", { class: "panel", "aria-label": "Numbers" },
      h("header", {}, h("h3", {}, "What was predicted")), facts(token))));
  say(`In place of ${token.token}: ${found.substitutes.slice(0, 5).map((one) => one.word).join(", ")}`);
}

function list(substitutes) {
  if (!substitutes.length) return h("p", { class: "quiet" }, "There is no other word.");
  const most = substitutes[0].probability;
  return h("ol", { class: "substitutes" }, substitutes.map((one) => h("li", {},
    word(one.word, { dir: direction(one.word) }),
    h("span", { class: "bar", "aria-hidden": "true" }, h("i", { "--share": (one.probability / most).toFixed(4) })),
    h("span", { class: "number" }, percent(one.probability)))));
}

function percent(share) {
  const value = share * 100;
  return `${value >= 10 ? value.toFixed(0) : value >= 0.01 ? value.toPrecision(2) : "<0.01"} %`;
}

function facts(token) {
  const sides = Object.keys(token.surprisal_bits);
  const row = (name, values, shown) => h("tr", {}, h("th", { scope: "row" }, name), sides.map((side) => h("td", { class: "number" }, shown(values[side]))));
  return h("div", {},
    h("table", { class: "facts" },
      h("thead", {}, h("tr", {}, h("td", {}), sides.map((side) => h("th", { scope: "col" }, side)))),
      h("tbody", {}, row("surprisal, bits", token.surprisal_bits, (v) => v.toFixed(2)),
        row("entropy, bits", token.entropy_bits, (v) => v.toFixed(2)),
        row("rank", token.rank, (v) => v.toLocaleString("en")))),
    token.unknown ? h("p", { class: "quiet" }, "Not in the vocabulary: these are the numbers of an unknown word.") : null);
}
