// WebSocket, from one to all: what one tab or phone says through a row, all that have joined hear, each row by itself.

import { byName, element, number, onReset, openSocket, side, wasReset } from "./lab.js";

const ROWS = ["flask", "fastapi"], SHOWN = 12, LONGEST = 200;
const NAMES = ["amber", "basil", "cedar", "delta", "ember", "fjord", "grove", "hazel", "indigo", "juniper", "krill", "linden"];
const me = `${NAMES[Math.floor(Math.random() * NAMES.length)]} ${10 + Math.floor(Math.random() * 90)}`; // this tab, for the others

export function mount(section) {
  const join = element("button", { type: "button", class: "first", textContent: "Join both" });
  const leave = element("button", { type: "button", textContent: "Leave", disabled: true });
  const text = element("input", { type: "text", maxLength: LONGEST, required: true, autocomplete: "off" });
  const through = element("select", {}, ...ROWS.map((name) => element("option", { value: name }, name)));
  const send = element("button", { textContent: "Send", disabled: true });
  const form = element("form", { class: "buttons" }, element("label", {}, "Message", text), element("label", {}, "Through", through), send);
  const heard = element("div", { class: "messages", role: "log", ariaLabel: "Heard" });
  const says = element("p", { class: "says", role: "status" });
  section.append(element("div", { class: "buttons" }, join, leave), form, says, heard);
  const sockets = {};

  const say = (row, words) => sockets[row].send(JSON.stringify({ who: me, text: words, sent: performance.now() }));

  function ended() {
    const left = ROWS.filter((row) => sockets[row]?.readyState === WebSocket.OPEN);
    join.disabled = left.length === ROWS.length;
    leave.disabled = send.disabled = !left.length;
    return left;
  }

  async function connect(row) {
    const socket = await openSocket(`/${row}/ws/broadcast`);
    if (!socket) return `${row} did not open a WebSocket in 2 s.`;
    sockets[row] = socket;
    socket.addEventListener("message", ({ data }) => show(heard, row, data));
    socket.addEventListener("close", ({ code }) => {
      ended();
      if (code === 1013) says.textContent = `${row} let this tab go: is its database there?`;
    });
    say(row, "has joined");
    return "";
  }

  join.addEventListener("click", async () => {
    join.disabled = true;
    const signal = wasReset();
    const wanted = ROWS.filter((row) => sockets[row]?.readyState !== WebSocket.OPEN);
    const failed = (await Promise.all(wanted.map(connect))).filter(Boolean);
    if (!signal.aborted) says.textContent = failed.join(" ") || `You are ${me}. Open this page in another tab, or on a phone, and join there, too.`;
    ended();
  });
  leave.addEventListener("click", () => { Object.values(sockets).forEach((socket) => socket.close()); says.textContent = "You have left."; });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const row = through.value;
    if (ended().includes(row)) say(row, text.value);
    else says.textContent = `This tab has not joined ${row}.`;
    text.value = "";
  });
  onReset.addEventListener("reset", () => { heard.replaceChildren(); says.textContent = ""; });
}

/** A message on top of those that were heard before. */
function show(heard, row, data) {
  const { who, text, sent } = understood(data), mine = who === me;
  const took = mine && sent ? `, back after ${number(performance.now() - sent, 1)} ms` : "";
  heard.prepend(element("p", {}, element("span", { class: side(byName[row]) }, row), " ",
    element("strong", {}, mine ? `${who} (you${took})` : who), `: ${text}`));
  while (heard.children.length > SHOWN) heard.lastChild.remove();
}

/** A message as this page sends it; anything else, as a load test may send it, is shown as it is. */
function understood(data) {
  try {
    const { who, text, sent } = JSON.parse(data);
    if (who && text) return { who: String(who).slice(0, 20), text: String(text).slice(0, LONGEST), sent };
  } catch { /* not one of ours */ }
  return { who: "somebody", text: String(data).slice(0, LONGEST) };
}
