/** Questions about the host's devices, and about secrets. */
import {
  connectListAllNodeDevices,
  nodeDeviceGetXmlDesc,
  nodeDeviceLookupByName,
} from '../procedures/node-device.ts';
import {
  connectListAllSecrets,
  secretGetXmlDesc,
  secretLookupByUsage,
  secretLookupByUuid,
} from '../procedures/secret.ts';
import type { NodeDevice, Secret } from '../protocol/identity.ts';
import type { CallOptions } from '../rpc/call.ts';
import { invoke } from './caller.ts';
import { StorageCalls } from './storage-calls.ts';

export class DeviceCalls extends StorageCalls {
  /** All devices with one of the capabilities in `flags` (2 pci, 0x10 net …). Procedure 285. */
  connectListAllNodeDevices(
    args: { flags?: number } = {},
    options?: CallOptions,
  ): Promise<NodeDevice[]> {
    return this[invoke](connectListAllNodeDevices, args.flags ?? 0, options);
  }

  /** Procedure 113. @throws {LibvirtError} `VIR_ERR_NO_NODE_DEVICE` */
  nodeDeviceLookupByName(name: string, options?: CallOptions): Promise<NodeDevice> {
    return this[invoke](nodeDeviceLookupByName, name, options);
  }

  /** Its description, XML. Low priority. Procedure 114. */
  nodeDeviceGetXmlDesc(device: NodeDevice, options?: CallOptions): Promise<string> {
    return this[invoke](nodeDeviceGetXmlDesc, device, options);
  }

  /** All secrets that pass the flags: 1 ephemeral, 2 not, 4 private, 8 not. Procedure 287. */
  connectListAllSecrets(args: { flags?: number } = {}, options?: CallOptions): Promise<Secret[]> {
    return this[invoke](connectListAllSecrets, args.flags ?? 0, options);
  }

  /** Procedure 141. @throws {LibvirtError} `VIR_ERR_NO_SECRET` */
  secretLookupByUuid(uuid: string, options?: CallOptions): Promise<Secret> {
    return this[invoke](secretLookupByUuid, uuid, options);
  }

  /** Procedure 147. @throws {LibvirtError} `VIR_ERR_NO_SECRET` */
  secretLookupByUsage(usageType: number, usageId: string, options?: CallOptions): Promise<Secret> {
    return this[invoke](secretLookupByUsage, { usageType, usageId }, options);
  }

  /** Its definition, XML; never its value. Procedure 143. */
  secretGetXmlDesc(secret: Secret, options?: CallOptions): Promise<string> {
    return this[invoke](secretGetXmlDesc, secret, options);
  }
}
