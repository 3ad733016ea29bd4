import { expect, test } from 'vitest';
import { formatTable } from './table.ts';

test('columns are aligned and no line ends in blanks', () => {
  expect(
    formatTable([
      ['HOST', 'TRUST', 'N'],
      ['hv1', 'live', '3'],
      ['a-longer-one', '', ''],
    ]),
  ).toBe('HOST          TRUST  N\nhv1           live   3\na-longer-one');
});
