import type { FaultKind, PlaygroundFault } from '../api.ts';

/** Faults that are switched on. The one that was switched on first is used up first. */
export interface Faults {
  /** `times: 0` switches it off. */
  set(fault: PlaygroundFault): void;
  list(): PlaygroundFault[];
  /** The fault for a request on this route; counts it. */
  take(route: string): FaultKind | undefined;
}

export function createFaults(changed: () => void): Faults {
  let faults: PlaygroundFault[] = [];

  return {
    set(fault) {
      faults = faults.filter(({ route, kind }) => route !== fault.route || kind !== fault.kind);
      if (fault.times > 0) faults.push({ ...fault });
      changed();
    },
    list: () => faults.map((fault) => ({ ...fault })),
    take(route) {
      const fault = faults.find((candidate) => candidate.route === undefined || candidate.route === route);
      if (!fault) return undefined;
      fault.times -= 1;
      if (fault.times === 0) faults = faults.filter((other) => other !== fault);
      changed();
      return fault.kind;
    },
  };
}
