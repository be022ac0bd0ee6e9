// The form that turns what a user knows better into a correction.

import { h, fill } from "./dom.js";
import { speciesSearch } from "./species_search.js";
import { say } from "./words.js";

const UNNAMED = "fish";

/** Boxes as v1/feedback wants them; see `origin`. */
export function correctionOf(boxes) {
  return boxes.map((box) => ({ bbox: box.bbox, species: box.species, origin: origin(box) }));
}

function origin(box) {
  if (!box.fish) return "added";
  if (box.renamed) return "renamed";
  return box.moved ? "moved" : "model";
}

/** A box of a fish that the model found; the user may rename, move or remove it. */
export const boxOf = (fish) => ({ bbox: [...fish.bbox], species: speciesOf(fish), fish, word: "", renamed: false, moved: false });

// What the model hesitates about is no name to train on.
const speciesOf = (fish) => (fish.verdict === "probably" ? fish.species[0].class_name : "");

/** A box that the user adds, in the middle of a picture. */
export function newBox(width, height) {
  const [w, high] = [width / 4, height / 4];
  return { bbox: [(width - w) / 2, (height - high) / 2, w, high], species: "", fish: null, word: "", renamed: false, moved: false };
}

/** The form in `place`. `state`: {boxes, chosen, classes}; `events`: changed(text), add(), send(), cancel(). */
export function showCorrecting(place, state, events) {
  const { boxes, chosen } = state;
  const number = boxes.indexOf(chosen) + 1;
  const consent = h("input", { type: "checkbox", id: "consent" });
  consent.checked = state.consent;
  consent.addEventListener("change", () => { state.consent = consent.checked; });
  fill(place, h("form", { class: "correcting", "aria-labelledby": "correct-title", novalidate: true,
    onsubmit: (event) => { event.preventDefault(); events.send(); } },
  h("h3", { id: "correct-title", tabindex: "-1" }, say("correctTitle")),
  h("p", { class: "soft" }, say("correctHow")),
  number ? one(state, number, events) : null,
  h("div", { class: "buttons" }, h("button", { type: "button", class: "button", id: "add", onclick: events.add }, say("addFish"))),
  h("p", { class: "consent" }, consent, h("label", { for: "consent" }, say("consent"))),
  h("div", { class: "buttons" },
    h("button", { type: "submit", class: "button main", id: "give" }, say("giveIt")),
    h("button", { type: "button", class: "button", onclick: events.cancel }, say("cancel")))));
}

function one(state, number, events) {
  const box = state.chosen;
  const name = (species, shown) => {
    Object.assign(box, { species, word: shown, renamed: true });
    events.changed(say("renamed", { n: number, name: shown }));
  };
  const remove = () => {
    state.boxes.splice(number - 1, 1);
    state.chosen = null;
    events.changed(say("removed"));
  };
  return h("fieldset", {},
    h("legend", {}, say("thisIsFor", { n: number })),
    speciesSearch(say("thisIs"), state.extra, name),
    h("div", { class: "buttons" },
      h("button", { type: "button", class: "button", id: "unnamed", onclick: () => name(UNNAMED, say("noSpecies")) }, say("noSpecies")),
      h("button", { type: "button", class: "button", id: "remove", onclick: remove }, say("removeBox"))));
}

/** What is missing before a correction can be sent, as a sentence; empty: nothing. */
export function missing(state) {
  const nameless = state.boxes.findIndex((box) => !box.species);
  if (nameless >= 0) return say("nameNeeded", { n: nameless + 1, unknown: say("noSpecies") });
  return state.consent ? "" : say("consentNeeded");
}

/** The chance of the fish that the model was least sure of; 1 where it found none. */
export const leastChance = (answer) => Math.min(1, ...answer.detections.map((fish) => fish.chance));
