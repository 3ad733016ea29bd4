import { expect, test } from 'vitest';
import { findCredentials } from './credentials.ts';

const file = `
# comment
[credentials-prod]
authname = alice
password = a=b#c

[credentials-test]
username=bob
password=b

[auth-libvirt-h1]
credentials=prod
[auth-libvirt-default]
credentials=test
[auth-ssh-h2]
credentials=prod
`;

test.each([
  ['h1', { username: 'alice', password: 'a=b#c' }],
  ['h2', { username: 'bob', password: 'b' }],
])('for %s the entry of that host comes before the default', (host, expected) => {
  expect(findCredentials(file, host)).toEqual(expected);
});

test.each(['', '[auth-libvirt-default]\ncredentials=none', '[credentials-x]\nauthname=a'])(
  'a file that says too little gives nothing: %j',
  (text) => {
    expect(findCredentials(text, 'h')).toBeUndefined();
  },
);
