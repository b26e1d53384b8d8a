// The page: what there is to ask, and which view is looked at.

import { get } from "./api.js";
import { look, view } from "./address.js";
import { busy, byId } from "./dom.js";
import * as comparison from "./comparison.js";
import * as sentence from "./sentence.js";

let info = null;

function about() {
  const { model, usages } = info, parts = [];
  if (model) {
    const types = model.vocabulary === null ? "" : `, ${model.vocabulary.toLocaleString("en")} types`;
    parts.push(`${model.name}: reads ${model.reads}${types}, ${model.layers.length - 1} layers, ${model.directions.length > 1 ? "both directions" : model.directions[0]}`);
  }
  if (usages) parts.push(`${usages.name}: ${usages.uses.toLocaleString("en")} uses of ${usages.words.toLocaleString("en")} words in ${usages.documents.toLocaleString("en")} documents`);
  return parts.join(" · ");
}

async function show() {
  const views = [...(info.model ? ["sentence"] : []), ...(info.usages ? ["words"] : [])];
  const asked = views.includes(view().view) ? view().view : views.at(view().word ? -1 : 0);
  for (const name of ["sentence", "words"]) byId(name).hidden = name !== asked;
  for (const link of document.querySelectorAll("#views a")) {
    if (link.dataset.view === asked) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  if (asked === "sentence") await sentence.restore();
  else await (await import("./words.js")).restore();
}

async function begin() {
  info = await busy(byId("main"), () => get("/info"));
  if (!info) return;
  byId("about").textContent = about();
  byId("version").textContent = ` · elmo-keras ${info.version}`;
  byId("views").hidden = !(info.model && info.usages);
  document.title = `elmo: ${(info.model ?? info.usages).name}`;
  if (info.model) { sentence.start(info.model); comparison.start(); }
  if (info.usages) (await import("./words.js")).start(info);
  for (const link of document.querySelectorAll("#views a")) {
    link.addEventListener("click", (event) => { event.preventDefault(); look({ view: link.dataset.view }, true); show(); });
  }
  addEventListener("popstate", show);
  addEventListener("hashchange", show);
  await show();
}

begin();
