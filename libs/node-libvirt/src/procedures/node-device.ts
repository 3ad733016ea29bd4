/** Devices of the host. */
import { type NodeDevice, readNodeDevice } from '../protocol/identity.ts';
import { procedure } from './procedure.ts';
import { readString, writeListArgs, writeString } from './shared.ts';

const maxNodeDevices = 65_536;

/** CONNECT_LIST_ALL_NODE_DEVICES (285): need_results i, flags u → nodedev<65536>, ret u. */
export const connectListAllNodeDevices = procedure<number, NodeDevice[]>({
  name: 'connectListAllNodeDevices',
  number: 285,
  priority: 'high',
  encode: writeListArgs,
  decode: (reader) => reader.array(maxNodeDevices, 4, readNodeDevice),
});

/** NODE_DEVICE_LOOKUP_BY_NAME (113): s → nodedev. */
export const nodeDeviceLookupByName = procedure<string, NodeDevice>({
  name: 'nodeDeviceLookupByName',
  number: 113,
  priority: 'high',
  encode: writeString,
  decode: readNodeDevice,
});

/** NODE_DEVICE_GET_XML_DESC (114): name s, flags u → s. */
export const nodeDeviceGetXmlDesc = procedure<NodeDevice, string>({
  name: 'nodeDeviceGetXmlDesc',
  number: 114,
  priority: 'low',
  encode: (writer, { name }) => {
    writer.string(name);
    writer.uint(0);
  },
  decode: readString,
});
