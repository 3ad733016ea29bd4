/**
 * Connects to the URI that its first argument gives, read-write if the second says so, asks for the
 * library's version and prints it.
 */
import { connect } from '../connect.ts';

const [uri = '', access] = process.argv.slice(2);
const session = await connect(uri, { readOnly: access !== 'rw' });
console.log(await session.connectGetLibVersion());
await session.close();
