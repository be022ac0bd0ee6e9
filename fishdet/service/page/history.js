// What was seen on this device: photos and answers in IndexedDB. They go nowhere else.

const [BASE, STORE, MOST] = ["fishdet", "seen", 30];

let opened = null;

function base() {
  opened ||= new Promise((resolve, reject) => {
    const asking = indexedDB.open(BASE, 1);
    asking.onupgradeneeded = () => asking.result.createObjectStore(STORE, { keyPath: "time" });
    asking.onsuccess = () => resolve(asking.result);
    asking.onerror = () => reject(asking.error);
  });
  return opened;
}

async function run(mode, work) {
  const store = (await base()).transaction(STORE, mode).objectStore(STORE);
  return new Promise((resolve, reject) => {
    const asking = work(store);
    asking.onsuccess = () => resolve(asking.result);
    asking.onerror = () => reject(asking.error);
  });
}

/** All entries {time, picture, image, model, calibrated}, the newest first; none where the browser keeps nothing. */
export async function seen() {
  try {
    return (await run("readonly", (store) => store.getAll())).reverse();
  } catch {
    return [];
  }
}

/** Keep an entry; beyond thirty the oldest go. A browser that keeps nothing is no error. */
export async function remember(entry) {
  try {
    await run("readwrite", (store) => store.put(entry));
    for (const old of (await seen()).slice(MOST)) await forgetSeen(old.time);
  } catch { /* private windows, a full disk */ }
}

export const forgetSeen = (time) => run("readwrite", (store) => store.delete(time));

export const forgetAllSeen = () => run("readwrite", (store) => store.clear());
