// A sentence: each token's surprisal as colour and number; a token chosen shows its substitutes.

import { post } from "./api.js";
import { look, view } from "./address.js";
import { busy, byId, choice, direction, h, hidden, roving, say, word } from "./dom.js";
import { compare, forget } from "./comparison.js";
import { showPlace } from "./substitutes.js";

const SIDES = { forward: "from the left", backward: "from the right", mean: "mean of both" };
const state = { model: null, sentence: "", analysis: null, side: "mean", place: null };

const average = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
export const bitsOf = (values, side) => side === "mean" ? average(Object.values(values)) : values[side];

export function start(model) {
  state.model = model;
  const text = byId("sentence-text");
  byId("sentence-form").addEventListener("submit", (event) => {
    event.preventDefault();
    look({ view: "sentence", sentence: text.value.trim(), at: null }, true);
    read(text.value.trim());
  });
  text.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      text.form.requestSubmit();
    }
  });
  text.addEventListener("input", offerParting);
  byId("part").addEventListener("click", () => {
    text.value = parted(text.value);
    offerParting();
    text.focus();
  });
}

/** Show what the address says. */
export async function restore() {
  const asked = view(), text = byId("sentence-text");
  if (asked.side in SIDES) state.side = asked.side;
  if (!asked.sentence || asked.sentence === state.sentence) return;
  text.value = asked.sentence;
  offerParting();
  await read(asked.sentence, asked.at === undefined ? null : Number(asked.at));
}

async function read(sentence, place = null) {
  const target = byId("reading");
  state.sentence = sentence;
  byId("second-form").hidden = false;
  if (!state.model.predicts) {
    target.replaceChildren(h("p", { class: "quiet" }, "This model has no softmax: it compares words, and cannot predict them."));
    return compare(sentence, false);
  }
  const found = await busy(target, () => post("/analyse", { sentence }));
  if (!found || state.sentence !== sentence) return;
  state.analysis = found;
  state.place = place !== null && place < found.tokens.length ? place : null;
  draw();
  say(`${found.tokens.length} tokens. ${sums().join(". ")}.`);
  if (state.place !== null) choose(state.place);
  if (byId("second-text").value.trim() || view().second) compare(sentence, false);
  else forget(sentence);
}

function draw() {
  const { analysis, model } = state, sides = model.directions;
  if (sides.length === 1) state.side = sides[0];
  const sizes = Math.log2(model.vocabulary);
  const list = h("ol", { class: "tokens", dir: direction(state.sentence), "aria-label": "Tokens with their surprisal" },
    analysis.tokens.map((token, place) => button(token, place, sizes)));
  const controls = h("div", { class: "measures" },
    sides.length > 1 ? choice("Predicted", "side", [...sides, "mean"].map((side) => [side, SIDES[side]]), state.side, turn) : null,
    h("div", { class: "legend quiet" }, h("span", {}, "0 bits, expected"), h("span", { class: "scale", "aria-hidden": "true" }),
      h("span", {}, `${sizes.toFixed(0)}, any of ${model.vocabulary.toLocaleString("en")} types`)));
  byId("reading").replaceChildren(controls, list,
    h("p", { class: "sums quiet number" }, sums().map((text) => h("span", {}, text))),
    h("p", { class: "quiet", id: "hint" }, "Choose a word to see what else the model expects in its place."),
    h("div", { id: "place" }));
  roving(list, "button");
}

function button(token, place, sizes) {
  const bits = bitsOf(token.surprisal_bits, state.side);
  return h("li", {}, h("button", {
    type: "button", class: token.unknown ? "unknown" : null, "aria-pressed": String(place === state.place),
    "--heat": Math.min(bits / sizes, 1).toFixed(3), onclick: () => choose(place),
    title: token.unknown ? "not in the vocabulary: the bits are those of an unknown word" : null,
  }, word(token.token), h("span", { class: "bits number" }, bits.toFixed(1), hidden(" bits"),
    token.unknown ? h("span", {}, " ?", hidden(", unknown word")) : null)));
}

function sums() {
  const { tokens, totals } = state.analysis, unknown = tokens.filter((token) => token.unknown).length;
  return [
    ...Object.entries(totals).map(([side, total]) =>
      `${SIDES[side]}: ${total.bits.toFixed(1)} bits, perplexity ${total.perplexity.toPrecision(4).replace(/\.?0+$/, "")}`),
    ...(unknown ? [`${unknown} unknown to the model (marked ?)`] : []),
  ];
}

function turn(side) {
  state.side = side;
  look({ side });
  for (const [place, one] of [...byId("reading").querySelectorAll(".tokens li")].entries()) {
    const focus = one.contains(document.activeElement);
    one.replaceWith(button(state.analysis.tokens[place], place, Math.log2(state.model.vocabulary)));
    if (focus) byId("reading").querySelectorAll(".tokens button")[place].focus();
  }
}

function choose(place) {
  state.place = place;
  look({ at: place });
  for (const [number, one] of [...byId("reading").querySelectorAll(".tokens button")].entries())
    one.setAttribute("aria-pressed", String(number === place));
  byId("hint").hidden = true;
  showPlace(byId("place"), state.model, state.sentence, state.analysis.tokens[place], place);
}

const GLUED = /(?<=[\p{L}\p{N}])[.,;:!?…)\]»”"]|[(\[«“„"¿¡](?=[\p{L}\p{N}])/gu;

function parted(text) {
  return text.replace(GLUED, (mark) => ` ${mark} `).replace(/\s+/g, " ").trim();
}

function offerParting() {
  const text = byId("sentence-text").value.trim();
  byId("part").hidden = parted(text) === text.replace(/\s+/g, " ");
}
