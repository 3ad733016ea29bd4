/** Longest pattern: matching costs at most its length times the text's. */
export const maxGlobLength = 256;

/** A test for texts that match `pattern`: `*` stands for any text, `?` for one character. */
export function globMatcher(pattern: string): (text: string) => boolean {
  return (text) => matches(pattern, text);
}

/** Goes back to the newest `*` alone: no pattern makes it exponential. */
function matches(pattern: string, text: string): boolean {
  let p = 0;
  let t = 0;
  let star = -1;
  let afterStar = 0;
  while (t < text.length) {
    const sign = pattern[p];
    if (sign === '*') {
      star = p++;
      afterStar = t;
    } else if (sign === '?' || (sign !== undefined && sign === text[t])) {
      p++;
      t++;
    } else if (star >= 0) {
      p = star + 1;
      t = ++afterStar;
    } else {
      return false;
    }
  }
  while (pattern[p] === '*') p++;
  return p === pattern.length;
}
