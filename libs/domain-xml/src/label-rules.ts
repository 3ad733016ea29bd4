/** Which metadata become labels: rules as data, applied in their order. */

/** The text, or an attribute, of the element at `path` below a namespace's metadata. */
export type LabelRule = {
  label: string;
  namespace: string;
  /** As in the contract's metadata: `instance/owner/project`. */
  path: string;
  attribute?: string | undefined;
};

const novaNamespaces = [
  'http://openstack.org/xmlns/libvirt/nova/1.1',
  'http://openstack.org/xmlns/libvirt/nova/1.0',
];

const novaSources: Omit<LabelRule, 'namespace'>[] = [
  { label: 'nova.name', path: 'instance/name' },
  { label: 'nova.flavor', path: 'instance/flavor', attribute: 'name' },
  { label: 'nova.project', path: 'instance/owner/project' },
  { label: 'nova.project-id', path: 'instance/owner/project', attribute: 'uuid' },
  { label: 'nova.user', path: 'instance/owner/user' },
  { label: 'nova.user-id', path: 'instance/owner/user', attribute: 'uuid' },
  { label: 'nova.image-id', path: 'instance/root', attribute: 'uuid' },
];

/** What OpenStack Nova says of its instances, in the namespaces of its old and new releases. */
export const novaLabelRules: readonly LabelRule[] = novaNamespaces.flatMap((namespace) =>
  novaSources.map((source) => ({ ...source, namespace })),
);

/** The key of a rule's value in a namespace's metadata. */
export function metadataKey({ path, attribute }: LabelRule): string {
  return attribute === undefined ? path : `${path}@${attribute}`;
}
