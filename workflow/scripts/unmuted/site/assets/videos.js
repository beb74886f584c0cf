"use strict";

// The table of videos: search, filters, order and pages of rows. All of its state stands in the
// address, after the "#", so that it can be kept and sent. Texts are only ever set as text.

const PAGE_ROWS = 100;
const FIELDS = ["search", "label", "split", "status", "arm", "outcome"];

const form = document.getElementById("filters");
const table = document.getElementById("videos");
const body = table.tBodies[0];
const heads = [...table.tHead.rows[0].cells];
const arms = heads
  .map((head) => head.dataset.key || "")
  .filter((key) => key.startsWith("arm:"))
  .map((key) => key.slice(4));
const collator = new Intl.Collator(undefined, { numeric: true });

const hasMatches = heads.some((head) => head.dataset.key === "match");
const KEYS = "id label split status reason predicted hasPicture page match matchPage".split(" ");
const videos = (window.unmutedRows || []).map((row, place) => {
  const video = Object.fromEntries(KEYS.map((key, number) => [key, row[number]]));
  return { ...video, place, words: `${video.id}\n${video.match}\n${video.label}`.toLowerCase() };
});

let found = videos;
let state = readState();

// --- state ---------------------------------------------------------------------------------------

function readState() {
  const given = new URLSearchParams(location.hash.slice(1));
  const read = { sort: given.get("sort") || "id", descending: given.get("descending") === "1" };
  for (const field of FIELDS) {
    read[field] = given.get(field) || "";
  }
  read.page = Math.max(1, Number.parseInt(given.get("page"), 10) || 1);
  return read;
}

function writeState() {
  const isFirst = state.page === 1;
  const isUsual = state.sort === "id" && !state.descending;
  const shown = { ...state, page: isFirst ? "" : state.page, sort: isUsual ? "" : state.sort };
  shown.descending = state.descending ? "1" : "";
  const kept = new URLSearchParams(Object.entries(shown).filter(([, value]) => value));
  if (kept.toString() !== location.hash.slice(1)) {
    history.replaceState(null, "", `#${kept}`);
  }
}

// --- which videos, in which order ----------------------------------------------------------------

function isRight(video, arm) {
  const said = video.predicted[arm];
  return said && video.label ? said === video.label : null;
}

function isAsked(video, words, arm) {
  if (!words.every((word) => video.words.includes(word))) {
    return false;
  }
  for (const field of ["label", "split", "status"]) {
    if (state[field] && video[field] !== state[field]) {
      return false;
    }
  }
  if (!state.outcome) {
    return true;
  }
  // Without an arm: right or wrong by any of them.
  const asked = arm < 0 ? arms.keys() : [arm];
  return [...asked].some((each) => isRight(video, each) === (state.outcome === "right"));
}

function valueOf(video) {
  if (!state.sort.startsWith("arm:")) {
    return video[state.sort] || "";
  }
  const arm = arms.indexOf(state.sort.slice(4));
  const right = isRight(video, arm);
  return `${right === null ? 2 : Number(right)} ${video.predicted[arm] || ""}`;
}

// Few values are compared as words, each once; videos are then sorted by numbers.
function ranks(values) {
  const sorted = [...new Set(values)].sort(collator.compare);
  return new Map(sorted.map((value, rank) => [value, rank]));
}

function find() {
  const words = state.search.toLowerCase().split(/\s+/).filter(Boolean);
  const arm = arms.indexOf(state.arm);
  const turn = state.descending ? -1 : 1;
  const asked = videos.filter((video) => isAsked(video, words, arm));
  if (state.sort === "id") {
    found = turn > 0 ? asked : asked.reverse();
    return;
  }
  const values = asked.map(valueOf);
  const rank = ranks(values);
  found = asked
    .map((video, place) => [turn * rank.get(values[place]), place, video])
    .sort((a, b) => a[0] - b[0] || a[1] - b[1])
    .map((each) => each[2]);
}

// --- what is shown -------------------------------------------------------------------------------

function textCell(text) {
  const cell = document.createElement("td");
  const isolated = document.createElement("bdi");
  isolated.textContent = text;
  cell.append(isolated);
  return cell;
}

function pictureCell(video) {
  const cell = document.createElement("td");
  if (video.hasPicture) {
    const image = document.createElement("img");
    image.alt = "";
    image.className = "thumbnail";
    cell.append(image);
    showPicture(image, video.place);
  }
  return cell;
}

// A cell with a name that leads to a page, if there is one; kind: "th" for the head of a row.
function nameCell(kind, text, page) {
  const cell = document.createElement(kind);
  const name = document.createElement(page ? "a" : "bdi");
  name.textContent = text;
  Object.assign(name, page ? { href: page } : {});
  Object.assign(cell, kind === "th" ? { scope: "row" } : {});
  cell.append(name);
  return cell;
}

function statusCell(video) {
  const cell = textCell(video.status);
  if (video.reason) {
    const reason = document.createElement("bdi");
    reason.className = "reason";
    reason.textContent = video.reason;
    cell.append(reason);
  }
  return cell;
}

function armCell(video, arm) {
  const right = isRight(video, arm);
  const mark = right === null ? "" : right ? "✓ " : "✗ ";
  const cell = textCell(mark + (video.predicted[arm] || "–"));
  cell.className = right === null ? "" : right ? "right" : "wrong";
  if (right !== null) {
    const words = document.createElement("span");
    words.className = "hidden";
    words.textContent = right ? " (right)" : " (wrong)";
    cell.append(words);
  }
  return cell;
}

function rowOf(video) {
  const row = document.createElement("tr");
  row.append(
    pictureCell(video),
    nameCell("th", video.id, video.page),
    ...(hasMatches ? [nameCell("td", video.match || "–", video.matchPage)] : []),
    textCell(video.label || "–"),
    textCell(video.split || "–"),
    statusCell(video),
    ...arms.map((_, arm) => armCell(video, arm)),
  );
  return row;
}

function showHeads() {
  for (const head of heads.filter((each) => each.dataset.key)) {
    const isSorted = head.dataset.key === state.sort;
    const order = state.descending ? "descending" : "ascending";
    head.setAttribute("aria-sort", isSorted ? order : "none");
  }
}

function show() {
  const pages = Math.max(1, Math.ceil(found.length / PAGE_ROWS));
  state.page = Math.min(state.page, pages);
  const start = (state.page - 1) * PAGE_ROWS;
  body.replaceChildren(...found.slice(start, start + PAGE_ROWS).map(rowOf));
  const all = videos.length.toLocaleString("en");
  document.getElementById("count").textContent =
    `${found.length.toLocaleString("en")} of ${all} videos`;
  document.getElementById("place").textContent = `Page ${state.page} of ${pages}`;
  document.getElementById("previous").disabled = state.page <= 1;
  document.getElementById("next").disabled = state.page >= pages;
  showHeads();
  writeState();
}

function update(changes) {
  state = { ...state, page: 1, ...changes };
  find();
  show();
}

// --- what people do ------------------------------------------------------------------------------

const controls = FIELDS.filter((name) => form.elements[name]);

function fillForm() {
  controls.forEach((name) => (form.elements[name].value = state[name]));
}

function readForm() {
  update(Object.fromEntries(controls.map((name) => [name, form.elements[name].value])));
}

form.addEventListener("input", readForm);
form.addEventListener("reset", () => setTimeout(readForm));
form.addEventListener("submit", (event) => event.preventDefault());
for (const head of heads.filter((each) => each.dataset.key)) {
  head.addEventListener("click", () => {
    const sort = head.dataset.key;
    update({ sort, descending: sort === state.sort && !state.descending });
  });
}
for (const [id, step] of Object.entries({ previous: -1, next: 1 })) {
  document
    .getElementById(id)
    .addEventListener("click", () => update({ page: state.page + step }));
}
window.addEventListener("hashchange", () => {
  state = readState();
  fillForm();
  find();
  show();
});

fillForm();
find();
show();
