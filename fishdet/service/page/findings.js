// What is said of each fish, as sure as it is and no surer.

import { h, fill } from "./dom.js";
import { nameOf, say } from "./words.js";

const percent = (value) => (value > 0.995 && value < 1 ? "> 99" : String(Math.round(100 * value)));

/** The verdict of a fish (an entry of `detections`) in one sentence. */
export function verdict(fish) {
  if (fish.verdict === "probably") return say("probably", { name: nameOf(fish.species[0]) });
  if (fish.verdict === "unknown") return say("unknown");
  const count = Math.min(fish.species.length, 3);
  return say(`one_of_${count}`, { name: nameOf(fish.species[0]) });
}

/** What a box is called now: the user's word, else the verdict. */
export function titleOf(box) {
  if (box.word) return say("yourWord", { name: box.word });
  return box.fish ? verdict(box.fish) : say("newFish");
}

/** How sure, as a text: chances and scores are told apart. */
export const sureness = (fish, calibrated) => say(calibrated ? "chance" : "score", { p: percent(fish.chance) });

/** One sentence on all fish. */
export function summary(boxes) {
  if (!boxes.length) return say("none");
  const counts = new Map();
  for (const box of boxes) counts.set(titleOf(box), (counts.get(titleOf(box)) || 0) + 1);
  const told = [...counts].slice(0, 5).map(([what, n]) => (n > 1 ? `${what} × ${n}` : what));
  return say("summary", { n: boxes.length, verdicts: `${told.join("; ")}${counts.size > 5 ? "; …" : "."}` });
}

/** List the fish in `place`.
 * `events.choose(box)` marks one, `events.about(species, box)` shows a card. */
export function showFindings(place, boxes, calibrated, chosen, events) {
  const items = boxes.map((box, i) => item(box, i + 1, calibrated, box === chosen, events));
  fill(
    place,
    boxes.length ? h("ol", { class: "fish" }, items) : h("p", {}, say("none")),
    boxes.length ? h("p", { class: "soft" }, say(calibrated ? "calibrated" : "uncalibrated")) : null,
  );
}

function item(box, number, calibrated, marked, events) {
  const title = h("button", {
    type: "button", class: "link title", "aria-pressed": String(marked), onclick: () => events.choose(box),
  }, say("fishLabel", { n: number, what: titleOf(box) }));
  return h("li", { class: marked ? "marked" : "" }, h("h3", {}, title), box.fish ? body(box, calibrated, events) : null);
}

/** What the gallery says of a fish, where the service has one: the claim, what else it may be where the claim is wider
 * than a species, and the card of a species that is claimed. */
function gallery(box, events) {
  const one = box.fish.identified;
  if (!one) return null;
  const claim = { ...one, class_name: one.id };
  const word = one.known || one.rank !== "fish" ? `gallery_${one.rank}` : "gallery_stranger";
  const likely = one.rank === "species" ? [] : one.candidates.filter((other) => other.chance >= 0.05).slice(0, 3);
  const offered = box.fish.verdict === "probably" ? box.fish.species.slice(0, 1) : box.fish.species; // their cards, above
  const told = offered.some((other) => other.species_id === one.id);
  return h("p", { class: "gallery" },
    say(word, { name: nameOf(claim), p: percent(one.chance) }),
    likely.length ? ` ${say("gallery_likely", { names: likely.map((other) => `${nameOf(other)} ${percent(other.chance)}\u00a0%`).join(", ") })}` : null,
    one.rank === "species" && !one.id.startsWith("own-") && !told ? [" ", aboutButton({ ...claim, species_id: one.id }, box, events)] : null);
}

function body(box, calibrated, events) {
  return [...own(box, calibrated, events), gallery(box, events)];
}

const aboutButton = (one, box, events) => h("button", {
  type: "button", class: "link", onclick: () => events.about(one, box),
}, say("aboutOf", { name: nameOf(one) }));

function own(box, calibrated, events) {
  const { fish } = box;
  const about = (one) => aboutButton(one, box, events);
  const row = (one) => h("li", {},
    h("span", {}, nameOf(one), one.scientific_name ? [" ", h("i", { lang: "la" }, one.scientific_name)] : null),
    h("meter", { min: 0, max: 1, value: one.score, "aria-label": nameOf(one) }),
    h("span", { class: "soft" }, `${percent(one.score)} %`), about(one));
  if (fish.verdict === "probably") {
    const [first, ...others] = fish.species;
    const worth = others.filter((one) => one.score >= 0.05);
    return [
      h("p", {}, sureness(fish, calibrated), " · ", about(first)),
      worth.length ? h("details", {}, h("summary", {}, say("others")), h("ul", { class: "candidates" }, worth.map(row))) : null,
    ];
  }
  return [
    fish.verdict === "unknown" ? h("p", { class: "soft" }, say("unknownHow")) : null,
    h("ul", { class: "candidates" }, fish.species.map(row)),
  ];
}
