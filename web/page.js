/* The page: the owner's (/) and a guest's (/guest). Foreign text only ever becomes text nodes. */
"use strict";

const $ = (id) => document.getElementById(id);
const guest = location.pathname === "/guest";
const KEEP = "iwant-token";
const ROWS = 50;

/* ---- elements ---- */

function el(tag, set, ...inside) {
  const e = document.createElement(tag);
  for (const [k, v] of Object.entries(set || {})) {
    if (k.startsWith("on")) e.addEventListener(k.slice(2), v);
    else if (k in e) e[k] = v;
    else e.setAttribute(k, v);
  }
  e.append(...inside.filter((x) => x !== null && x !== undefined && x !== ""));
  return e;
}

function icon(type) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  use.setAttribute("href", "#i-" + ($("i-" + type) ? type : "file"));
  svg.append(use);
  return svg;
}

/* What moves the cursor, turns the direction of writing or hides is shown as its number. */
const ODD = /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202f\u2060-\u206f\ufe00-\ufe0f\ufeff\ufff9-\ufffb]|[\u{e0000}-\u{e0fff}]/u;
const PILE = /(\p{M}{4})\p{M}+/gu;

function odd(c) {
  const hex = c.codePointAt(0).toString(16).padStart(4, "0").toUpperCase();
  return el("span", { className: "odd", title: "a character that cannot be seen" }, "U+" + hex);
}

/* Foreign text as nodes; marks: [from, to, from, to...], in units of the text. */
function foreign(text, marks) {
  const box = el("bdi");
  if (!ODD.test(text)) { /* nearly all are: no need to look at each letter */
    const tame = (from, to) => text.slice(from, to).replace(PILE, "$1");
    let at = 0;
    for (let i = 0; marks && i < marks.length; i += 2) {
      box.append(tame(at, marks[i]), el("mark", null, tame(marks[i], marks[i + 1])));
      at = marks[i + 1];
    }
    box.append(tame(at));
    return box;
  }
  let run = "", marked = false, at = 0, next = 0;
  const flush = () => {
    run = run.replace(PILE, "$1");
    if (run) box.append(marked ? el("mark", null, run) : run);
    run = "";
  };
  for (const c of text) {
    const on = !!marks && next < marks.length && at >= marks[next];
    if (on !== marked) { flush(); marked = on; }
    if (ODD.test(c)) { flush(); box.append(odd(c)); } else run += c;
    at += c.length;
    while (marks && next < marks.length && at >= marks[next + 1]) {
      flush();
      marked = false;
      next += 2;
    }
  }
  flush();
  return box;
}

const plain = (text) => foreign(text).textContent;

function size(n) {
  const unit = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
  let i = 0;
  while (n >= 1024 && i < unit.length - 1) { n /= 1024; i++; }
  return (i && n < 100 ? n.toFixed(1) : Math.round(n)) + "\u00a0" + unit[i];
}

function span(seconds) {
  const s = Math.round(seconds), two = (n) => String(n).padStart(2, "0");
  if (s >= 3600) return Math.floor(s / 3600) + ":" + two(Math.floor(s / 60) % 60) + ":" + two(s % 60);
  return Math.floor(s / 60) + ":" + two(s % 60);
}

const count = (n, one, more) => n.toLocaleString() + " " + (n === 1 ? one : more);

/* ---- the service ---- */

let token = "";
let over = false; /* this page has ended for good */

class Refused extends Error {}

function alertWith(text) {
  if ($("alert").textContent !== text) $("alert").textContent = text;
  $("alert").hidden = !text;
}

function end(text) {
  over = true;
  alertWith(text);
  for (const b of document.querySelectorAll("main button, main input, main select")) b.disabled = true;
}

async function ask(path, body, signal) {
  let r;
  try {
    r = await fetch(path, {
      method: body === undefined ? "GET" : "POST", body: body && JSON.stringify(body), signal,
      headers: { Authorization: "Bearer " + token }, cache: "no-store", redirect: "error",
    });
  } catch (e) {
    if (e.name === "AbortError") throw e;
    gone();
    throw new Refused("");
  }
  if (r.status === 401) {
    end(guest ? "This page has ended. Ask for a new link."
      : "This page has ended. Type \u201ciwanto web\u201d in a terminal for a new one.");
    throw new Refused("");
  }
  back();
  if (r.ok) return r;
  const text = await r.text();
  let said = text;
  try { said = JSON.parse(text).error || text; } catch { /* a line of text */ }
  throw new Refused(plain(said));
}

const json = async (path, body, signal) => (await ask(path, body, signal)).json();

let away = 0;

function gone() {
  if (over || away) return;
  alertWith("The service does not answer. Trying again\u2026");
  away = setInterval(() => json("v1/status").catch(() => {}), 1500);
}

function back() {
  if (!away) return;
  clearInterval(away);
  away = 0;
  alertWith("");
  search();
  poll();
}

/* ---- search ---- */

const form = $("ask"), words = $("words"), rows = $("rows");
let only = null; /* {peer, name}: what one computer shares */
let shown = 0, busy = false, again = false, last = "";
let found = []; /* rows as they are on the page */

function query(offset) {
  const p = new URLSearchParams({ q: words.value.trim() });
  for (const name of ["type", "larger", "smaller", "newer"])
    if (form.elements[name].value) p.set(name, form.elements[name].value);
  const ext = form.elements.ext.value.trim().replace(/^\./, "");
  if (ext) p.set("ext", ext);
  if (only) p.set("peer", only.peer);
  if (offset) p.set("offset", offset);
  return p;
}

function note() {
  let set = !!only;
  for (const f of form.querySelectorAll(".filters [name]")) {
    f.classList.toggle("set", !!f.value);
    set = set || !!f.value;
  }
  $("clear").hidden = !set;
  $("only").hidden = !only;
  if (only) {
    $("only").replaceChildren("only from ", foreign(only.name), " \u00d7");
    $("only").setAttribute("aria-label", "Only from " + plain(only.name) + ": remove");
  }
  return set;
}

/* One question at a time; what was typed meanwhile is asked next, and only that. */
async function search() {
  const filters = note();
  const p = query(0), text = p.toString();
  if (over || !token) return;
  if (busy) { again = true; return; }
  if (!p.get("q") && !filters) {
    last = "";
    show({ rows: [], about: 0 }, p, true);
    return;
  }
  busy = true;
  try {
    const a = await json("v1/search?marks=1&limit=" + ROWS + "&" + text);
    if (!again) { show(a, p, false); last = text; }
  } catch (e) {
    if (e instanceof Refused && e.message && !again) fail(e.message);
  }
  busy = false;
  if (again) { again = false; search(); }
}

function fail(text) {
  show({ rows: [], about: 0 }, query(0), false);
  $("nothing").replaceChildren(el("p", { className: "big" }, "That could not be searched."), el("p", null, text));
  $("said").textContent = "";
}

function say(a, p) {
  const said = $("said"), q = p.get("q");
  said.replaceChildren();
  if (!a.rows.length) return;
  said.append("About " + count(a.about, "result", "results"));
  if (a.corrected) said.append(", showing them for ", el("b", null, foreign(a.corrected)));
  else if (!q) said.append(" of that kind");
}

function showNothing(a, p) {
  const box = $("nothing");
  box.replaceChildren(el("p", { className: "big" }, "Nothing found."),
    el("p", null, p.get("q") ? "Nobody here shares anything that is called like " : "Nobody here shares anything like that.",
      p.get("q") ? el("b", null, foreign(p.get("q"))) : null, p.get("q") ? "." : null));
  if (a.nearest)
    box.append(el("button", { type: "button", onclick: () => { words.value = a.nearest; search(); words.focus(); } },
      "Search for ", foreign(a.nearest)));
  else if (!$("clear").hidden)
    box.append(el("button", { type: "reset", onclick: () => form.reset() }, "Clear the filters"));
}

function show(a, p, idle) {
  const at = [...rows.children].indexOf(document.activeElement.closest("#rows > li"));
  found = a.rows.map((r, i) => row(r, a.marks && a.marks[i]));
  rows.replaceChildren(...found);
  roam(rows);
  if (at >= 0) (found[at] || words).focus();
  shown = a.rows.length;
  say(a, p);
  $("hello").hidden = !idle;
  $("nothing").hidden = idle || a.rows.length > 0;
  if (!idle && !a.rows.length) showNothing(a, p);
  $("more").hidden = shown < ROWS || shown >= a.about;
  paint();
  keep();
}

async function more() {
  const p = query(shown), first = shown, text = last;
  $("more").disabled = true;
  try {
    const a = await json("v1/search?marks=1&limit=" + ROWS + "&" + p);
    if (text === last) {
      const got = a.rows.map((r, i) => row(r, a.marks && a.marks[i]));
      found.push(...got);
      rows.append(...got);
      roam(rows);
      shown += got.length;
      $("more").hidden = got.length < ROWS || shown >= a.about;
      paint();
      if (rows.children[first]) rows.children[first].focus();
    }
  } catch { /* the banner says it */ }
  $("more").disabled = over;
}

/* ---- one row ---- */

const LOOKS = { video: "Play", audio: "Play", image: "View" };

const folder = (path) => path.includes("/") ? path.slice(0, path.lastIndexOf("/")) : "";

function holders(r) {
  const n = r.holders_count || r.holders.length, names = r.holders.map(plain);
  return el("span", { title: names.join(", ") },
    n <= 2 && names.length === n ? names.join(", ") : count(n, "holder", "holders"));
}

const link = (r, what) => what + "/" + token + "/" + r.hash + "/" + encodeURIComponent(r.name);

function acts(r) {
  const box = el("div", { className: "acts" }), name = plain(r.name);
  if (r.type === "dir")
    box.append(el("button", { type: "button", "aria-expanded": "false", "aria-label": "Look inside " + name,
      onclick: (e) => look(r, e.currentTarget) }, "Look inside"));
  if (LOOKS[r.type])
    box.append(el("button", { type: "button", "aria-label": LOOKS[r.type] + " " + name, onclick: () => play(r) },
      LOOKS[r.type]));
  if (guest && r.type === "dir")
    box.append(el("a", { className: "button", href: link(r, "tar"), download: "", "aria-label": name + " as tar" }, "tar"),
      el("a", { className: "button main act", href: link(r, "zip"), download: "", "aria-label": name + " as zip" }, "zip"));
  else if (guest)
    box.append(el("a", { className: "button main act", href: link(r, "get"), download: "", "aria-label": "Download " + name }, "Download"));
  else
    box.append(el("button", { type: "button", className: "main act", "aria-label": "Download " + name,
      onclick: () => download(r) }, "Download"));
  return box;
}

function row(r, marks) {
  const li = el("li", { tabIndex: -1 }, icon(r.type),
    el("div", null,
      el("div", { className: "name" }, foreign(r.name, marks), r.type === "dir" ? "/" : null),
      el("div", { className: "meta" }, el("span", null, size(r.size)), holders(r),
        folder(r.path) ? el("span", null, foreign(folder(r.path))) : null)),
    acts(r), el("div", { className: "below" }));
  li.row = r;
  return li;
}

async function look(r, button) {
  const li = button.closest("li"), open = li.querySelector(".inside");
  if (open) { open.remove(); button.setAttribute("aria-expanded", "false"); return; }
  button.disabled = true;
  try {
    const a = await json(guest ? "v1/look/" + r.hash : "v1/look", guest ? undefined : { hash: r.hash });
    const list = el("ol", { className: "inside", "aria-label": "Inside " + plain(r.name) });
    for (const f of a.files.slice(0, 500)) list.append(insideRow(f));
    if (a.files.length > 500) list.append(el("li", null, "and " + count(a.files.length - 500, "more file", "more files")));
    if (!a.files.length) list.append(el("li", null, "It is empty."));
    li.querySelector(".below").append(list);
    button.setAttribute("aria-expanded", "true");
  } catch (e) {
    if (e.message) tell(li, e.message);
  }
  button.disabled = false;
}

function insideRow(f) {
  const r = { hash: f.hash, size: f.size, name: f.path.split("/").pop(), type: kindOf(f.path), holders: [] };
  const li = el("li", null, el("span", { className: "name" }, foreign(f.path)),
    el("span", { className: "meta" }, size(f.size)), acts(r));
  li.row = r;
  li.querySelector(".act").classList.remove("main");
  return li;
}

const KINDS = {
  video: /\.(mp4|m4v|webm|mkv|mov|ogv|avi)$/i, audio: /\.(mp3|m4a|ogg|oga|opus|flac|wav|aac)$/i,
  image: /\.(jpe?g|png|gif|webp|avif|bmp)$/i,
};

function kindOf(name) {
  for (const [kind, end] of Object.entries(KINDS)) if (end.test(name)) return kind;
  return "file";
}

function tell(li, text) {
  const below = li.querySelector(".below") || li;
  let p = below.querySelector(".wrong");
  if (!p) below.append(p = el("p", { className: "meta wrong", role: "alert" }));
  p.textContent = text;
}

/* ---- downloads ---- */

let queue = [], timer = 0, polling = false;

async function download(r) {
  const li = found.find((x) => x.row === r) || document.activeElement.closest("li");
  try {
    await ask("v1/downloads", { wants: [{ hash: r.hash, title: r.name }], detach: true });
    $("said").textContent = "Downloading " + plain(r.name);
    poll();
  } catch (e) {
    if (e.message && li) tell(li, e.message);
  }
}

const ENDS = { done: "Done", skipped: "You have it already", failed: "Failed" };

function state(d) {
  const part = d.size ? Math.floor(d.bytes / d.size * 100) + "\u00a0%" : "";
  switch (d.event) {
  case "done": case "skipped": return [ENDS[d.event], d.path];
  case "failed": return ["Failed" + (d.error ? ": " + plain(d.error) : "")];
  case "paused": return ["Paused", part];
  case "queued": return ["Waiting for its turn"];
  case "waiting": return ["Waiting" + (d.error ? ": " + plain(d.error) : ""), part];
  case "start": if (!d.bytes) return ["Beginning"]; /* falls through */
  default:
    return [part, d.rate ? size(d.rate) + "/s" : null, Number.isFinite(d.eta) ? span(d.eta) + " left" : null,
      d.holders ? count(d.holders, "holder", "holders") : null];
  }
}

const line = (d) => state(d).filter(Boolean).map((t) => el("span", null, t));
const runs = (d) => !ENDS[d.event];
const moves = (d) => runs(d) && d.event !== "paused";

function bar(d) {
  return el("progress", { max: d.size || 1, value: d.bytes || 0, "aria-label": "Progress of " + plain(d.name || "") });
}

async function act(d, what) {
  try { await ask("v1/downloads/" + d.hash + "/" + what, {}); } catch { /* the next poll shows what is */ }
  poll();
}

function queueActs(d) {
  const button = (text, what) => el("button", { type: "button", "aria-label": text + " " + plain(d.name || d.hash),
    onclick: () => act(d, what) }, text);
  if (d.event === "done" || d.event === "skipped") return [];
  if (d.event === "failed") return [button("Try again", "resume"), button("Remove", "cancel")];
  return [d.event === "paused" ? button("Resume", "resume") : button("Pause", "pause"), button("Cancel", "cancel")];
}

/* The same elements as long as the same download stands there: focus and screen readers stay. */
function queueRow(d, old) {
  const li = old || el("li", null, icon(d.kind === "d" ? "dir" : kindOf(d.name || "")),
    el("div", null, el("div", { className: "name" }), el("div", { className: "meta" })),
    el("div", { className: "acts" }), el("div", { className: "below" }));
  if (!old || li.name !== d.name) li.querySelector(".name").replaceChildren(foreign(d.name || d.hash));
  li.querySelector(".meta").replaceChildren(...line(d));
  li.querySelector(".meta").classList.toggle("wrong", d.event === "failed");
  if (li.state !== d.event) {
    const had = li.querySelector(".acts").contains(document.activeElement);
    if (!(li.state && moves(d) && moves({ event: li.state }))) li.querySelector(".acts").replaceChildren(...queueActs(d));
    if (had && !li.contains(document.activeElement)) (li.querySelector(".acts button") || $("queue")).focus();
  }
  const below = li.querySelector(".below");
  if (!runs(d)) below.replaceChildren();
  else if (!below.firstChild) below.append(bar(d));
  if (below.firstChild) { below.firstChild.max = d.size || 1; below.firstChild.value = d.bytes || 0; }
  li.id = "d" + d.id;
  li.name = d.name;
  li.state = d.event;
  return li;
}

/* What is known of downloads, at the rows of the search. */
function paint() {
  if (guest) return;
  const by = new Map(queue.map((d) => [d.hash, d]));
  for (const li of rows.querySelectorAll("li")) {
    const d = li.row && by.get(li.row.hash);
    const b = d && li.querySelector(":scope > .acts > .act");
    if (!b) continue;
    const text = d.event === "done" || d.event === "skipped" ? "Done" : d.event === "failed" ? "Try again"
      : d.event === "paused" ? "Paused" : d.size && d.bytes ? state(d)[0].length > 8 ? "Waiting" : Math.floor(d.bytes / d.size * 100) + "\u00a0%" : "Waiting";
    if (b.textContent !== text) b.textContent = text;
    b.disabled = over || d.event !== "failed";
    b.title = line(d).map((s) => s.textContent).join(" \u00b7 ");
  }
}

function showQueue() {
  const n = queue.filter(moves).length;
  for (const li of [...$("queue").children]) if (!queue.some((d) => "d" + d.id === li.id)) li.remove();
  queue.forEach((d, i) => {
    const old = document.getElementById("d" + d.id), li = queueRow(d, old);
    if ($("queue").children[i] !== li) $("queue").insertBefore(li, $("queue").children[i] || null);
  });
  $("no-downloads").hidden = queue.length > 0;
  $("running").hidden = !n;
  $("running").textContent = n;
  $("running").setAttribute("aria-label", ", " + count(n, "is running", "are running"));
  paint();
}

function ended(before) {
  for (const d of queue) {
    const old = before.find((x) => x.id === d.id);
    if (old && runs(old) && !runs(d)) $("said").textContent = plain(d.name || "") + ": " + line(d)[0].textContent;
  }
}

/* Twice a second while something moves; seldom else, and never unseen. */
async function poll() {
  clearTimeout(timer);
  if (over || guest || !token || polling || document.hidden) return;
  polling = true;
  try {
    const before = queue;
    queue = (await json("v1/downloads")).downloads.reverse();
    ended(before);
    showQueue();
  } catch { /* the banner says it */ }
  polling = false;
  timer = setTimeout(poll, queue.some(moves) ? 500 : 4000);
}

/* ---- the network ---- */

function fact(name, ...value) {
  return [el("dt", null, name), el("dd", null, ...value)];
}

async function network() {
  try {
    const s = await json("v1/status"), p = (await json("v1/peers")).peers;
    $("where").replaceChildren(foreign(s.network), " \u00b7 " + count(s.peers, "computer", "computers"));
    $("into").replaceChildren("They go to ", foreign(s.downloads.folder));
    if (current !== "network") return;
    $("self").replaceChildren(
      ...fact("Name", foreign(s.name)),
      ...fact("Network", foreign(s.network), s.open ? ": open. Anyone who reaches this network can see and fetch what you share."
        : ": private. Only who knows its passphrase can see what you share."),
      ...fact("You share", foreign(s.shared.folder), ": " + count(s.shared.files, "file", "files") + ", " + size(s.shared.bytes),
        s.shared.indexing ? " (" + count(s.shared.pending_files, "file is", "files are") + " still being read)" : null,
        s.shared.trouble ? el("div", { className: "wrong" }, foreign(s.shared.trouble)) : null),
      ...fact("Downloads go to", foreign(s.downloads.folder)),
      ...fact("Sending now", size(s.rate_up) + "/s"));
    p.sort((a, b) => b.self - a.self || (a.name || "").localeCompare(b.name || ""));
    const had = document.activeElement.closest("#peers li"), at = had ? [...$("peers").children].indexOf(had) : -1;
    $("peers").replaceChildren(...p.map(peerRow));
    if (at >= 0 && $("peers").children[at]) $("peers").children[at].querySelector("button").focus();
  } catch { /* the banner says it */ }
}

function peerRow(p) {
  const name = p.name || p.peer.slice(0, 8), what = [count(p.files, "file", "files"), size(p.bytes), p.addr];
  if (p.leader) what.push("leads");
  else if (p.standby) what.push("stands by");
  return el("li", null, icon("computer"),
    el("div", null, el("div", { className: "name" }, foreign(name), p.self ? " (this computer)" : null),
      el("div", { className: "meta" }, ...what.filter(Boolean).map((t) => el("span", null, t)))),
    el("div", { className: "acts" }, el("button", { type: "button", "aria-label": "Show the files of " + plain(name),
      onclick: () => browse(p.peer, name) }, "Show files")));
}

function browse(peer, name) {
  only = { peer, name };
  words.value = "";
  rows.replaceChildren();
  view("search");
  search();
}

/* ---- playing ---- */

let stopPlay = null;

function stage(type, url) {
  if (type === "image") return el("img", { src: url, alt: "" });
  return el(type === "audio" ? "audio" : "video", { src: url, controls: true, autoplay: true,
    onerror: () => { $("progress").textContent = "This browser cannot play it. \u201ciwanto play\u201d opens it in another player."; } });
}

async function play(r) {
  const type = LOOKS[r.type] ? r.type : "video", stop = new AbortController();
  $("playing").replaceChildren(foreign(r.name));
  $("progress").textContent = guest ? "" : "Looking for it\u2026";
  $("stage").replaceChildren();
  $("player").showModal();
  if (guest) {
    stopPlay = stop;
    $("stage").append(stage(type, link(r, "view")));
    return;
  }
  stopPlay = stop;
  try {
    const reader = (await ask("v1/play", { hash: r.hash, title: r.name }, stop.signal)).body
      .pipeThrough(new TextDecoderStream()).getReader();
    for (let text = ""; ;) {
      const { value, done } = await reader.read();
      if (done) break;
      const lines = (text += value).split("\n");
      text = lines.pop();
      for (const l of lines) playEvent(JSON.parse(l), type);
    }
  } catch (e) {
    if (!stop.signal.aborted) $("progress").textContent = e.message || "The service does not answer.";
  }
}

function playEvent(d, type) {
  if (d.error && !d.event) { $("progress").textContent = plain(d.error); return; }
  if (d.event === "play") {
    $("progress").textContent = "";
    $("stage").append(stage(type, new URL(d.url).pathname));
    return;
  }
  $("progress").textContent = "It is downloaded meanwhile: " + state(d).filter(Boolean).join(" \u00b7 ");
}

function closePlayer() {
  if (stopPlay) stopPlay.abort();
  stopPlay = null;
  for (const m of $("stage").querySelectorAll("video, audio")) { m.pause(); m.removeAttribute("src"); m.load(); }
  $("stage").replaceChildren();
  if ($("player").open) $("player").close();
  poll();
}

/* ---- views, keys ---- */

let current = "search";

function view(name) {
  current = name;
  for (const id of ["search", "downloads", "network"]) $(id).hidden = id !== name;
  for (const b of $("tabs").children) {
    if (b.dataset.view === name) b.setAttribute("aria-current", "page");
    else b.removeAttribute("aria-current");
  }
  if (name === "search") words.focus();
  if (name === "network") network();
  if (name === "downloads") poll();
}

/* One of a list's rows is reached by Tab, the others by the arrows. */
function roam(list) {
  [...list.children].forEach((li, i) => { li.tabIndex = i ? -1 : 0; });
}

function step(li, to) {
  if (!to) return;
  li.tabIndex = -1;
  to.tabIndex = 0;
  to.focus();
  to.scrollIntoView({ block: "nearest" });
}

function rowKey(e, li) {
  const list = [...rows.children], at = list.indexOf(li);
  const press = (selector) => { const b = li.querySelector(":scope > .acts " + selector); if (b) b.click(); };
  switch (e.key) {
  case "ArrowDown": step(li, list[at + 1] || (!$("more").hidden && $("more"))); break;
  case "ArrowUp": if (at) step(li, list[at - 1]); else words.focus(); break;
  case "Home": step(li, list[0]); break;
  case "End": step(li, list[list.length - 1]); break;
  case "Enter": if (e.target !== li) return; press(".act"); break;
  case "p": case " ": if (e.target !== li) return; press("button:not(.act)"); break;
  default: return;
  }
  e.preventDefault();
}

function onKey(e) {
  if (e.ctrlKey || e.metaKey || e.altKey || e.isComposing || $("player").open) return;
  const typing = /^(INPUT|SELECT|TEXTAREA)$/.test(e.target.tagName), li = e.target.closest && e.target.closest("#rows > li");
  if (e.key === "/" && !typing) { view("search"); words.select(); e.preventDefault(); return; }
  if (e.key === "Escape") {
    if (e.target === words && words.value) { words.value = ""; search(); } else view("search");
    e.preventDefault();
    return;
  }
  if (e.target === words && e.key === "ArrowDown" && rows.firstChild) { step(rows.firstChild, rows.firstChild); e.preventDefault(); return; }
  if (li && !typing) rowKey(e, li);
}

function keep() {
  try { sessionStorage.setItem("iwant-query", words.value); } catch { /* not kept, then */ }
}

/* ---- beginning ---- */

function kept() {
  try { return sessionStorage.getItem(KEEP) || ""; } catch { return ""; }
}

/* What stands behind '#': a guest's token, or the owner's ticket, which is good once. */
async function enter() {
  const given = location.hash.slice(1);
  if (guest) { token = given; return; }
  if (/^[0-9a-f]{32}$/.test(given)) {
    history.replaceState(null, "", "/");
    const r = await fetch("session", { method: "POST", body: given });
    if (r.ok) {
      token = (await r.json()).token;
      try { sessionStorage.setItem(KEEP, token); } catch { /* until it is reloaded, then */ }
      return;
    }
  }
  token = kept();
}

async function greetGuest() {
  const a = await json("v1/guest");
  $("where").replaceChildren("guest of ", foreign(a.name));
  $("guest").textContent = "You can search and fetch what the computers of this network share with each other. " +
    "Others on this network can see what you fetch: this connection is not encrypted. You cannot change anything here.";
  $("guest").hidden = false;
}

async function begin() {
  try { await enter(); } catch { gone(); }
  if (!token) {
    end(guest ? "This link is not whole. Ask for a new one."
      : "This link was used before, or is too old. Type \u201ciwanto web\u201d in a terminal for a new one.");
    return;
  }
  $("tabs").hidden = guest;
  try { words.value = sessionStorage.getItem("iwant-query") || ""; } catch { /* empty, then */ }
  view("search");
  search();
  if (guest) { greetGuest().catch(() => {}); return; }
  poll();
  network();
  setInterval(() => { if (!document.hidden && !over && !away) network(); }, 5000);
}

form.addEventListener("submit", (e) => { e.preventDefault(); search(); });
form.addEventListener("input", search);
form.addEventListener("change", search);
form.addEventListener("reset", () => { only = null; const q = words.value; setTimeout(() => { words.value = q; search(); }); });
$("only").addEventListener("click", () => { only = null; search(); words.focus(); });
$("more").addEventListener("click", more);
$("close").addEventListener("click", closePlayer);
$("player").addEventListener("close", closePlayer);
$("brand").addEventListener("click", (e) => { e.preventDefault(); view("search"); });
for (const b of $("tabs").children) b.addEventListener("click", () => view(b.dataset.view));
document.addEventListener("keydown", onKey);
document.addEventListener("visibilitychange", poll);
begin();
