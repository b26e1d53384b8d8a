// Lines of a concordance, in the colours of the senses; a line chosen is a point chosen.

import { get } from "./api.js";
import { busy, direction, h, word } from "./dom.js";
import { look, mark, title } from "./senses.js";

export const PAGE = 25;
const SORTS = [["text", "as they come"], ["left", "the words before"], ["right", "the words after"], ["period", "period"], ["sense", "sense, typical first"], ["context", "likeness of context"]];
const AROUND = 14;

/** The panel; `actions`: {sort(name), turn(offset), choose(use)} and what is chosen. */
export function panel(found, actions) {
  const place = h("section", { class: "panel lines", "aria-labelledby": "lines-title" },
    h("header", {}, h("h3", { id: "lines-title" }, "Lines"),
      h("label", { class: "quiet" }, "sorted by ", h("select", { id: "sort", onchange: (event) => actions.sort(event.target.value) },
        SORTS.map(([value, label]) => h("option", { value, selected: value === actions.order }, label))))),
    h("div", { class: "body" }));
  fill(place, found, actions);
  return place;
}

export async function fill(place, found, actions) {
  const body = place.querySelector(".body");
  const fields = { word: found.word, sort: actions.order, sense: actions.sense || "", period: actions.period, limit: PAGE };
  const asked = await busy(body, () => get("/concordance", { ...fields, ...(actions.seek !== null ? { use: actions.seek } : { offset: actions.offset }) }));
  if (!asked) return;
  actions.arrived(asked.offset);
  const at = new Map(found.senses.map((sense, n) => [sense.number, n]));
  body.replaceChildren(
    h("p", { class: "quiet filter" }, head(asked, found, actions),
      actions.sense || actions.period ? h("button", { type: "button", class: "link", onclick: () => actions.all() }, "show all") : null),
    table(asked.lines, found, at, actions), pages(asked, actions));
}

function head(asked, found, actions) {
  const sense = found.senses.find((one) => one.number === actions.sense), parts = [`${asked.total.toLocaleString("en")} lines`];
  if (sense) parts.push(`of ${title(sense)}`);
  if (actions.period) parts.push(`of ${actions.period}`);
  if (asked.read < asked.uses) parts.push(`(${asked.read.toLocaleString("en")} of ${asked.uses.toLocaleString("en")} uses are looked at)`);
  return `${parts.join(" ")} `;
}

function table(lines, found, at, actions) {
  return h("table", { class: "kwic" }, columns(),
    h("thead", { class: "hidden" }, h("tr", {}, ["sense", "before", "word", "after", "from"].map((name) => h("th", { scope: "col" }, name)))),
    h("tbody", {}, lines.map((line) => {
      const place = line.sense === null ? -1 : at.get(line.sense);
      return kwic(line, found, place, { chosen: line.use === actions.use, choose: () => actions.choose(line.use) });
    })));
}

/** Widths of the columns. */
export const columns = () => h("colgroup", {}, ["badge", "before", "node", "after", "from"].map((name) => h("col", { class: name })));

/** A line as a row of a table. */
export function kwic(line, found, place, { chosen = false, choose = null } = {}) {
  const before = line.tokens.slice(Math.max(0, line.place - AROUND), line.place).join(" ");
  const after = line.tokens.slice(line.place + 1, line.place + 1 + AROUND).join(" ");
  const sense = place >= 0 ? found.senses[place] : null, node = line.tokens[line.place];
  return h("tr", { class: `${look(place).style}${chosen ? " chosen" : ""}`, dir: direction(line.tokens.join(" ")), "data-use": line.use },
    h("td", { class: "badge" }, mark(place), h("span", {}, sense ? String(sense.number) : "–")),
    h("td", { class: "before" }, h("span", {}, before)),
    h("td", { class: "node" }, choose ? h("button", { type: "button", "aria-pressed": String(chosen), onclick: choose }, word(node)) : word(node)),
    h("td", { class: "after" }, h("span", {}, after)),
    h("td", { class: "from quiet" }, [line.period, line.document].filter(Boolean).join(" · "), line.similarity === null ? null : h("span", { class: "number" }, `  ${line.similarity.toFixed(2)}`)));
}

function pages(asked, actions) {
  if (asked.total <= PAGE) return h("p", {});
  const last = Math.min(asked.offset + PAGE, asked.total);
  const turn = (label, offset, possible) => h("button", { type: "button", class: "plain", disabled: !possible, onclick: () => actions.turn(offset) }, label);
  return h("p", { class: "pages" }, turn("Earlier", Math.max(0, asked.offset - PAGE), asked.offset > 0),
    h("span", { class: "quiet number" }, `${(asked.offset + 1).toLocaleString("en")}–${last.toLocaleString("en")} of ${asked.total.toLocaleString("en")}`),
    turn("Later", asked.offset + PAGE, last < asked.total));
}
