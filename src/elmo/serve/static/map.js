// A map: every use is a point, in the colour and shape of its sense; a point chosen is a line chosen.

import { get } from "./api.js";
import { busy, choice, h, svg } from "./dom.js";
import { look } from "./senses.js";

const SIZE = 400, MARGIN = 14, RADIUS = 3.6;
let points = null, shown = null;

/** The panel of a map; `actions`: {choose(use), method(name)}, the senses and the use that is chosen. */
export function panel(found, info, actions) {
  const area = h("div", { class: "area" });
  const place = h("section", { class: "panel map", "aria-labelledby": "map-title" },
    h("header", {}, h("h3", { id: "map-title" }, "Map of uses"),
      info.usages.umap ? choice("by", "map", [["pca", "PCA"], ["umap", "UMAP"]], actions.map, actions.method) : null),
    area, h("p", { class: "quiet", id: "map-said" }));
  draw(area, place, found, actions);
  return place;
}

async function draw(area, place, found, actions) {
  const asked = await busy(area, () => get("/map", { word: found.word, method: actions.map }));
  if (!asked) return;
  points = asked;
  const at = new Map(found.senses.map((sense, n) => [sense.number, n]));
  const [x, y] = [scaled(asked.x), scaled(asked.y)];
  const order = [...asked.use.keys()].sort((a, b) => x[a] - x[b]);
  shown = svg("svg", { viewBox: `0 0 ${SIZE} ${SIZE}`, role: "group", "aria-label": `Map of ${asked.use.length} uses; every one is in the lines below too. Arrow keys go from point to point, Enter chooses one.` },
    order.map((n, nth) => {
      const { style, shape } = look(asked.sense[n] ? at.get(asked.sense[n]) : -1);
      return svg("path", { class: `point ${style}`, d: shape, transform: `translate(${x[n].toFixed(1)} ${(SIZE - y[n]).toFixed(1)}) scale(${RADIUS})`,
        "data-use": asked.use[n], tabindex: nth ? -1 : 0, role: "button", "aria-label": `use ${asked.use[n]}${asked.period[n] >= 0 ? `, ${asked.periods[asked.period[n]]}` : ""}` });
    }));
  shown.addEventListener("click", (event) => choose(event, actions));
  shown.addEventListener("keydown", (event) => keys(event, actions));
  area.replaceChildren(shown);
  place.querySelector("#map-said").textContent = asked.explained.length
    ? `Principal components 1 and 2: ${Math.round(100 * asked.explained.reduce((a, b) => a + b, 0))} % of the variance. Choose a point to see its line.`
    : "UMAP shows neighbourhoods; distances between groups mean little. Choose a point to see its line.";
  highlight(actions.use);
}

function scaled(values) {
  const least = Math.min(...values), most = Math.max(...values), span = most - least || 1;
  return values.map((value) => MARGIN + (value - least) / span * (SIZE - 2 * MARGIN));
}

function choose(event, actions) {
  const point = event.target.closest(".point");
  if (point) actions.choose(Number(point.dataset.use));
}

function keys(event, actions) {
  const point = event.target.closest(".point");
  if (!point) return;
  if (event.key === "Enter" || event.key === " ") { event.preventDefault(); actions.choose(Number(point.dataset.use)); return; }
  const next = { ArrowRight: point.nextElementSibling, ArrowDown: point.nextElementSibling, ArrowLeft: point.previousElementSibling, ArrowUp: point.previousElementSibling }[event.key];
  if (!next?.matches(".point")) return;
  event.preventDefault();
  point.tabIndex = -1;
  next.tabIndex = 0;
  next.focus();
}

/** Ring the point of a use. */
export function highlight(use) {
  if (!shown) return;
  shown.querySelector(".ring")?.remove();
  const point = use === null ? null : shown.querySelector(`[data-use="${use}"]`);
  if (!point) return;
  shown.append(svg("circle", { class: "ring", r: 2.6, transform: point.getAttribute("transform") }));
}
