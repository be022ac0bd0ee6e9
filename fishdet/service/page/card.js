// The card of a species: what the catalogue holds, each empty fact shown as not known.

import { h, fill } from "./dom.js";
import { PHRASES, TITLES, field, knows, term } from "./facts.js";
import { KOREAN } from "./notes.js";
import { language, nameOf, pick, say } from "./words.js";

const LAW = "https://www.law.go.kr/법령/수산자원관리법시행령";

const english = (text) => h("span", { lang: "en" }, text);
/** A word or sentence of the catalogue in the language; what is in English alone is said to be so. */
function word(text) {
  if (knows(text)) return pick(term(text));
  if (language() !== "ko") return english(text);
  return Object.hasOwn(KOREAN, text) ? KOREAN[text] : [english(text), ` ${phrase("inEnglish")}`];
}
const phrase = (name, gaps = {}) => pick(PHRASES[name]).replace(/\{(\w+)\}/g, (_, gap) => gaps[gap] ?? "");
const list = (...items) => h("ul", {}, items.flat().map((item) => h("li", {}, item)));
const joined = (parts) => parts.filter(Boolean).flatMap((part, i) => (i ? [", ", part] : [part]));
const latin = (name) => h("i", { lang: "la" }, name);
const away = (url, text) => h("a", { href: url, target: "_blank", rel: "noopener noreferrer" }, text);

/** Show a card (an answer of v1/species/{id}) in `place`. `picture`: a canvas with the user's own
 * fish, or null; `open(id)` shows another card. */
export function showCard(place, card, picture, open) {
  const title = h("h2", { id: "card-title" }, nameOf(card));
  const rows = [
    ["names", names(card)],
    ["similar", similar(card, open)],
    ["size", size(card.size)],
    ["habitat", habitat(card.habitat)],
    ["season", season(card.season)],
    ["danger", danger(card.danger)],
    ["korea_law", law(card)],
    ["conservation", conservation(card.conservation)],
    ["lineage", card.lineage.length ? joined(card.lineage.map(latin)) : null],
    ["sources", h("details", {}, h("summary", {}, String(card.sources.length)), list(card.sources.map(source)))],
  ];
  const unknown = { danger: "notKnownDanger", korea_law: "notKnownLaw" };
  fill(
    place,
    title,
    picture ? h("figure", {}, picture, h("figcaption", { class: "soft" }, say("yourFish"))) : null,
    h("p", { class: "names" },
      joined([card.name_ko && h("span", { lang: "ko" }, card.name_ko), card.name_en && h("span", { lang: "en" }, card.name_en),
        card.scientific_name && latin(card.scientific_name), card.rank !== "species" && word(card.rank)])),
    h("dl", {}, rows.map(([name, value]) => [
      h("dt", {}, pick(TITLES[name])),
      h("dd", {}, value ?? h("span", { class: "soft" }, phrase(unknown[name] || "notKnown"))),
    ])),
  );
  place.hidden = false;
}

/** Say that there is no card for a class. */
export function showNoCard(place, name) {
  fill(place, h("h2", { id: "card-title" }, name), h("p", {}, say("noCard", { name })));
  place.hidden = false;
}

function names(card) {
  const others = Object.entries(card.names).flatMap(([lang, all]) =>
    all.filter((name) => name !== card.name_ko && name !== card.name_en).map((name) => h("span", { lang }, name)));
  return others.length ? joined(others) : null;
}

function similar(card, open) {
  if (!card.similar.length) return null;
  return list(card.similar.map((one) => [
    h("button", { type: "button", class: "link", onclick: () => open(one.id) }, phrase("versus", { name: nameOf(one) })), ": ",
    one.tell ? word(one.tell) : phrase("noTell"),
  ]));
}

function size(one) {
  if (!one) return null;
  const parts = [one.max_cm && phrase("upTo", { n: one.max_cm }), one.common_cm && phrase("common", { n: one.common_cm })];
  return parts.some(Boolean) ? joined([...parts, one.measure && word(one.measure)]) : null;
}

function habitat(one) {
  if (!one) return null;
  const [a, b] = one.depth_m || [];
  const depth = a !== undefined && b !== undefined ? phrase("depth", { a, b }) : null;
  const parts = [one.zone && word(one.zone), ...(one.waters || []).map(word), depth].filter(Boolean);
  return parts.length ? joined(parts) : null;
}

function season(all) {
  if (!all.length) return null;
  return list(all.map((one) => [
    phrase("months", { event: pick(term(one.event)), a: one.first_month, b: one.last_month }),
    one.where ? [" (", word(one.where), ")"] : null,
  ]));
}

function danger(all) {
  if (!all.length) return null;
  return list(all.map((one) => [h("strong", {}, word(one.kind)), one.note ? [": ", word(one.note)] : null]));
}

function conservation(one) {
  if (!one) return null;
  return one.year ? phrase("assessed", { category: one.iucn, year: one.year }) : one.iucn;
}

function law(card) {
  const one = card.korea_law;
  if (!one) return null;
  const measure = one.measure ? [" (", word(one.measure), ")"] : null;
  const closed = one.closed.map((days) => [
    phrase("closed", { a: days.first, b: days.last }), days.note ? [" (", word(days.note), ")"] : null,
  ]);
  const read = card.sources.filter((text) => text.fields.includes("korea_law"));
  return [
    list(
      one.min_cm ? [[phrase("minimum", { n: one.min_cm }), measure]] : one.min_g ? [] : [phrase("noMinimum")],
      one.min_g ? [phrase("minimumGram", { n: one.min_g })] : [],
      one.females ? [[phrase("females", { what: "" }), word(one.females)]] : [],
      closed.length ? closed : [phrase("noClosed")],
      one.note ? [word(one.note)] : [],
    ),
    h("p", { class: "soft" }, phrase("lawWarning"), " ", away(LAW, phrase("law"))),
    list(read.map((text) => h("span", { class: "soft" }, away(text.url, h("span", { lang: "en" }, text.title)), " ", h("span", {}, phrase("readOn", { day: text.accessed }))))),
  ];
}

function source(text) {
  return [
    away(text.url, h("span", { lang: "en" }, text.title)), " — ",
    text.fields.map((name) => pick(field(name))).join(", "), "; ", phrase("readOn", { day: text.accessed }),
  ];
}
