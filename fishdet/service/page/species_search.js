// A field that finds a species in the catalogue (the combobox pattern of WAI-ARIA 1.2).

import { species } from "./api.js";
import { h, fill } from "./dom.js";
import { nameOf, say } from "./words.js";

const WAIT = 150; // ms after the last letter

/** A search field. `extra`: names that are no entries of the catalogue, such as further classes of
 * the model. `chosen(name, shown)` is told the id or class, and how it is called. */
export function speciesSearch(label, extra, chosen) {
  let options = [];
  let active = -1;
  let asked = 0;
  let timer = 0;
  const list = h("ul", { id: "proposals", role: "listbox", "aria-label": label, hidden: true });
  const told = h("p", { class: "soft", role: "status", "aria-live": "polite" });
  const input = h("input", {
    id: "species", type: "text", role: "combobox", autocomplete: "off", spellcheck: "false", maxlength: 80,
    "aria-autocomplete": "list", "aria-expanded": "false", "aria-controls": "proposals", "aria-describedby": "species-how",
    oninput: () => {
      clearTimeout(timer);
      timer = setTimeout(look, WAIT);
    },
    onkeydown: key,
    onblur: () => setTimeout(close, 200),
  });

  async function look() {
    const text = input.value.trim();
    const turn = (asked += 1);
    if (!text) {
      close();
      return;
    }
    const low = text.toLowerCase();
    const own = extra.filter((name) => name.toLowerCase().includes(low)).map((name) => ({ id: name, shown: name, latin: "" }));
    const found = await species(text).then((answer) => answer.species, () => []);
    if (turn !== asked) return; // an older question, answered late
    options = [...own, ...found.map((one) => ({ id: one.id, shown: nameOf(one), latin: one.scientific_name }))];
    active = -1;
    fill(list, options.map((one, i) => h("li", {
      id: `proposal-${i}`, role: "option", "aria-selected": "false",
      onpointerdown: (event) => { event.preventDefault(); take(i); },
    }, one.shown, one.latin && one.latin !== one.shown ? [" ", h("i", { lang: "la" }, one.latin)] : null)));
    list.hidden = !options.length;
    input.setAttribute("aria-expanded", String(options.length > 0));
    told.textContent = options.length ? say("searchCount", { n: options.length }) : say("searchNone");
  }

  function close() {
    asked += 1;
    options = [];
    list.hidden = true;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
    told.textContent = "";
  }

  function mark(next) {
    active = (next + options.length) % options.length;
    for (const [i, option] of [...list.children].entries()) option.setAttribute("aria-selected", String(i === active));
    input.setAttribute("aria-activedescendant", `proposal-${active}`);
    list.children[active].scrollIntoView({ block: "nearest" });
  }

  function take(i) {
    const { id, shown } = options[i];
    input.value = shown;
    close();
    chosen(id, shown);
  }

  function key(event) {
    if (event.key === "Escape") close();
    if (!options.length) return;
    if (event.key === "ArrowDown") mark(active + 1);
    else if (event.key === "ArrowUp") mark(active < 0 ? -1 : active - 1);
    else if (event.key === "Enter") take(Math.max(active, 0));
    else return;
    event.preventDefault();
  }

  return h("div", { class: "search" },
    h("label", { for: "species" }, label), h("p", { id: "species-how", class: "soft" }, say("searchHow")), input, list, told);
}
