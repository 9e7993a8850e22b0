/** How long to wait before trying again: twice as long after each failure, and a random part of that taken off. */

/**
 * @param failures How many there were so far, at least 1.
 * @param random Between 0 and 1: many windows that lost one daemon must not all come back at the same moment.
 */
export function backoffMs(failures: number, msMin: number, msMax: number, random: () => number = Math.random): number {
  const full = Math.min(msMax, msMin * 2 ** Math.min(failures - 1, 30));
  return full * (1 - random() / 2);
}
