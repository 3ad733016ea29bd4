import { expect, test } from 'vitest';
import { ScramClient, ScramError } from './scram.ts';

const nonce = 'rOprNGfwEbeRWgbNEkqO';
const serverFirst = Buffer.from(
  'r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096',
);
const serverFinal = Buffer.from('v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=');

test('the exchange of RFC 7677 comes out to the letter', async () => {
  const client = new ScramClient('user', 'pencil', nonce);
  expect(client.first().toString()).toBe(`n,,n=user,r=${nonce}`);
  expect((await client.final(serverFirst)).toString()).toBe(
    'c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=',
  );
  expect(() => client.verify(serverFinal)).not.toThrow();
});

test('a server that does not know the password is caught', async () => {
  const client = new ScramClient('user', 'another', nonce);
  await client.final(serverFirst);
  expect(() => client.verify(serverFinal)).toThrow(ScramError);
  expect(() => client.verify(Buffer.from('v='))).toThrow(ScramError);
  expect(() => client.verify(Buffer.from('e=invalid-proof'))).toThrow(ScramError);
});

test('a server that skips its proof is caught', () => {
  expect(() => new ScramClient('user', 'pencil', nonce).verify(serverFinal)).toThrow(ScramError);
});

test.each([
  ['another nonce', 'r=other,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096'],
  ['our nonce without its own part', `r=${nonce},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096`],
  ['no salt', `r=${nonce}x,i=4096`],
  ['too few iterations', `r=${nonce}x,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=1`],
  ['iterations that would burn our CPU', `r=${nonce}x,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=2000000000`],
  ['no number of iterations', `r=${nonce}x,s=W22ZaJ0SNY7soEsUEjb6gQ==`],
])('a challenge with %s is refused', async (_, challenge) => {
  const client = new ScramClient('user', 'pencil', nonce);
  await expect(client.final(Buffer.from(challenge))).rejects.toThrow(ScramError);
});

test('a name that holds the separators is escaped', () => {
  expect(new ScramClient('a=b,c', 'x', 'n').first().toString()).toBe('n,,n=a=3Db=2Cc,r=n');
});
