import { expect, test } from "vitest";
import { Slots } from "../src/slots.js";

const forever = new AbortController().signal;

function gate(): { open: () => void; opened: Promise<void> } {
  let open!: () => void;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { open, opened };
}

test("so many work at a time, and the others come in their order", async () => {
  const slots = new Slots(2);
  const gates = [gate(), gate(), gate(), gate()];
  const begun: number[] = [];
  const work = gates.map(({ opened }, n) =>
    slots.use(() => {
      begun.push(n);
      return opened;
    }, forever),
  );
  await Promise.resolve();
  expect(begun).toEqual([0, 1]);
  gates[1]?.open();
  await work[1];
  expect(begun).toEqual([0, 1, 2]);
  for (const each of gates) each.open();
  await Promise.all(work);
  expect(begun).toEqual([0, 1, 2, 3]);
});

test("who gives up takes no turn, and work that fails gives its own back", async () => {
  const slots = new Slots(1);
  const first = gate();
  const working = slots.use(() => first.opened, forever);
  const abort = new AbortController();
  const gaveUp = slots.use(() => Promise.resolve("never"), abort.signal);
  const next = slots.use(() => Promise.reject(new Error("failed")), forever);
  abort.abort(new Error("no longer"));
  await expect(gaveUp).rejects.toThrow("no longer");
  first.open();
  await working;
  await expect(next).rejects.toThrow("failed");
  expect(await slots.use(() => Promise.resolve("free"), forever)).toBe("free");
});
