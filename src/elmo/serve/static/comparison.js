// Two sentences: the cosine of every word of one with every word of the other, layer by layer.

import { post } from "./api.js";
import { look, view } from "./address.js";
import { busy, byId, choice, direction, h, say, word } from "./dom.js";

let first = "", shown = null, layer = null;

export function start() {
  const text = byId("second-text");
  byId("second-form").addEventListener("submit", (event) => {
    event.preventDefault();
    look({ second: text.value.trim() }, true);
    compare(first, true);
  });
  text.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      text.form.requestSubmit();
    }
  });
}

/** Show the first sentence beside the second, where there is one. */
export async function compare(sentence, aloud) {
  const text = byId("second-text"), target = byId("comparison");
  first = sentence;
  if (!text.value.trim()) text.value = view().second ?? "";
  layer ??= view().layer;
  const second = text.value.trim();
  if (!second) return forget(sentence);
  const found = await busy(target, () => post("/similarity", { first, second }));
  if (!found || first !== sentence) return;
  shown = found;
  if (!shown.layers.some((one) => one.layer === layer)) layer = shown.layers.at(-1).layer;
  draw();
  if (aloud) say(`${shown.first.length} by ${shown.second.length} words compared, in ${shown.layers.length} layers`);
}

/** Show no comparison; the first sentence is known for the next one. */
export function forget(sentence) {
  first = sentence;
  shown = null;
  byId("comparison").replaceChildren();
}

const named = (name) => name === "token" ? "0, the token" : name;

function draw() {
  const { cosines } = shown.layers.find((one) => one.layer === layer);
  byId("comparison").replaceChildren(
    h("div", { class: "measures" },
      choice("Layer", "layer", shown.layers.map((one) => [one.layer, named(one.layer)]), layer, (value) => { layer = value; look({ layer }); redraw(); }),
      h("div", { class: "legend quiet" }, h("span", {}, "cosine 0"), h("span", { class: "scale cool", "aria-hidden": "true" }), h("span", {}, "1, the same"))),
    h("div", { class: "matrix", role: "region", tabindex: 0, "aria-label": "Similarity of words" }, table(cosines)),
    h("p", { class: "quiet" }, "Rows: the first sentence; columns: the second. Outlined: a row’s most similar word."));
}

function redraw() {
  const { cosines } = shown.layers.find((one) => one.layer === layer);
  document.querySelector("#comparison .matrix").replaceChildren(table(cosines));
  say(`layer ${named(layer)}`);
}

function table(cosines) {
  const text = (value) => value.toFixed(2).replace("-0.00", "0.00").replace("-", "−");
  return h("table", { dir: direction(shown.second.join(" ")) },
    h("caption", { class: "hidden" }, "Cosines; rows: the first sentence, columns: the second"),
    h("thead", {}, h("tr", {}, h("td", {}), shown.second.map((token) => h("th", { scope: "col" }, word(token))))),
    h("tbody", {}, cosines.map((row, at) => {
      const best = Math.max(...row);
      return h("tr", {}, h("th", { scope: "row" }, word(shown.first[at])), row.map((value) => h("td", {
        class: value === best ? "number best" : "number", "--heat": Math.max(0, value).toFixed(3),
      }, text(value))));
    })));
}
