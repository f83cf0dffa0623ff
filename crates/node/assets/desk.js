// What the desk does beyond links and forms. Every page works without it.
"use strict";

const policy = window.trustedTypes?.createPolicy("couloir", { createHTML: (text) => text });
const parse = (text) => new DOMParser().parseFromString(policy ? policy.createHTML(text) : text, "text/html");
const find = (selector, within = document) => within.querySelector(selector);
const all = (selector, within = document) => [...within.querySelectorAll(selector)];

// Following the line: an event says that something changed; the page fetches itself and takes over the
// regions marked data-live. The markup comes from our own server, rendered as for any visit.

let fetching = false;
let again = false;
let heard = Date.now();
let asOf = Number(document.body.dataset.asOf);

async function refresh() {
  if (fetching) {
    again = true;
    return;
  }
  fetching = true;
  try {
    const look = document.visibilityState === "visible" ? "visible" : "hidden";
    // A question was asked by a form, and has no address of its own: only the line at the top is followed.
    const isQuestion = "question" in document.body.dataset;
    const answer = await fetch(isQuestion ? "desk" : location.href, { headers: { "X-Desk-Look": look }, redirect: "error" });
    if (answer.status === 423 || answer.status === 403) return isQuestion ? location.assign("desk") : location.reload();
    const fresh = answer.ok && parse(await answer.text());
    await whenReleased();
    if (fresh) take(fresh);
  } catch {
    // The next beat, or its absence, tells.
  } finally {
    fetching = false;
    if (again) {
      again = false;
      refresh();
    }
  }
}

function take(fresh) {
  const stays = isAtEnd();
  tell(fresh.getElementById("line")?.dataset);
  for (const region of all("[data-live]")) {
    const other = fresh.getElementById(region.id);
    if (!other || other.innerHTML === region.innerHTML) continue;
    const known = new Set(all("[data-entry]", region).map((entry) => entry.dataset.entry));
    weave(region, other);
    for (const entry of all("[data-entry]", region)) if (!known.has(entry.dataset.entry)) entry.classList.add("fresh");
  }
  document.title = fresh.title;
  asOf = Number(fresh.body.dataset.asOf);
  document.body.dataset.change = fresh.body.dataset.change;
  const words = fresh.getElementById("as-of");
  if (words) find("#as-of").textContent = words.textContent;
  if (stays) scrollTo({ top: document.body.scrollHeight });
}

// Something new: a note without content, and a sound by precedence, where the officer wants them.

const TUNES = { flash: [880, 660, 880, 660, 880, 660], immediate: [660, 880], other: [523] };
let audio;

function tell(now) {
  const known = find("#line")?.dataset;
  if (!known || !now) return;
  const rose = (what) => Number(now[what]) > Number(known[what]);
  if (rose("heard")) {
    if ("sound" in document.body.dataset) sound(rose("flash") ? "flash" : rose("immediate") ? "immediate" : "other");
    const words = document.body.dataset.notify;
    if (words && !document.hasFocus() && window.Notification?.permission === "granted") new Notification(words, { tag: "couloir" });
  }
  for (const what of ["heard", "immediate", "flash"]) known[what] = now[what];
}

function sound(tune) {
  audio ??= new AudioContext();
  // Until somebody pressed something on this page the browser keeps it silent.
  audio.resume().catch(() => {});
  TUNES[tune].forEach((pitch, index) => {
    const at = audio.currentTime + index * 0.22;
    const [tone, loud] = [audio.createOscillator(), audio.createGain()];
    tone.frequency.value = pitch;
    loud.gain.setValueAtTime(0.001, at);
    loud.gain.exponentialRampToValueAtTime(0.2, at + 0.02);
    loud.gain.exponentialRampToValueAtTime(0.001, at + 0.2);
    tone.connect(loud).connect(audio.destination);
    tone.start(at);
    tone.stop(at + 0.21);
  });
}

if (find("#tunes")) find("#tunes").hidden = false;
find("#tunes")?.addEventListener("click", (event) => event.target.dataset.tune && sound(event.target.dataset.tune));
// A browser asks once, when the officer wants to be told.
find('input[name="notify"]')?.addEventListener("change", (event) => event.target.checked && window.Notification?.requestPermission());

// What is the same remains the very same element, so that nothing is taken from under a pointer, a caret or a
// conversion; what a person opened or typed stays so.

const keyOf = (node) => (node.nodeType === Node.ELEMENT_NODE && (node.id || node.dataset.entry)) || undefined;
const isAlike = (old, fresh) => old.nodeType === fresh.nodeType && old.nodeName === fresh.nodeName && keyOf(old) === keyOf(fresh);

function weave(old, fresh) {
  const wanted = new Set([...fresh.childNodes].map(keyOf));
  for (const child of [...old.childNodes]) if (keyOf(child) && !wanted.has(keyOf(child))) child.remove();
  let at = old.firstChild;
  for (const child of [...fresh.childNodes]) {
    if (at && isAlike(at, child)) {
      become(at, child);
      at = at.nextSibling;
    } else {
      const moved = keyOf(child) && [...old.childNodes].find((each) => isAlike(each, child));
      if (moved) become(moved, child);
      old.insertBefore(moved || document.importNode(child, true), at);
    }
  }
  while (at) {
    const next = at.nextSibling;
    at.remove();
    at = next;
  }
}

function become(old, fresh) {
  if (old.isEqualNode(fresh)) return;
  if (old.nodeType !== Node.ELEMENT_NODE) return (old.data = fresh.data);
  for (const { name } of [...old.attributes]) if (name !== "open" && !fresh.hasAttribute(name)) old.removeAttribute(name);
  for (const { name, value } of fresh.attributes) if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  weave(old, fresh);
}

// Between pressing and releasing nothing moves under the pointer; but a release that is never heard of holds up little.

let pressed = false;
let released = () => {};
const whenReleased = () => pressed && new Promise((resolve) => setTimeout((released = resolve), 10000));
addEventListener("pointerdown", (event) => (pressed = event.button === 0 && Boolean(event.target.closest?.("[data-live]"))), true);
for (const end of ["pointerup", "pointercancel"]) {
  addEventListener(end, () => setTimeout(() => {
    pressed = false;
    released();
  }), true);
}

function isAtEnd() {
  return Boolean(find("[data-follow-end]")) && innerHeight + scrollY >= document.body.scrollHeight - 120 && scrollY > 0;
}

function follow() {
  // From what this page shows: what changed since it was rendered is told at once.
  const events = new EventSource(`events?since=${document.body.dataset.change}`);
  const beat = () => {
    heard = Date.now();
    if (!find("#stale").hidden) refresh();
    find("#stale").hidden = true;
  };
  events.addEventListener("beat", (event) => {
    beat();
    asOf = Number(event.data);
  });
  events.addEventListener("change", () => {
    beat();
    refresh();
  });
  events.addEventListener("door", () => {
    events.close();
    location.reload();
  });
  setInterval(() => {
    if (Date.now() - heard > 15000) showStale();
  }, 1000);
  events.addEventListener("error", () => {
    if (events.readyState === EventSource.CLOSED) setTimeout(() => (events.close(), follow()), 3000);
  });
}

function showStale() {
  const note = find("#stale");
  if (!note || !note.hidden) return;
  const time = new Date(asOf).toTimeString().slice(0, 5);
  note.textContent = note.dataset.words.replace("{time}", time);
  note.hidden = false;
}

// Writing. Enter never sends; Ctrl+Enter does, unless a conversion is under way.

let ended = 0;
addEventListener("compositionend", () => (ended = Date.now()), true);
const converting = (event) => event.isComposing || event.keyCode === 229 || Date.now() - ended < 50;

function send(event) {
  const form = event.target.closest?.("form#say");
  if (!form || event.key !== "Enter" || !(event.ctrlKey || event.metaKey) || event.repeat || converting(event)) return;
  event.preventDefault();
  form.requestSubmit(find("button.main", form));
}

let resting;
function keepDraft(event) {
  const form = event.target.form;
  if (!form?.dataset.draft) return;
  clearTimeout(resting);
  resting = setTimeout(() => saveDraft(form), 1500);
}

function saveDraft(form) {
  resting = undefined;
  const body = new URLSearchParams([...new FormData(form), ["quietly", "yes"]]);
  fetch(form.dataset.draft, { method: "POST", body, keepalive: true }).catch(() => {});
}

// What is half written is kept before the page goes.
addEventListener("pagehide", () => resting && saveDraft(find("#say")));
addEventListener("submit", (event) => {
  clearTimeout(resting);
  if (resting && event.target.id !== "say") saveDraft(find("#say"));
  resting = undefined;
}, true);
addEventListener("change", (event) => {
  if (event.target.id === "lang" && find("#say")) find("#text").lang = event.target.value || document.documentElement.lang;
});

// What is known of a file once it is chosen, before it goes.

function weigh(field) {
  const [file] = field.files;
  const table = find("#carriers");
  const note = find("#of-file");
  for (const cell of all(".this", field.form)) cell.hidden = !file;
  note.hidden = !file;
  if (!file) return;
  const strips = find('input[name="strip"]', field.form).checked && /^image\/(jpeg|png)$/.test(file.type);
  note.textContent = strips ? note.dataset.can : note.dataset.cannot;
  if (!strips && !find('input[name="strip"]', field.form).checked) note.hidden = true;
  for (const row of table ? all("tr[data-rate]", table) : []) {
    const seconds = file.size / Math.max(1, row.dataset.rate);
    const [words, per] = seconds <= 90 ? ["s", 1] : seconds <= 5400 ? ["m", 60] : seconds <= 172800 ? ["h", 3600] : ["d", 86400];
    find(".this:last-child", row).textContent = table.dataset[words].replace("{n}", Math.max(1, Math.ceil(seconds / per)));
  }
}
addEventListener("change", (event) => {
  const field = event.target.closest?.("form")?.elements.file;
  if (field?.files) weigh(field);
});

// Keys and the palette.

const places = () => Object.fromEntries(all("#palette-list [data-go]").map((item) => [find("kbd", item)?.textContent.slice(-1), item.dataset.go]));
const isTyping = (target) => /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName) || target.isContentEditable;
let went = 0;

function key(event) {
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
    event.preventDefault();
    return openPalette();
  }
  send(event);
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
  if (document.body.dataset.keys !== "on" || find("dialog[open]")) return;
  single(event);
}

function single(event) {
  const to = Date.now() - went < 1500 ? places()[event.key] : undefined;
  if (to) return (location.href = to);
  const acts = {
    g: () => (went = Date.now()),
    "?": () => (location.href = "keys"),
    "/": () => (location.href = "search"),
    c: () => (find("#text") ? find("#text").focus() : (location.href = "thread#text")),
    j: () => step(1),
    k: () => step(-1),
    o: () => document.body.classList.toggle("originals-only"),
    r: () => replyTo(document.activeElement.closest?.(".letter")),
  };
  if (acts[event.key]) {
    event.preventDefault();
    acts[event.key]();
  }
}

function step(by) {
  const links = all(".letter > a.number");
  const at = links.indexOf(document.activeElement);
  const next = links[at < 0 ? (by > 0 ? 0 : links.length - 1) : Math.min(links.length - 1, Math.max(0, at + by))];
  next?.focus();
  next?.closest(".letter").scrollIntoView({ block: "nearest" });
}

function replyTo(letter) {
  const way = letter && find('.ways-on a[href*="reply="]', letter);
  if (way) location.href = way.href;
}

function openPalette() {
  const dialog = find("#palette");
  if (dialog.open) return;
  find("#palette-text").value = "";
  narrow();
  dialog.showModal();
}

function narrow() {
  const wanted = find("#palette-text").value.trim().toLowerCase();
  const items = all("#palette-list [data-go]");
  for (const item of items) item.hidden = !`${item.textContent} ${item.dataset.go}`.toLowerCase().includes(wanted);
  choose(items.find((item) => !item.hidden));
}

function choose(item) {
  for (const other of all("#palette-list [data-go]")) other.setAttribute("aria-selected", String(other === item));
}

function inPalette(event) {
  if (converting(event)) return;
  const items = all("#palette-list [data-go]").filter((item) => !item.hidden);
  const at = items.findIndex((item) => item.getAttribute("aria-selected") === "true");
  if (event.key === "ArrowDown") choose(items[Math.min(items.length - 1, at + 1)]);
  else if (event.key === "ArrowUp") choose(items[Math.max(0, at - 1)]);
  else if (event.key === "Enter" && items[at]) location.href = items[at].dataset.go;
  else return;
  event.preventDefault();
}

addEventListener("keydown", key);
addEventListener("input", keepDraft);
find("#palette-text")?.addEventListener("input", narrow);
find("#palette-text")?.addEventListener("keydown", inPalette);
find("#palette-list")?.addEventListener("click", (event) => {
  const item = event.target.closest("[data-go]");
  if (item) location.href = item.dataset.go;
});
// Pressed twice is meant once.
addEventListener("submit", (event) => {
  const button = event.submitter;
  // What is taken out as a file leaves the page where it is.
  if (!event.target.hasAttribute("data-takes")) setTimeout(() => button && (button.disabled = true));
});
addEventListener("pageshow", () => all("button:disabled").forEach((button) => (button.disabled = false)));
addEventListener("visibilitychange", () => document.visibilityState === "visible" && refresh());
follow();
