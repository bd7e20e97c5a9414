import { setTimeout as wait } from 'node:timers/promises';

import type { Component } from '@osforge/perf';

/** Milliseconds that each component takes to start. */
const stepMs = 20;
/** Components one behind the other. */
const chainLength = 10;
const count = 50;

/** What the longest chain takes by itself. */
export async function longestChain(): Promise<void> {
  for (let step = 0; step < chainLength; step += 1) await wait(stepMs);
}

/** 50 components in five chains of ten, where each third one also needs its neighbour of the chain before. */
export function fiftyComponents(start: () => unknown = () => wait(stepMs)): Component[] {
  return Array.from({ length: count }, (_, index) => {
    const dependsOn: string[] = [];
    if (index % chainLength > 0) dependsOn.push(`c${index - 1}`);
    if (index % chainLength > 0 && index >= chainLength && index % 3 === 0)
      dependsOn.push(`c${index - chainLength - 1}`);
    return { name: `c${index}`, dependsOn, start, stop: () => {} };
  });
}
