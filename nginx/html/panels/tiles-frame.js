// In a hidden frame that came from one port: loads a row's tiles over that port, and tells the page of each.

import { ask } from "./lab.js";

const asked = new URLSearchParams(location.search);
const path = `/${encodeURIComponent(asked.get("row"))}/wait?ms=${Number(asked.get("ms"))}`;
const tell = (message) => parent.postMessage(message, "*"); // only the lab's own page may hold this frame: its policy

await ask(path); // so that the time is that of the tiles, not of a first connection
const began = performance.now();
await Promise.all(Array.from({ length: Number(asked.get("count")) }, async (_, tile) => {
  const { ok } = await ask(`${path}&tile=${tile}`);
  tell({ tile, ok });
}));
const took = performance.now() - began;
const loaded = performance.getEntriesByType("resource").filter(({ name }) => name.includes("&tile="));
tell({ took, protocols: [...new Set(loaded.map(({ nextHopProtocol }) => nextHopProtocol))] });
