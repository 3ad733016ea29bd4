/** What an XML says, brought within the contract's bounds by leaving out what does not fit. */

/** What a schema of contracts offers. */
type Schema<T> = {
  safeParse(
    input: unknown,
  ):
    | { success: true; data: T }
    | { success: false; error: { issues: readonly { path: readonly PropertyKey[] }[] } };
};

/** A cut makes what lacks it unfit at most once per level, and no part nests deeper than this. */
const maxRounds = 16;

/**
 * Takes out of `candidate`, which is changed, whatever the schema refuses: an optional field by
 * itself, an entry of a list when a field that it must have is unfit.
 *
 * @returns what fits, its fields in the schema's order, and the parts (top-level fields) that
 *   lost something; undefined when nothing of it fits
 */
export function fit<T>(
  schema: Schema<T>,
  candidate: Record<string, unknown>,
): { fitting: T; cut: Set<string> } | undefined {
  const cut = new Set<string>();
  for (let round = 0; round < maxRounds; round++) {
    const result = schema.safeParse(candidate);
    if (result.success) return { fitting: result.data, cut };
    const shortened = new Set<unknown[]>();
    for (const { path } of result.error.issues) {
      if (path.length === 0) return undefined;
      cut.add(String(path[0]));
      takeOut(candidate, path, shortened);
    }
    for (const list of shortened) closeHoles(list);
  }
  return undefined;
}

const hole = Symbol('taken out');

/** Removes the value at the path; one that is not there is missed by its parent, which goes. */
function takeOut(root: object, path: readonly PropertyKey[], shortened: Set<unknown[]>): void {
  const parents: object[] = [root];
  for (const key of path.slice(0, -1)) {
    const next: unknown = Reflect.get(parents.at(-1) ?? root, key);
    // Taken out already, for another of its faults.
    if (typeof next !== 'object' || next === null) return;
    parents.push(next);
  }
  for (let depth = path.length - 1; depth >= 0; depth--) {
    const parent = parents[depth] ?? root;
    const key = path[depth] ?? '';
    if (!Object.hasOwn(parent, key)) continue;
    if (Array.isArray(parent)) {
      Reflect.set(parent, key, hole);
      shortened.add(parent);
    } else {
      Reflect.deleteProperty(parent, key);
    }
    return;
  }
}

function closeHoles(list: unknown[]): void {
  const kept = list.filter((each) => each !== hole);
  list.splice(0, list.length, ...kept);
}
