"use strict";
/* The detector's last steps with its own arithmetic: every operation is rounded to 32 bits
   (Math.fround), as PyTorch computes them. Runs without a page too. */
const fishTrace = {};

/* Rows of `rows`, best score first; equal scores keep their order. */
fishTrace.byScore = (scores, rows) => Array.from(rows).sort((a, b) => scores[b] - scores[a] || 0);

/* mmcv's batched_nms: boxes of each group are moved apart by group × (largest coordinate + 1), so
   that groups do not compete, and of two boxes that overlap by more than `limit` the better stays.
   boxes: Float32Array (4 a row), scores: Float32Array, groups: Int32Array or null for no groups,
   rows: array of those that take part, in their order. Returns the rows left, best first. */
fishTrace.nms = (boxes, scores, groups, rows, limit) => {
  const f = Math.fround;
  let largest = -Infinity;
  for (const row of rows) for (let k = 0; k < 4; k++) largest = Math.max(largest, boxes[4 * row + k]);
  const apart = f(largest + 1);
  const parts = new Map();
  for (const row of fishTrace.byScore(scores, rows)) {
    const group = groups ? groups[row] : 0;
    if (!parts.has(group)) parts.set(group, []);
    parts.get(group).push(row);
  }
  const kept = [];
  for (const [group, members] of parts) {
    const offset = f(f(group) * apart), n = members.length;
    const moved = new Float32Array(4 * n), area = new Float32Array(n), gone = new Uint8Array(n);
    members.forEach((row, i) => {
      for (let k = 0; k < 4; k++) moved[4 * i + k] = f(boxes[4 * row + k] + offset);
      area[i] = f(f(moved[4 * i + 2] - moved[4 * i]) * f(moved[4 * i + 3] - moved[4 * i + 1]));
    });
    for (let i = 0; i < n; i++) {
      if (gone[i]) continue;
      kept.push(members[i]);
      for (let j = i + 1; j < n; j++) {
        if (gone[j]) continue;
        const left = Math.max(moved[4 * i], moved[4 * j]), top = Math.max(moved[4 * i + 1], moved[4 * j + 1]);
        const right = Math.min(moved[4 * i + 2], moved[4 * j + 2]), low = Math.min(moved[4 * i + 3], moved[4 * j + 3]);
        const inter = f(Math.max(0, f(right - left)) * Math.max(0, f(low - top)));
        if (f(inter / f(f(area[i] + area[j]) - inter)) > limit) gone[j] = 1;
      }
    }
  }
  const order = new Map(Array.from(rows, (row, place) => [row, place]));
  kept.sort((a, b) => scores[b] - scores[a] || order.get(a) - order.get(b));
  return kept;
};

/* mmdet's multiclass_nms on the candidates that the model's own threshold left: scores above
   `threshold`, NMS at `limit`, the best `most`. Returns {above, nms, kept}. */
fishTrace.detect = (c, threshold, limit, most) => {
  const least = Math.fround(threshold), rows = [];
  for (let row = 0; row < c.scores.length; row++) if (c.scores[row] > least) rows.push(row);
  const left = fishTrace.nms(c.boxes, c.scores, c.agnostic ? null : c.labels, rows, limit);
  return { above: rows.length, nms: left.length, kept: most > 0 ? left.slice(0, most) : left };
};

/* The RPN's last steps: NMS level by level, the best `most`. */
fishTrace.propose = (c, limit, most) => {
  const left = fishTrace.nms(c.boxes, c.scores, c.levels, Array.from(c.scores.keys()), limit);
  return { nms: left.length, kept: left.slice(0, most) };
};
if (typeof window !== "undefined") window.fishTrace = fishTrace;
