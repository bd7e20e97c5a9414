import type { Component } from './component.ts';
import { ComponentCycleError, DuplicateComponentError, MissingComponentError } from './errors.ts';

/** The part of a component that says what it needs. */
export type Node = Pick<Component, 'name' | 'dependsOn'>;

/**
 * The components so that each comes after what it depends on; otherwise as they were given.
 * @throws DuplicateComponentError, MissingComponentError, ComponentCycleError
 */
export function dependencyOrder<C extends Node>(components: readonly C[]): readonly C[] {
  const byName = new Map<string, C>();
  for (const component of components) {
    if (byName.has(component.name)) throw new DuplicateComponentError(component.name);
    byName.set(component.name, component);
  }
  const missing = missingPaths(components, byName);
  if (missing.length > 0) throw new MissingComponentError(missing);

  const ordered = new Set<C>();
  const path: string[] = [];
  const visit = (component: C): void => {
    if (ordered.has(component)) return;
    const start = path.indexOf(component.name);
    if (start >= 0) throw new ComponentCycleError([...path.slice(start), component.name]);
    path.push(component.name);
    for (const name of component.dependsOn ?? []) {
      const dependency = byName.get(name);
      if (dependency !== undefined) visit(dependency);
    }
    path.pop();
    ordered.add(component);
  };
  for (const component of components) visit(component);
  return [...ordered];
}

/** For each dependency that does not exist: how it is reached from a component that nobody needs. */
function missingPaths<C extends Node>(components: readonly C[], byName: ReadonlyMap<string, C>): string[][] {
  return components.flatMap((component) =>
    [...new Set(component.dependsOn)]
      .filter((name) => !byName.has(name))
      .map((name) => [...pathTo(component, components), name]),
  );
}

/** From the outermost dependant to the component; one that is seen twice, in a circle, ends the path. */
function pathTo<C extends Node>(component: C, components: readonly C[]): string[] {
  const path = [component.name];
  for (let name = component.name; ;) {
    const sought = name;
    const dependant = components.find((other) => other.dependsOn?.includes(sought) === true);
    if (dependant === undefined || path.includes(dependant.name)) return path;
    path.unshift(dependant.name);
    name = dependant.name;
  }
}
